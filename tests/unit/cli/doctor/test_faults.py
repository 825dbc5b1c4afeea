"""Each fault is found, named, and answered with the command that comes next."""

import base64
import datetime
from collections.abc import Callable

import pytest

from cli.doctor import command
from cli.doctor.api import Identity
from cli.doctor.findings import Finding, Report, Severity
from components.stores import pki
from tests.unit.cli.doctor.recorded_cluster import RecordedCluster, recorded

Examine = Callable[[], Report]
NAMESPACE = "modelmesh-serving"
UP = "make up STACK=prod"


def only(report: Report, severity: Severity = Severity.ERROR, kind: str = "", name: str = "") -> Finding:
    """The only finding of that severity, or the only one about a kind or a name."""
    (found,) = (
        each
        for each in report.findings()
        if each.severity == severity and each.subject.startswith(kind) and name in each.subject
    )
    return found


def commands(finding: Finding) -> list[str]:
    """What to run next, without the path of the kubeconfig."""
    return [
        " ".join(word for word in step.command.split() if not word.startswith("--kubeconfig")) for step in finding.steps
    ]


@pytest.mark.parametrize(
    ("kind", "name", "consequence"),
    [
        ("StatefulSet", "minio", "Models that are loaded keep answering; no pod can load another one."),
        ("Deployment", "modelmesh-controller", "Changes of InferenceServices and runtimes have no effect"),
    ],
)
@pytest.mark.parametrize("scaled", [True, False])
def test_a_part_that_is_gone(
    cluster: RecordedCluster, examine: Examine, *, kind: str, name: str, consequence: str, scaled: bool
) -> None:
    if scaled:
        cluster.one(kind, name)["spec"]["replicas"] = 0
    else:
        del cluster.objects[Identity(kind, NAMESPACE, name)]
    finding = only(report := examine())
    assert finding.subject == f"{kind} {NAMESPACE}/{name}"
    assert finding.problem.startswith("is scaled to 0. " if scaled else "does not exist. ")
    assert consequence in finding.problem
    assert commands(finding) == [UP]
    drifted = "spec.replicas is 0 instead of 1" if scaled else "does not exist"
    assert f"{kind} {NAMESPACE}/{name}: {drifted}" in only(report, Severity.WARNING).evidence


@pytest.mark.parametrize(
    ("days", "severity", "problem"),
    [
        (-1, Severity.ERROR, "its certificate has expired, so TLS with it fails"),
        (20, Severity.WARNING, "its certificate expires in 20 days"),
    ],
)
def test_a_certificate_near_or_past_its_end(
    cluster: RecordedCluster, examine: Examine, days: int, severity: Severity, problem: str
) -> None:
    secret = cluster.one("Secret", "modelmesh-webhook-server-cert")
    end = datetime.date(2026, 11, 30) + datetime.timedelta(days=days)
    pair = pki.Authority.new("ca", datetime.date(2025, 1, 1)).issue(
        "w", ["w"], begin=datetime.date(2025, 1, 1), end=end
    )
    secret["data"]["tls.crt"] = base64.b64encode(pair.certificate.encode()).decode()
    finding = only(examine(), severity)
    assert finding.subject == f"Secret {NAMESPACE}/{secret['metadata']['name']}"
    assert finding.problem == problem
    assert commands(finding) == [UP]


def test_a_certificate_of_another_owner(cluster: RecordedCluster, examine: Examine) -> None:
    """The stack cannot renew what it did not issue."""
    identity = next(key for key in cluster.objects if key.name.startswith("modelmesh-webhook-server-cert"))
    cluster.state = [each for each in cluster.state if each["id"] != f"{NAMESPACE}/{identity.name}"]
    certificate = pki.Authority.new("ca", datetime.date(2000, 1, 1)).certificate
    cluster.objects[identity]["data"]["tls.crt"] = base64.b64encode(certificate.encode()).decode()
    finding = only(examine())
    assert finding.steps[0].text == "Renew it where it comes from; the stack only uses it"
    (shown,) = commands(finding)
    assert shown.endswith("'--output=jsonpath={.metadata.managedFields[*].manager}'")


