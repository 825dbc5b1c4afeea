"""Waits until a model is served, and fails as soon as it is known that it will not be.

Every update waits, including one that changes nothing, since the model may have failed since the last one.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pulumi

from ..core.kserve_api import InferenceServiceApi
from ..core.polling import poll
from . import model_status
from .model_status import ModelStatus

_SAME_SECOND = 1.5
"""A status of the same second as the spec is taken to be about that spec if it stays for this long."""
_QUIET_SECONDS = 10.0
"""A status older than the spec is taken to be about that spec if a running controller leaves it for this long: the
change was in labels, or in nothing that concerns the model."""
_NUDGE_SECONDS = 15.0
"""Time after which the controller is asked to look again: at a runtime that was unknown, or at a model that was
unloaded, which it has loaded then; by itself it does neither."""
_UNSUPPORTED_SECONDS = 300.0
"""Time for mesh pods to detect an existing runtime; kubelet updates their ConfigMap within about two minutes."""


class NotServedError(pulumi.RunError):
    """A model is not served; the message gives ModelMesh's reason."""


@dataclass
class Wait:
    """A wait for one InferenceService; `clock` and `sleep` are replaced in tests."""

    name: str
    watched: InferenceServiceApi
    timeout_seconds: float
    report: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _seen: ModelStatus | None = field(default=None, init=False)
    _since: float = field(default=0.0, init=False)
    _unsupported_since: float | None = field(default=None, init=False)
    _nudged_at: float = field(default=0.0, init=False)

    async def loaded(self) -> None:
        """Returns once the model answers.

        Raises:
            NotServedError: the model cannot be served, or is not after the timeout.
        """
        await poll(
            self._look,
            timeout_seconds=self.timeout_seconds,
            report=lambda missing: self.report(f"waiting for the model: {missing}"),
            expired=self._expired,
            clock=self.clock,
            sleep=self.sleep,
        )

    async def _look(self) -> str:
        service = await self.watched.service()
        if service is None:
            return "the InferenceService does not exist yet"
        status = model_status.read(service)
        return "" if await self.settled(status) else str(status)

    def _expired(self, missing: str) -> NotServedError:
        return NotServedError(
            f"InferenceService {self.name!r} is not served after {self.timeout_seconds:.0f} s. Last seen: {missing}.\n"
            "Look at the runtime's pods and the controller's log: kubectl get pods, "
            "kubectl logs deployment/modelmesh-controller. The next `pulumi up` waits again."
        )

    async def settled(self, status: ModelStatus) -> bool:
        """Returns whether the model is served, once the status is about the newest spec."""
        if not await self._current(status):
            return False
        if status.failed and not self._overtaken(status):
            raise NotServedError(_failure(self.name, status))
        if status.unsupported:
            await self._unsupported(status)
        else:
            self._unsupported_since = None
        if status.unloaded and self.clock() - max(self._since, self._nudged_at) >= _NUDGE_SECONDS:
            await self._nudge()
        return status.loaded

    async def _nudge(self) -> None:
        self._nudged_at = self.clock()
        await self.watched.nudge()

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
        """Returns whether the failure is that of an earlier spec than the one the controller has seen since."""
        written, spec, failed = status.status_written_at, status.spec_written_at, status.failed_at
        assert written, "a status without a time is not current"
        assert spec, "a status of a spec without a time is not current"
        return bool(failed and failed < spec <= written)

    async def _unsupported(self, status: ModelStatus) -> None:
        now = self.clock()
        if self._unsupported_since is None:
            self._unsupported_since, self._nudged_at = now, now
        if not await self.watched.runtime_declared():
            raise NotServedError(_failure(self.name, status) + "\nIts namespace has no enabled runtime for it.")
        if now - self._unsupported_since > _UNSUPPORTED_SECONDS:
            raise NotServedError(_failure(self.name, status) + f"\nStill the same after {_UNSUPPORTED_SECONDS:.0f} s.")
        if now - self._nudged_at >= _NUDGE_SECONDS:
            await self._nudge()


def _failure(name: str, status: ModelStatus) -> str:
    location = f" (pod …{status.location})" if status.location else ""
    serving = "The model before it still serves." if status.still_served else "No model serves under this name."
    return (
        f"InferenceService {name!r} is not served: {status.reason}{location}: {status.message or 'no message'}\n"
        f"{serving} Correct the model or its runtime and run `pulumi up` again; to go back, revert the change."
    )
