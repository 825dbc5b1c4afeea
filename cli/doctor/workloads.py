"""Deployments and StatefulSets: whether they exist, how many of their pods are ready, and why others are not."""

from collections.abc import Sequence

from cli.doctor.api import Identity, Object
from cli.doctor.commands import Commands
from cli.doctor.findings import Finding, Line, Severity, Step
from cli.doctor.observation import Observation, selected
from cli.doctor.pods import Advice, pod_findings
from cli.doctor.troubles import condition, container_statuses

Examined = tuple[Line, list[Finding]]


def applied_workload(observation: Observation, commands: Commands, identity: Identity, advice: Advice) -> Examined:
    """Examine a workload that the stack applied."""
    if identity not in observation.live:
        return Line(name=identity.name, text="unknown: this account may not read it"), []
    workload = observation.live[identity]
    if workload is None:
        return _gone(commands, identity, "does not exist", advice)
    if workload["spec"].get("replicas") == 0:
        return _gone(commands, identity, "is scaled to 0", advice)
    return workload_with_pods(observation, commands, identity, workload, advice)


def workload_with_pods(
    observation: Observation, commands: Commands, identity: Identity, workload: Object, advice: Advice
) -> Examined:
    """Examine a workload that exists."""
    pods = selected(observation.pods, workload)
    findings = list(pod_findings(observation, commands, pods, advice))
    wanted, ready = workload["spec"].get("replicas", 1), workload.get("status", {}).get("readyReplicas", 0)
    if ready < wanted and not findings:
        describe = commands.kubectl(
            "describe", identity.kind.lower(), identity.name, f"--namespace={identity.namespace}"
        )
        problem = _failure(workload) or "its pods are not there yet"
        findings.append(
            Finding(
                severity=Severity.ERROR, subject=str(identity), problem=f"{problem}. {advice.consequence}",
                evidence=observation.warnings(identity), steps=(Step(text="See what it waits for", command=describe),),
            )
        )  # fmt: skip
    worst = max((finding.severity for finding in findings), default=Severity.WELL)
    restarts = _restarts(pods)
    text = f"{ready} of {wanted} pods ready" + (f", {restarts}" if restarts else "")
    return Line(name=identity.name, text=text, severity=worst, facts={"pods": list(map(_facts, pods))}), findings


def _facts(pod: Object) -> dict[str, object]:
    """Return what programs may want to know about a pod."""
    return {
        "name": pod["metadata"]["name"],
        "node": pod["spec"].get("nodeName"),
        "ready": condition(pod, "Ready").get("status") == "True",
        "images": {each["name"]: each["image"] for each in pod["spec"]["containers"]},
        "restarts": {each["name"]: each.get("restartCount", 0) for each in container_statuses(pod)},
    }


def _gone(commands: Commands, identity: Identity, problem: str, advice: Advice) -> Examined:
    step = Step(text="Apply what the stack has", command=commands.make("up"))
    finding = Finding(
        severity=Severity.ERROR, subject=str(identity), problem=f"{problem}. {advice.consequence}", steps=(step,)
    )
    return Line(name=identity.name, text=problem, severity=Severity.ERROR), [finding]


def _failure(workload: Object) -> str:
    """Return why a controller of Kubernetes cannot make the pods, such as an exceeded quota."""
    failed = condition(workload, "ReplicaFailure")
    return str(failed.get("message", "")) if failed.get("status") == "True" else ""


def _restarts(pods: Sequence[Object]) -> str:
    """Return the restarts of each container with the cause of the last one."""
    count: dict[tuple[str, str], int] = {}
    for status in (each for pod in pods for each in container_statuses(pod) if each.get("restartCount")):
        end = status.get("lastState", {}).get("terminated") or {}
        cause = end.get("reason", "unknown cause") + (f", code {end['exitCode']}" if end.get("exitCode") else "")
        count[status["name"], cause] = count.get((status["name"], cause), 0) + status["restartCount"]
    return "; ".join(f"{number} restarts of {name} ({cause})" for (name, cause), number in count.items())