def test_drift(cluster: RecordedCluster, examine: Examine) -> None:
    del cluster.objects[Identity("NetworkPolicy", NAMESPACE, "etcd")]
    cluster.one("Service", "etcd")["spec"]["ports"][0]["port"] = 2380
    cluster.one("Deployment", "modelmesh-controller")["spec"]["template"]["spec"]["containers"][0]["image"] = "other:1"
    cluster.one("StatefulSet", "etcd")["metadata"]["labels"]["added"] = "by somebody"
    finding = only(examine(), Severity.WARNING)
    assert finding.subject.startswith("3 of the stack's ")
    assert f"NetworkPolicy {NAMESPACE}/etcd: does not exist" in finding.evidence
    assert f"Service {NAMESPACE}/etcd: spec.ports[client].port is 2380 instead of 2379" in finding.evidence
    assert any("containers[manager].image is other:1 instead of " in each for each in finding.evidence)
    assert commands(finding) == ["make drift STACK=prod", UP]


def broken(cluster: RecordedCluster, name: str, container: str, **status: object) -> str:
    """Give a container of a pod this status, as kubelet writes it; the pod's name."""
    pod = cluster.one("Pod", name)
    (each,) = (each for each in pod["status"]["containerStatuses"] if each["name"] == container)
    each |= {"ready": False, "lastState": {}} | status
    for condition in pod["status"]["conditions"]:
        if condition["type"] in {"Ready", "ContainersReady"}:
            condition["status"] = "False"
    for kind in ("Deployment", "StatefulSet"):
        for key, workload in cluster.objects.items():
            if key.kind == kind and key.name.startswith(name):
                workload["status"]["readyReplicas"] = 0
    return str(pod["metadata"]["name"])


RUNTIME = "modelmesh-serving-custom-runtime-0.x"
CRASHED = {"exitCode": 3, "reason": "Error", "startedAt": "2026-11-29T16:57:00Z", "finishedAt": "2026-11-29T16:57:01Z"}
BACK_OFF = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s restarting failed container"}}


@pytest.mark.parametrize(
    ("subject", "problem", "evidence", "step"),
    [
        ("/missing", "the store has no object at its path. It does not answer.", "Error calling stat", UP),
        ("/elsewhere", "its storage key elsewhere is not in the namespace's storage Secret. ", "secretKey not", UP),
        ("-crashing-", "it exits with code 3 (1 restarts). ", "port 8001 is in use", "--previous"),
        ("-greedy-", "it was killed because it used more memory than its limit (OOMKilled", "", UP),
        ("-imageless-", "its image registry.invalid/nothing:1 cannot be pulled: ", "Failed to pull", UP),
        ("/etcd-0", "it is full (alarm NOSPACE) and refuses to write. ", "alarm NOSPACE raised", " alarm disarm"),
    ],
)
def test_what_a_real_cluster_had(
    cluster: RecordedCluster,
    examine: Examine,
    monkeypatch: pytest.MonkeyPatch,
    *,
    subject: str,
    problem: str,
    evidence: str,
    step: str,
) -> None:
    """Six faults at once, recorded by the test on the cluster."""
    faults = recorded("faults")
    monkeypatch.setattr(command, "now", lambda: datetime.datetime.fromisoformat(faults["now"]))
    cluster.add(faults["objects"])
    cluster.events += faults["events"]
    cluster.logs |= faults["logs"]
    cluster.one("StatefulSet", "etcd")["status"]["readyReplicas"] = 0
    finding = only(examine(), kind="InferenceService" if subject in {"/missing", "/elsewhere"} else "Pod", name=subject)
    assert finding.problem.startswith(problem)
    assert not evidence or [each for each in finding.evidence if evidence in each]
    assert [each for each in commands(finding) if step in each]


