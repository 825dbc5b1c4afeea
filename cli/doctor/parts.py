"""Sections of the installation: its stores, its controller, and the workloads that publish models."""

import re
from collections.abc import Iterator
from dataclasses import replace

from cli.doctor.api import Identity
from cli.doctor.commands import Commands
from cli.doctor.findings import Finding, Section, Severity, Step
from cli.doctor.observation import Observation, selected
from cli.doctor.pods import Advice, pod_findings
from cli.doctor.troubles import condition
from cli.doctor.workloads import Examined, applied_workload

CONTROLLER = "modelmesh-controller"
_STORES = {
    "etcd": "Models that are loaded keep answering; no other model can be registered or loaded.",
    "minio": "Models that are loaded keep answering; no pod can load another one.",
}
_CONTROLLER_GONE = (
    "Changes of InferenceServices and runtimes have no effect, and their status is old; loaded models keep answering."
)
_ETCD_FULL = re.compile(r"NOSPACE|database space exceeded")
_CERTIFICATES = "/etc/etcd"
_ETCDCTL = (
    "etcdctl",
    "--endpoints=https://localhost:2379",
    f"--cacert={_CERTIFICATES}/ca.crt",
    f"--cert={_CERTIFICATES}/tls.crt",
    f"--key={_CERTIFICATES}/tls.key",
)


def stores(observation: Observation, commands: Commands) -> Section:
    """Examine the stores that the stack runs."""
    return _section("Stores", [_store(observation, commands, each) for each in _applied(observation, "StatefulSet")])


def controller(observation: Observation, commands: Commands) -> Section:
    """Examine ModelMesh Serving's controller."""
    advice = Advice(consequence=_CONTROLLER_GONE)
    found = [each for each in _applied(observation, "Deployment") if each.name == CONTROLLER]
    return _section("Controller", [applied_workload(observation, commands, each, advice) for each in found])


def publishers(observation: Observation, commands: Commands) -> Section:
    """Examine the stack's other Deployments, and its Jobs that did not succeed."""
    advice = Advice(consequence="Nothing uploads a model again that the store loses.")
    others = [each for each in _applied(observation, "Deployment") if each.name != CONTROLLER]
    section = _section("Publishers", [applied_workload(observation, commands, each, advice) for each in others])
    jobs = [finding for each in _applied(observation, "Job") for finding in _job(observation, commands, each)]
    return replace(section, findings=(*section.findings, *jobs))


def _applied(observation: Observation, kind: str) -> list[Identity]:
    return [each.identity for each in observation.applied if each.identity.kind == kind]


def _section(title: str, examined: list[Examined]) -> Section:
    findings = tuple(finding for _, found in examined for finding in found)
    return Section(title=title, lines=tuple(line for line, _ in examined), findings=findings)


def _store(observation: Observation, commands: Commands, identity: Identity) -> Examined:
    advice = Advice(consequence=_STORES.get(identity.name, "Whatever needs it has to wait."))
    line, findings = applied_workload(observation, commands, identity, advice)
    if identity.name == "etcd":
        findings = [_full(finding, commands, identity) for finding in findings]
        line = replace(line, severity=max((each.severity for each in findings), default=line.severity))
    return line, findings


def _full(finding: Finding, commands: Commands, identity: Identity) -> Finding:
    """Return the finding about etcd, with its own advice if etcd refuses to write because it is full."""
    if not any(map(_ETCD_FULL.search, finding.evidence)):
        return finding
    inside = ("exec", f"{identity.name}-0", f"--namespace={identity.namespace}", "--", *_ETCDCTL)
    return replace(
        finding,
        severity=Severity.ERROR,  # also of a pod that is young
        problem=f"it is full (alarm NOSPACE) and refuses to write. {_STORES['etcd']}",
        steps=(
            Step(text="Free the space of old revisions", command=commands.kubectl(*inside, "defrag")),
            Step(text="Let it write again", command=commands.kubectl(*inside, "alarm", "disarm")),
            Step(text=f"Enlarge modelmesh:persistence.etcd in {commands.file}", command=commands.make("up")),
        ),
    )  # fmt: skip


def _job(observation: Observation, commands: Commands, identity: Identity) -> Iterator[Finding]:
    """Find out why a Job failed, or why its pod does not start."""
    job = observation.live.get(identity)
    if job is None or condition(job, "Complete").get("status") == "True":
        return
    advice = Advice(consequence="The update waits for it.")
    yield from (found := list(pod_findings(observation, commands, selected(observation.pods, job), advice)))
    failed = condition(job, "Failed")
    if failed.get("status") == "True" and not found:
        log = commands.kubectl("logs", f"job/{identity.name}", f"--namespace={identity.namespace}")
        yield Finding(
            severity=Severity.ERROR,
            subject=str(identity),
            problem=f"it failed: {failed.get('message', '')}",
            evidence=observation.warnings(identity),
            steps=(
                Step(text="See why", command=log),
                Step(text="Correct the cause; the next update replaces the Job", command=commands.make("up")),
            ),
        )
