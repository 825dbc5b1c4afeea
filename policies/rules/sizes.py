"""Rule: every container has requests and limits, for scheduling and to protect the node."""

from collections.abc import Iterator

from .policy import Policy, Settings
from .reading import at
from .resource import Resource


def _sized(resource: Resource, _: Settings) -> Iterator[str]:
    for path, container in resource.containers:
        for bound in ("requests", "limits"):
            for what in ("cpu", "memory"):
                if at(container, "resources", bound, what) is None:
                    yield f"{path}.resources.{bound}.{what}: missing, expected a quantity"


SIZED_CONTAINERS = Policy(
    name="sized-containers",
    description="Every container has requests and limits of CPU and memory.",
    rule=_sized,
)