def test_a_runtime_in_a_crash_loop(cluster: RecordedCluster, examine: Examine) -> None:
    pod = broken(cluster, RUNTIME, "mlserver", state=BACK_OFF, lastState={"terminated": CRASHED}, restartCount=3)
    broken(cluster, RUNTIME, "mm", state={"running": {}})  # it waits for the model server
    cluster.logs[f"{pod}/mlserver/previous"] = ["Traceback (most recent call last):", "ImportError: no module named x"]
    finding = only(report := examine(), kind="Pod ")
    assert finding.subject == f"Pod {NAMESPACE}/{pod}, container mlserver"
    assert finding.problem.startswith("it exits with code 3 (3 restarts). Its models answer from its ready pods only")
    assert "ImportError: no module named x" in finding.evidence
    log = f"kubectl --context=recorded logs {pod} --container=mlserver --namespace={NAMESPACE} --previous"
    assert commands(finding) == [log, UP]
    lines = {line.name: line.text for section in report.sections for line in section.lines}
    assert "0 of 1 pods ready, 3 restarts of mlserver (Error, code 3)" in lines["custom-runtime-0.x"]
    affected = only(report, kind="InferenceService ")
    assert affected.problem == "its runtime has no ready pod. It does not answer."
    assert affected.steps[0].text == "Mend the pods of the runtime first: see the section Runtimes"
    assert lines["sentiment-analyzer"] == "Loaded, but its runtime has no ready pod"


@pytest.mark.parametrize(("ready", "severity"), [(False, Severity.ERROR), (True, Severity.WARNING)])
def test_a_container_that_used_too_much_memory(
    cluster: RecordedCluster, examine: Examine, ready: bool, severity: Severity
) -> None:
    killed = {"terminated": CRASHED | {"exitCode": 137, "reason": "OOMKilled"}}
    state = {"running": {}} if ready else BACK_OFF
    pod = broken(cluster, RUNTIME, "mlserver", state=state, lastState=killed, restartCount=1, ready=ready)
    finding = only(examine(), severity, "Pod ")
    assert finding.subject == f"Pod {NAMESPACE}/{pod}, container mlserver"
    assert "OOMKilled" in finding.problem
    assert finding.steps[0].text.startswith("Raise modelmesh:runtimeMemory in Pulumi.prod.yaml")
    assert commands(finding)[0] == UP


def test_an_image_that_cannot_be_pulled(cluster: RecordedCluster, examine: Examine) -> None:
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image: not found"}}
    pod = broken(cluster, RUNTIME, "mlserver", state=waiting, image="registry.example/none:1")
    finding = only(examine(), kind="Pod ")
    assert finding.subject == f"Pod {NAMESPACE}/{pod}, container mlserver"
    assert "its image registry.example/none:1 cannot be pulled: Back-off pulling image: not found" in finding.problem
    assert commands(finding) == [f"kubectl --context=recorded describe pod {pod} --namespace={NAMESPACE}", UP]


def test_an_etcd_that_is_full(cluster: RecordedCluster, examine: Examine) -> None:
    pod = broken(cluster, "etcd-0", "etcd", state={"running": {}})
    cluster.one("Pod", pod)["status"]["startTime"] = "2026-11-29T15:00:00Z"
    cluster.one("StatefulSet", "etcd")["status"]["readyReplicas"] = 0
    cluster.logs[f"{pod}/etcd"] = [
        '{"level":"warn","msg":"serving /health false due to an alarm","alarm":"alarm:NOSPACE"}'
    ]
    finding = only(examine())
    assert finding.subject == f"Pod {NAMESPACE}/etcd-0, container etcd"
    assert finding.problem.startswith("it is full (alarm NOSPACE) and refuses to write. ")
    assert [each.split()[-1] for each in commands(finding)] == ["defrag", "disarm", "STACK=prod"]


