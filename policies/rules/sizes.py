"""Requests and limits of every container: a node that is full takes no pod, and a pod without limits fills it."""

from collections.abc import Iterator

from .pods import containers
from .policy import Policy, Settings
from .reading import at
from .resource import Resource


def _sized(resource: Resource, _: Settings) -> Iterator[str]:
    for path, container in containers(resource):
        for bound in ("requests", "limits"):
            for what in ("cpu", "memory"):
                if at(container, "resources", bound, what) is None:
                    yield f"{path}.resources.{bound}.{what}: missing, expected a quantity"


SIZED_CONTAINERS = Policy(
    name="sized-containers",
    description="Every container says how much CPU and memory it asks for and gets at most.",
    rule=_sized,
)
