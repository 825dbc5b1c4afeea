"""Findings about the pods of a workload, with the advice for each kind of trouble."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from cli.doctor.api import Identity, Object
from cli.doctor.commands import Commands
from cli.doctor.findings import Finding, Severity, Step
from cli.doctor.observation import Observation
from cli.doctor.troubles import Kind, Trouble, troubles


@dataclass(frozen=True, kw_only=True)
class Advice:
    """Advice about a workload that no pod's status has."""

    consequence: str
    """Effect on the stack meanwhile, as a sentence."""
    memory: Mapping[str, str] = field(default_factory=dict)
    """Key of the stack's file with the memory of each container, by its name."""


def pod_findings(
    observation: Observation, commands: Commands, pods: Sequence[Object], advice: Advice
) -> Iterator[Finding]:
    """Return one finding for all pods of a workload that have the same trouble."""
    same: dict[tuple[Kind, str], list[Trouble]] = {}
    for pod in pods:
        for trouble in troubles(pod, observation.now):
            same.setdefault((trouble.kind, trouble.container.name), []).append(trouble)
    for alike in same.values():
        first, more = alike[0], len(alike) - 1
        pod_name = Identity("Pod", first.container.namespace, first.container.pod)
        container = f", container {first.container.name}" if first.container.name else ""
        yield Finding(
            severity=Severity.WARNING if all(each.passed for each in alike) else Severity.ERROR,
            subject=f"{pod_name}{container}" + (f", and {more} more" if more else ""),
            problem=first.problem + ("" if first.passed else f". {advice.consequence}"),
            evidence=(*observation.warnings(pod_name), *observation.log(first.container)),
            steps=tuple(_steps(first, commands, advice)),
        )


def _steps(trouble: Trouble, commands: Commands, advice: Advice) -> Iterator[Step]:
    place, pod, container = trouble.container
    apply = commands.make("up")
    describe = commands.kubectl("describe", "pod", pod, f"--namespace={place}")
    if trouble.logged:
        previous = ["--previous"] if trouble.previous else []
        log = commands.kubectl("logs", pod, f"--container={container}", f"--namespace={place}", *previous)
    match trouble.kind:
        case Kind.UNSCHEDULED:
            yield Step(text="Make room on the nodes, or request less", command=commands.kubectl("describe", "nodes"))
        case Kind.IMAGE:
            yield Step(text="See each attempt", command=describe)
            yield Step(text=f"Correct the image, or the pull secrets, in {commands.file}", command=apply)
        case Kind.CONFIGURATION:
            yield Step(text="See what is missing", command=describe)
            yield Step(text="Apply what the stack has", command=apply)
        case Kind.MEMORY:
            key = advice.memory.get(container)
            more = f"Raise {key} in {commands.file}" if key else "Have it hold less: the stack sets its limit"
            yield Step(text=f"{more}; docs/many-models.md tells how memory is planned", command=apply)
            yield Step(text="See what it did before", command=log)
        case Kind.CRASH:
            yield Step(text="See why it ended", command=log)
            yield Step(text="Correct the cause, and apply", command=apply)
        case Kind.NOT_READY:
            yield Step(text="See what it waits for", command=log)