@pytest.mark.parametrize(
    ("message", "problem", "advice"),
    [
        (
            "Failed to load Model due to MLServer runtime error: rpc error: vader_lexicon.txt line 2 has no number",
            "the model cannot be loaded. ",
            "Correct the model's files or its runtime",
        ),
        (
            "Did not find storage config for key elsewhere: Storage secretKey not found: elsewhere",
            "its storage key elsewhere is not in the namespace's storage Secret. ",
            "Name a storage key that exists in modelmesh:storageKey of Pulumi.prod.yaml, or add the store",
        ),
        (
            "RequestError: send request failed caused by: dial tcp 10.96.0.9:9000: connect: connection refused",
            "the store does not answer. ",
            "Bring the store back: see the section Stores, or the endpoint of modelmesh:s3 in Pulumi.prod.yaml",
        ),
    ],
)
@pytest.mark.parametrize("served", [False, True])
def test_a_model_that_cannot_be_loaded(
    cluster: RecordedCluster, examine: Examine, message: str, problem: str, advice: str, *, served: bool
) -> None:
    states = {"activeModelState": "FailedToLoad", "targetModelState": ""}
    if served:
        states = {"activeModelState": "Loaded", "targetModelState": "FailedToLoad"}
    failure = {"reason": "ModelLoadFailed", "message": message, "location": "9fc878-jk54k"}
    cluster.one("InferenceService")["status"]["modelStatus"] |= {"states": states, "lastFailureInfo": failure}
    finding = only(examine())
    assert finding.subject == f"InferenceService {NAMESPACE}/sentiment-analyzer"
    assert finding.problem == problem + ("The model before it still answers." if served else "It does not answer.")
    assert finding.evidence == (f"ModelLoadFailed: {message}",)
    assert finding.steps[0].text == advice
    assert commands(finding)[0] == UP
    assert f"logs {RUNTIME}-97b9fc878-jk54k --all-containers" in commands(finding)[1]


@pytest.mark.parametrize(
    ("states", "runtime", "severity", "problem"),
    [
        ({}, "custom-runtime-0.x", Severity.ERROR, "ModelMesh Serving's controller has not registered it yet"),
        ({"activeModelState": "Loading"}, "custom-runtime-0.x", Severity.WARNING, "its model is being loaded"),
        ({"activeModelState": "Loaded"}, "another", Severity.ERROR, "no enabled runtime takes it"),
    ],
)
def test_a_model_that_does_not_answer_without_a_failure(
    cluster: RecordedCluster,
    examine: Examine,
    *,
    states: dict[str, str],
    runtime: str,
    severity: Severity,
    problem: str,
) -> None:
    service = cluster.one("InferenceService")
    service["status"]["modelStatus"]["states"] = states
    service["spec"]["predictor"]["model"]["runtime"] = runtime
    finding = only(examine(), severity, "InferenceService ")
    assert finding.problem.startswith(f"{problem}. ")


def test_a_job_that_failed(cluster: RecordedCluster, examine: Examine) -> None:
    job = cluster.one("Job", "publish-")
    failed = {"type": "Failed", "status": "True", "message": "Job has reached the specified backoff limit"}
    job["status"]["conditions"] = [failed]
    finding = only(examine())
    assert finding.problem == "it failed: Job has reached the specified backoff limit"
    name = job["metadata"]["name"]
    assert commands(finding) == [f"kubectl --context=recorded logs job/{name} --namespace={NAMESPACE}", UP]


def test_a_container_near_its_memory_limit(cluster: RecordedCluster, examine: Examine) -> None:
    server = next(key for key in cluster.memory if key[2] == "mlserver")
    cluster.memory[server] = 1000 * 2**20
    finding = only(examine(), Severity.WARNING)
    assert finding.problem == "it uses 98% of its memory limit, beyond which it is killed"
    assert finding.steps[0].text == "Raise modelmesh:runtimeMemory in Pulumi.prod.yaml"


def test_a_pod_that_no_node_takes(cluster: RecordedCluster, examine: Examine) -> None:
    pod = cluster.one("Pod", RUNTIME)
    message = "0/1 nodes are available: 1 Insufficient memory."
    pod["status"] = {"conditions": [{"type": "PodScheduled", "status": "False", "message": message}]}
    finding = only(examine(), kind="Pod ")
    assert finding.problem.startswith(f"no node takes it: {message}. ")
    assert commands(finding) == ["kubectl --context=recorded describe nodes"]


def test_a_workload_whose_pods_a_quota_keeps_away(cluster: RecordedCluster, examine: Examine) -> None:
    del cluster.objects[Identity("Pod", NAMESPACE, "minio-0")]
    store = cluster.one("StatefulSet", "minio")
    store["status"]["readyReplicas"] = 0
    store["status"]["conditions"] = [{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: pods"}]
    finding = only(examine())
    assert finding.subject == f"StatefulSet {NAMESPACE}/minio"
    assert finding.problem.startswith("exceeded quota: pods. Models that are loaded keep answering")
    assert commands(finding) == [f"kubectl --context=recorded describe statefulset minio --namespace={NAMESPACE}"]
