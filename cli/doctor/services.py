"""Section of the InferenceServices: their state, the pods that hold them, and why those that fail do so."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from cli.doctor.api import Identity, Object
from cli.doctor.causes import UNFINISHED, UNREGISTERED, WITHOUT_POD, WITHOUT_RUNTIME, Cause, cause
from cli.doctor.commands import Commands
from cli.doctor.findings import Finding, Line, Section, Severity, Step
from cli.doctor.observation import Observation, identity, selected
from cli.doctor.runtimes import deployments
from cli.doctor.troubles import condition

_MODE = "serving.kserve.io/deploymentMode"
_ANSWERING = ("Loaded", "Standby")
"""States of a model that answers: at once, or after it is loaded again by the first request."""
_MOST_NAMED = 3
"""Number of services that a finding names before it counts the others."""
_LOCATION = 12
"""Length of the end of a pod's name by which ModelMesh calls the pod."""


@dataclass(frozen=True, kw_only=True)
class _Service:
    """State of an InferenceService's model, and the pods that can hold it."""

    identity: Identity
    active: str
    target: str
    transition: str
    copies: int
    failure: Mapping[str, str]
    """ModelMesh's last failure, with its reason, message, location and time."""
    pods: Sequence[str]
    """Ready pods of the runtime."""
    runtime: str
    """Name of the runtime; empty if no enabled one takes the model."""

    @classmethod
    def read(cls, service: Object, runtime: Object | None, pods: Sequence[Object]) -> Self:
        """Parse the object."""
        model = service.get("status", {}).get("modelStatus") or {}
        states = model.get("states") or {}
        return cls(
            identity=identity(service),
            active=states.get("activeModelState", ""),
            target=states.get("targetModelState", ""),
            transition=model.get("transitionStatus", ""),
            copies=(model.get("copies") or {}).get("totalCopies", 0),
            failure=model.get("lastFailureInfo") or {},
            pods=[pod["metadata"]["name"] for pod in pods if condition(pod, "Ready").get("status") == "True"],
            runtime=runtime["metadata"]["name"] if runtime else "",
        )

    @property
    def why(self) -> Cause | None:
        """Reason why the model that the spec names does not answer, or None if it does."""
        blocked = self.transition in ("BlockedByFailedLoad", "InvalidSpecError")
        if blocked or "FailedToLoad" in (self.active, self.target) or self.failure.get("reason") == "RuntimeUnhealthy":
            return cause(self.failure)
        if not self.active:
            return UNREGISTERED
        if not self.runtime:
            return WITHOUT_RUNTIME
        if not self.pods:
            return WITHOUT_POD
        return None if self.active in _ANSWERING and not self.target else UNFINISHED

    @property
    def severity(self) -> Severity:
        """Whether it answers, or will without a change."""
        if self.why is None:
            return Severity.WELL
        return Severity.WARNING if self.why is UNFINISHED else Severity.ERROR

    @property
    def holders(self) -> str:
        """The pods that hold the model; ModelMesh tells their number, which mostly is that of all ready pods."""
        names = ", ".join(name[-_LOCATION:] for name in self.pods)
        if self.active != "Loaded" or not self.copies or not self.pods:
            return ""
        if self.copies >= len(self.pods):
            return f"in {names}"
        return f"in {self.copies} of {names}"

    def line(self) -> Line:
        """Return the line of the section."""
        target = f", next model {self.target}" if self.target else ""
        state = f"{self.active or 'not registered'}{target}"
        reason = (
            self.failure.get("reason", "") and f"last failure {self.failure['reason']} {self.failure.get('time', '')}"
        )
        facts = {
            "state": self.active, "target": self.target, "transition": self.transition, "copies": self.copies,
            "runtime": self.runtime, "readyPods": list(self.pods), "lastFailure": dict(self.failure),
        }  # fmt: skip
        but = f"but {self.why.problem}" if self.why in (WITHOUT_POD, WITHOUT_RUNTIME) else ""
        text = ", ".join(filter(None, [state, self.holders, but, reason]))
        return Line(name=self.identity.name, text=text, severity=self.severity, facts=facts)


def services(observation: Observation, commands: Commands) -> Section:
    """Examine each InferenceService that ModelMesh serves."""
    found = list(_read(observation))
    alike: dict[Cause, list[_Service]] = {}
    for each in found:
        if each.why:
            alike.setdefault(each.why, []).append(each)
    findings = tuple(_finding(observation, commands, *each) for each in alike.items())
    return Section(title="InferenceServices", lines=tuple(each.line() for each in found), findings=findings)


def _read(observation: Observation) -> Iterator[_Service]:
    pods = {
        (identity(runtime), made["metadata"]["namespace"]): selected(observation.pods, made)
        for runtime in observation.runtimes
        for made in deployments(observation, runtime)
    }
    for service in observation.services:
        if service["metadata"].get("annotations", {}).get(_MODE) == "ModelMesh":
            runtime = _runtime(observation, service)
            key = runtime and (identity(runtime), service["metadata"]["namespace"])
            yield _Service.read(service, runtime, pods.get(key, []) if key else [])


def _runtime(observation: Observation, service: Object) -> Object | None:
    """Return the runtime that a service names, or else the first one that selects its format."""
    model = service["spec"].get("predictor", {}).get("model", {})
    named, wanted = model.get("runtime"), model.get("modelFormat", {}).get("name")
    for each in observation.runtimes:
        formats = each["spec"].get("supportedModelFormats", [])
        fits = any(entry["name"] == wanted and entry.get("autoSelect") for entry in formats)
        same_place = each["metadata"].get("namespace") in (None, service["metadata"]["namespace"])
        if same_place and (named == each["metadata"]["name"] if named else fits):
            return each
    return None


def _finding(observation: Observation, commands: Commands, why: Cause, alike: Sequence[_Service]) -> Finding:
    """Return one finding for all services with the same cause, with the message and the pod of the first."""
    first = alike[0]
    served = first.active in _ANSWERING and first.pods
    message = " ".join(f"{first.failure.get('reason')}: {first.failure.get('message', '')}".split())
    command = commands.make(why.target) if why.target else ""
    steps = [Step(text=why.advice.format(file=commands.file), command=command)]
    if pod := next((name for name in first.pods if name.endswith(first.failure.get("location") or "-")), ""):
        log = commands.kubectl("logs", pod, "--all-containers", "--since=1h", f"--namespace={first.identity.namespace}")
        steps.append(Step(text="See the log of the pod in which it failed", command=log))
    return Finding(
        severity=first.severity,
        subject=_named(alike),
        problem=f"{why.problem}. {'The model before it still answers' if served else 'It does not answer'}.",
        evidence=(*([message] if first.failure else []), *observation.warnings(first.identity)),
        steps=tuple(steps),
    )


def _named(alike: Sequence[_Service]) -> str:
    first = ", ".join(f"{each.identity.namespace}/{each.identity.name}" for each in alike[:_MOST_NAMED])
    more = f" and {len(alike) - _MOST_NAMED:,} more" if len(alike) > _MOST_NAMED else ""
    return f"{'InferenceServices' if len(alike) > 1 else 'InferenceService'} {first}{more}"
