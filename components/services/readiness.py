"""Waits until a model is served, and gives up as soon as it is known that it will not be.

Every `up` does, also one that changes nothing: what is there now is what counts.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import pulumi

from . import model_status
from .model_status import ModelStatus

_POLL_SECONDS = 0.5
_SAME_SECOND = 1.5
"""Status and spec written in the same second: what is still there after this long is newer than the spec."""
_QUIET_SECONDS = 10.0
"""A controller that is up and has written nothing for this long has nothing to say about the newest spec: it was a
change of labels, or of nothing that concerns the model."""
_NUDGE_SECONDS = 15.0


class Watched(Protocol):
    """The cluster as seen from one InferenceService."""

    async def service(self) -> dict[str, Any] | None:
        """The object, or None while it is not there."""

    async def controller_ready(self) -> bool:
        """Whether a replica of ModelMesh Serving's controller is ready."""

    async def runtime_declared(self) -> bool:
        """Whether an enabled runtime is declared that is meant for this model."""

    async def nudge(self) -> None:
        """Makes the controller register the model once more."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to wait, in seconds."""

    total: float
    unsupported: float = 300.0
    """For mesh pods to hear of a runtime that is declared; kubelet tells them within about two minutes."""


class NotServedError(pulumi.RunError):
    """The model is not served, and why."""


@dataclass
class Wait:
    """One wait for one InferenceService; `clock` and `sleep` are replaced in tests."""

    name: str
    watched: Watched
    patience: Patience
    report: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _seen: ModelStatus | None = field(default=None, init=False)
    _since: float = field(default=0.0, init=False)
    _unsupported_since: float | None = field(default=None, init=False)
    _nudged_at: float = field(default=0.0, init=False)
    _reported: str = field(default="", init=False)

    async def loaded(self) -> ModelStatus:
        """Returns once the model answers. Raises NotServedError when it cannot, or when the patience is over."""
        deadline = self.clock() + self.patience.total
        while self.clock() < deadline:
            try:
                service = await self.watched.service()
                status = model_status.read(service) if service else None
                if status and await self.settled(status):
                    return status
                self._say(f"waiting for the model: {status or 'the InferenceService is not there yet'}")
            except ConnectionError as problem:
                self._say(f"no answer from the API server, trying again: {problem}")
            await self.sleep(_POLL_SECONDS)
        raise NotServedError(
            f"InferenceService {self.name!r} is not served after {self.patience.total:.0f} s. Last seen: "
            f"{self._seen or 'nothing'}.\nLook at the runtime's pods and the controller's log: "
            f"kubectl get pods, kubectl logs deployment/modelmesh-controller. The next `pulumi up` waits again."
        )

    async def settled(self, status: ModelStatus) -> bool:
        """Whether the model is served, judged on a status that is about the newest spec. Raises NotServedError."""
        if not await self._current(status):
            return False
        if status.failed and not self._overtaken(status):
            raise NotServedError(_failure(self.name, status))
        if status.unsupported:
            await self._unsupported(status)
        else:
            self._unsupported_since = None
        return status.loaded

    async def _current(self, status: ModelStatus) -> bool:
        now = self.clock()
        if status != self._seen:
            self._seen, self._since = status, now
        quiet = now - self._since
        if status.status_written_at is None or status.spec_written_at is None:
            return False
        if status.first_spec or status.status_written_at > status.spec_written_at:
            return True
        if status.status_written_at == status.spec_written_at:
            return quiet >= _SAME_SECOND
        return quiet >= _QUIET_SECONDS and await self.watched.controller_ready()

    @staticmethod
    def _overtaken(status: ModelStatus) -> bool:
        """The failure is that of an earlier spec, and the controller has taken up the newest one since."""
        written, spec, failed = status.status_written_at, status.spec_written_at, status.failed_at
        return bool(written and spec and failed and failed < spec <= written)

    async def _unsupported(self, status: ModelStatus) -> None:
        now = self.clock()
        if self._unsupported_since is None:
            self._unsupported_since, self._nudged_at = now, now
        if not await self.watched.runtime_declared():
            raise NotServedError(
                _failure(self.name, status) + "\nNo enabled runtime for it is declared in its namespace."
            )
        if now - self._unsupported_since > self.patience.unsupported:
            raise NotServedError(_failure(self.name, status) + f"\nStill so after {self.patience.unsupported:.0f} s.")
        if now - self._nudged_at >= _NUDGE_SECONDS:
            self._nudged_at = now
            await self.watched.nudge()

    def _say(self, text: str) -> None:
        if text != self._reported:
            self._reported = text
            self.report(text)


def _failure(name: str, status: ModelStatus) -> str:
    location = f" (pod …{status.location})" if status.location else ""
    serving = "The model before it still serves." if status.still_served else "No model serves under this name."
    return (
        f"InferenceService {name!r} is not served: {status.reason}{location}: {status.message or 'no message'}\n"
        f"{serving} Correct the model or its runtime and run `pulumi up` again; to go back, revert the change."
    )
