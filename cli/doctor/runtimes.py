"""Section of the serving runtimes: their pods, restarts, and memory against limit and plan."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from kubernetes.utils.quantity import parse_quantity

from cli.doctor.api import Identity, Object
from cli.doctor.commands import Commands
from cli.doctor.findings import Finding, Line, Section, Severity, Step
from cli.doctor.observation import Container, Observation, identity, selected
from cli.doctor.parts import CONTROLLER
from cli.doctor.pods import Advice
from cli.doctor.workloads import Examined, workload_with_pods

_MIB = 2**20
_NEARLY_FULL = 0.95
"""Share of a memory limit from which a container is likely to be killed soon."""
_CONSEQUENCE = "Its models answer from its ready pods only, if there are any."


@dataclass(frozen=True, kw_only=True)
class _Memory:
    """Memory of a runtime's container, in the pod that uses most of it."""

    container: Container
    limit: int
    used: int | None
    """Bytes in use; None if the cluster does not tell."""

    def __str__(self) -> str:
        used = "" if self.used is None else f"{self.used / _MIB:,.0f} of "
        return f"{self.container.name} {used}{self.limit / _MIB:,.0f} MiB"


def runtimes(observation: Observation, commands: Commands) -> Section:
    """Examine each enabled runtime in each namespace."""
    examined = [each for runtime in observation.runtimes for each in _runtime(observation, commands, runtime)]
    findings = tuple(finding for _, found in examined for finding in found)
    return Section(title="Runtimes", lines=tuple(line for line, _ in examined), findings=findings)


def deployments(observation: Observation, runtime: Object) -> list[Object]:
    """Return the Deployments that the controller made for a runtime: one for each namespace that it serves."""
    own = {"kind": runtime["kind"], "name": runtime["metadata"]["name"]}
    places = {runtime["metadata"].get("namespace")} - {None}
    return [
        each
        for each in observation.deployments
        if any(own.items() <= owner.items() for owner in each["metadata"].get("ownerReferences", []))
        and (not places or each["metadata"]["namespace"] in places)
    ]


def _runtime(observation: Observation, commands: Commands, runtime: Object) -> Iterator[Examined]:
    made = deployments(observation, runtime)
    if not made and runtime["metadata"].get("namespace"):
        yield _without_deployment(observation, commands, identity(runtime))
    yield from (_with_deployment(observation, commands, runtime, each) for each in made)


def _with_deployment(observation: Observation, commands: Commands, runtime: Object, found: Object) -> Examined:
    own = {each["name"] for each in runtime["spec"].get("containers", [])}
    keys = {
        each["name"]: "modelmesh:runtimeMemory" if each["name"] in own else "modelmesh:adapterResources"
        for each in found["spec"]["template"]["spec"]["containers"]
    } | {"mm": "modelmesh:meshResources"}
    advice = Advice(consequence=_CONSEQUENCE, memory=keys)
    line, findings = workload_with_pods(observation, commands, identity(found), found, advice)
    memory = list(_memory(observation, found))
    findings += _nearly_full(memory, commands, advice)
    text = "; ".join([line.text, *(str(each) for each in memory if each.container.name in own), *_plan(runtime)])
    worst = max((finding.severity for finding in findings), default=Severity.WELL)
    return replace(line, name=runtime["metadata"]["name"], text=text, severity=worst), findings


def _without_deployment(observation: Observation, commands: Commands, runtime: Identity) -> Examined:
    places = [each.identity.namespace for each in observation.applied if each.identity.name == CONTROLLER]
    log = commands.kubectl("logs", f"deployment/{CONTROLLER}", f"--namespace={[*places, runtime.namespace][0]}")
    finding = Finding(
        severity=Severity.ERROR,
        subject=str(runtime),
        problem="the controller has not made its Deployment, so no pod can load its models",
        steps=(Step(text="See why in the controller's log", command=log),),
    )
    return Line(name=runtime.name, text="no Deployment", severity=Severity.ERROR), [finding]


def _memory(observation: Observation, found: Object) -> Iterator[_Memory]:
    pods = selected(observation.pods, found)
    for each in found["spec"]["template"]["spec"]["containers"]:
        limit = int(parse_quantity(each.get("resources", {}).get("limits", {}).get("memory", 0)))
        places = [Container(pod["metadata"]["namespace"], pod["metadata"]["name"], each["name"]) for pod in pods]
        if limit and places:
            most = max(places, key=lambda place: observation.memory.get(place, 0))
            yield _Memory(container=most, limit=limit, used=observation.memory.get(most))


def _nearly_full(memory: list[_Memory], commands: Commands, advice: Advice) -> Iterator[Finding]:
    for each in memory:
        if each.used and each.used > _NEARLY_FULL * each.limit:
            key = advice.memory[each.container.name]
            yield Finding(
                severity=Severity.WARNING,
                subject=f"{Identity('Pod', *each.container[:2])}, container {each.container.name}",
                problem=f"it uses {each.used / each.limit:.0%} of its memory limit, beyond which it is killed",
                steps=(Step(text=f"Raise {key} in {commands.file}", command=commands.make("up")),),
            )


def _plan(runtime: Object) -> Iterator[str]:
    """Return the memory that the runtime's plan has for models: the server's request without the buffer."""
    adapter = runtime["spec"].get("builtInAdapter", {})
    buffer = adapter.get("memBufferBytes")
    for each in runtime["spec"].get("containers", []):
        request = each.get("resources", {}).get("requests", {}).get("memory")
        if buffer and request and each["name"] == adapter.get("serverType"):
            yield f"{(int(parse_quantity(request)) - buffer) / _MIB:,.0f} MiB planned for models"
