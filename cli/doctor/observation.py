"""Everything that a report is about, as it was read from the cluster at one time."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from cli.doctor.api import Identity, Object
from cli.doctor.state import Applied

_MOST_WARNINGS = 3


class Container(NamedTuple):
    """A container of a pod."""

    namespace: str
    pod: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Observation:
    """Objects of the cluster as the API server returned them."""

    applied: Sequence[Applied]
    live: Mapping[Identity, Object | None]
    """The objects that the stack applied, None for one that does not exist; those that could not be read are absent."""
    services: Sequence[Object] = ()
    runtimes: Sequence[Object] = ()
    """ModelMesh's enabled runtimes of the namespaces, and then those of the cluster."""
    deployments: Sequence[Object] = ()
    """Deployments of the runtimes, which ModelMesh Serving's controller makes."""
    pods: Sequence[Object] = ()
    """Pods of the stack's workloads and of its runtimes."""
    events: Sequence[Object] = ()
    """Warnings of the last hour, which is how long API servers keep them by default."""
    logs: Mapping[Container, Sequence[str]] = field(default_factory=dict)
    """Last lines of containers that are not well: of the one before the last restart, if it restarted."""
    memory: Mapping[Container, int] = field(default_factory=dict)
    """Bytes in use; without those that the cluster does not tell or that this account cannot read."""
    secrets: Mapping[Identity, Object] = field(default_factory=dict)
    """Secrets that the stack applied or that its pods mount."""
    denied: Sequence[str] = ()
    """Objects that this account has no right to read."""
    now: datetime.datetime

    def warnings(self, identity: Identity) -> tuple[str, ...]:
        """Return the newest warnings about an object, each once."""
        about = [event for event in self.events if _subject(event) == identity]
        newest = sorted(
            about, key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime")), reverse=True
        )
        messages = (f"{event.get('reason')}: {event.get('message', '').strip()}" for event in newest)
        return tuple(dict.fromkeys(messages))[:_MOST_WARNINGS]

    def log(self, container: Container) -> tuple[str, ...]:
        """Return the last lines of a container that is not well."""
        return tuple(self.logs.get(container, ()))


def identity(item: Object) -> Identity:
    """Return the identity of an object."""
    return Identity(item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"])


def selected(pods: Sequence[Object], workload: Object) -> list[Object]:
    """Return the pods of a Deployment, a StatefulSet or a Job."""
    labels = workload["spec"]["selector"]["matchLabels"].items()
    place = workload["metadata"]["namespace"]
    return [
        pod
        for pod in pods
        if pod["metadata"]["namespace"] == place and labels <= pod["metadata"].get("labels", {}).items()
    ]


def _subject(event: Object) -> Identity:
    about = event.get("involvedObject", {})
    return Identity(about.get("kind", ""), about.get("namespace", ""), about.get("name", ""))
