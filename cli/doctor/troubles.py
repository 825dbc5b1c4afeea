"""Reasons why pods are not well, read from their status alone."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from cli.doctor.api import Object
from cli.doctor.observation import Container

_IMAGE = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError")
_CONFIGURATION = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")
_OUT_OF_MEMORY = "OOMKilled"
_RECENT = datetime.timedelta(hours=1)
"""Time for which a ready container that ran out of memory is still worth a warning."""
_STARTING = datetime.timedelta(seconds=60)
"""Time that a pod may take to become ready."""


class Kind(Enum):
    """Kinds of trouble, each with its own advice."""

    UNSCHEDULED = "unscheduled"
    IMAGE = "image"
    CONFIGURATION = "configuration"
    MEMORY = "memory"
    CRASH = "crash"
    NOT_READY = "not ready"


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """One container that is not well."""

    kind: Kind
    container: Container
    problem: str
    passed: bool = False
    """Whether the container answers again, or may still be starting."""
    previous: bool = False
    """Whether the log of the container before the last restart has the reason."""

    @property
    def logged(self) -> bool:
        """Whether the container has run, so that it has a log."""
        return self.kind in (Kind.MEMORY, Kind.CRASH, Kind.NOT_READY)


def troubles(pod: Object, now: datetime.datetime) -> Iterator[Trouble]:
    """Return what is wrong with a pod."""
    place, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
    if "deletionTimestamp" in pod["metadata"] or pod.get("status", {}).get("phase") == "Succeeded":
        return
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        problem = f"no node takes it: {scheduled.get('message', scheduled.get('reason'))}"
        yield Trouble(kind=Kind.UNSCHEDULED, container=Container(place, name, ""), problem=problem)
        return
    started = pod.get("status", {}).get("startTime")
    young = not started or now - time(started) < _STARTING
    found = [
        trouble
        for status in container_statuses(pod)
        for trouble in _troubles(status, Container(place, name, status["name"]), now, young=young)
    ]
    # Containers that are not ready mostly wait for the one that has another trouble.
    yield from [each for each in found if each.kind != Kind.NOT_READY] or found


def _troubles(status: Object, container: Container, now: datetime.datetime, *, young: bool) -> Iterator[Trouble]:
    waiting = status.get("state", {}).get("waiting", {})
    reason, message = waiting.get("reason", ""), waiting.get("message", "")
    ended = status.get("state", {}).get("terminated") or {}
    end = ended or status.get("lastState", {}).get("terminated") or {}
    restarts = status.get("restartCount", 0)
    previous = bool(restarts and not ended)
    if reason in _IMAGE:
        problem = f"its image {status['image']} cannot be pulled: {message or reason}"
        yield Trouble(kind=Kind.IMAGE, container=container, problem=problem)
    elif reason in _CONFIGURATION:
        yield Trouble(kind=Kind.CONFIGURATION, container=container, problem=f"it cannot start: {message or reason}")
    elif end.get("reason") == _OUT_OF_MEMORY and (not status["ready"] or now - time(end["finishedAt"]) < _RECENT):
        problem = f"it was killed because it used more memory than its limit (OOMKilled, {restarts} restarts)"
        yield Trouble(kind=Kind.MEMORY, container=container, problem=problem, passed=status["ready"], previous=previous)
    elif reason == "CrashLoopBackOff" or (end.get("exitCode") and not status["ready"]):
        problem = f"it exits with code {end.get('exitCode', '?')} ({restarts} restarts)"
        yield Trouble(kind=Kind.CRASH, container=container, problem=problem, previous=previous)
    elif not status["ready"] and not end:
        problem = "it runs, but is not ready" if "running" in status.get("state", {}) else f"it waits: {reason}"
        yield Trouble(kind=Kind.NOT_READY, container=container, problem=problem, passed=young)


def container_statuses(pod: Object) -> list[Object]:
    """Return the status of each container, those of init containers first unless they are done."""
    status = pod.get("status", {})
    started = [each for each in status.get("initContainerStatuses", []) if not each["ready"]]
    return [*started, *status.get("containerStatuses", [])]


def condition(item: Object, name: str) -> Object:
    """Return a condition of an object, or an empty one."""
    return next((each for each in item.get("status", {}).get("conditions") or [] if each["type"] == name), {})


def time(text: str) -> datetime.datetime:
    """Return a time of the API server."""
    return datetime.datetime.fromisoformat(text)
