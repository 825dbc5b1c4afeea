"""The state of an InferenceService's model, parsed from the object.

ModelMesh Serving publishes no observed generation, and its condition `Ready` is True while a model is still loading. So
the state is read from `status.modelStatus`, and its age from `metadata.managedFields`.
"""

import datetime
from dataclasses import dataclass
from typing import Any

UNSUPPORTED = ("NoSupportingRuntime", "RuntimeNotRecognized")
"""Failure reasons that disappear once mesh pods have read the type constraints of a new runtime."""

_FAILURES = ("ModelLoadFailed", "InvalidPredictorSpec")


@dataclass(frozen=True, kw_only=True)
class ModelStatus:
    """The state of a model at one point in time."""

    ready: bool = False
    active: str = ""
    target: str = ""
    transition: str = ""
    reason: str = ""
    message: str = ""
    location: str = ""
    failed_at: datetime.datetime | None = None
    spec_written_at: datetime.datetime | None = None
    """Time of the last change of the spec, in whole seconds like all times of the API server."""
    status_written_at: datetime.datetime | None = None
    """Time of the controller's last change of the status; None if there is none yet."""
    first_spec: bool = False
    """Whether this is the object's first spec, so that any status is about it."""

    @property
    def loaded(self) -> bool:
        """Whether the model of the current spec answers requests."""
        return self.ready and self.active == "Loaded" and not self.target and self.transition == "UpToDate"

    @property
    def unloaded(self) -> bool:
        """Whether no mesh pod has the model in memory, as after the loss of all pods that had it."""
        return self.active == "Standby" and not self.target

    @property
    def failed(self) -> bool:
        """Whether loading the model has failed, or its spec is invalid."""
        refused = "FailedToLoad" in (self.active, self.target) or self.transition in (
            "BlockedByFailedLoad",
            "InvalidSpecError",
        )
        return refused and self.reason in _FAILURES

    @property
    def unsupported(self) -> bool:
        """Whether the mesh pod that the controller asked has no runtime for the model."""
        return "FailedToLoad" in (self.active, self.target) and self.reason in UNSUPPORTED

    @property
    def still_served(self) -> bool:
        """Whether an earlier model still answers requests."""
        return self.active == "Loaded"

    def __str__(self) -> str:
        target = f", next one {self.target}" if self.target else ""
        reason = f", {self.reason}: {self.message}" if self.reason else ""
        return f"model {self.active or 'not registered yet'}{target}, {self.transition or 'no transition'}{reason}"


def read(service: dict[str, Any]) -> ModelStatus:
    """Parses an InferenceService as the API server returns it."""
    status = service.get("status", {})
    model = status.get("modelStatus", {})
    states, failure = model.get("states") or {}, model.get("lastFailureInfo") or {}
    entries = service["metadata"].get("managedFields", [])
    return ModelStatus(
        ready=any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions", [])),
        active=states.get("activeModelState", ""),
        target=states.get("targetModelState", ""),
        transition=model.get("transitionStatus", ""),
        reason=failure.get("reason", ""),
        message=failure.get("message", ""),
        location=failure.get("location", ""),
        failed_at=_time(failure.get("time")),
        spec_written_at=_newest(e for e in entries if "f:spec" in e.get("fieldsV1", {})),
        status_written_at=_newest(e for e in entries if e.get("subresource") == "status"),
        first_spec=service["metadata"].get("generation") == 1,
    )


def _newest(entries: Any) -> datetime.datetime | None:
    times = (_time(entry.get("time")) for entry in entries)
    return max((time for time in times if time), default=None)


def _time(text: str | None) -> datetime.datetime | None:
    return datetime.datetime.fromisoformat(text) if text else None
