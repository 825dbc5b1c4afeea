"""Rule: a stack stays within the bounds of its bill, if its policy config sets some."""

from collections.abc import Iterable, Iterator

from .bill import ITEMS, bill, quantity
from .policy import Setting, Settings, StackPolicy
from .resource import Resource


def _bounded(resources: Iterable[Resource], settings: Settings) -> Iterator[str]:
    used = bill(resources).used if settings["hard"] else {}
    for bound in settings["hard"]:
        item, _, value = bound.partition("=")
        try:
            most = quantity(value)
        except ValueError:
            item = ""
        if item not in ITEMS:
            yield f"hard: {bound!r}, expected <item>=<quantity> with one of {', '.join(ITEMS)}"
        elif used[item] > most:
            yield f"{item}: {used[item].normalize():f}, expected at most {value}"


BOUNDED_BILL = StackPolicy(
    name="bounded-bill",
    description="The pods of a stack, with their requests and limits, stay within the bounds of the policy config.",
    rule=_bounded,
    settings={"hard": Setting(description="Bounds as in `kubectl create quota --hard`, like requests.cpu=16")},
)
