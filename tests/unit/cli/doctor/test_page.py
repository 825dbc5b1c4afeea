"""What the page and the JSON have for a stack that is well and for a large one, and what they never have."""

import base64
import copy
import json
import time
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.doctor import command
from cli.doctor.api import Identity
from cli.doctor.document import document
from cli.doctor.findings import Report, Severity
from cli.doctor.page import page
from cli.errors import CommandError
from cli.stack import Stack
from tests.unit.cli.doctor.recorded_cluster import RecordedCluster

Examine = Callable[[], Report]
MANY, LONGEST_SECONDS = 1000, 10


def test_a_stack_that_is_well(examine: Examine) -> None:
    report = examine()
    assert (report.severity, list(report.findings())) == (Severity.WELL, [])
    shown = page(report).splitlines()
    assert shown[0] == "▸ Stack prod, Kubernetes v1.34.4, Pulumi v3.259.0: all is well"
    for line in (
        "  grpcUrl   grpc://modelmesh-serving:8033",
        "  tlsCa     -----BEGIN … and 2 lines more",
        "  ✓ etcd   1 of 1 pods ready",
        "  ✓ custom-runtime-0.x  1 of 1 pods ready; mlserver 85 of 1,024 MiB; 896 MiB planned for models",
        "  ✓ sentiment-analyzer  Loaded, in 9fc878-jk54k",
        "  ✓ etcd-certificates                              7,299 days left, until 2046-11-24",
    ):
        assert line in shown
    assert any(line.startswith("  ✓ none  ") for line in shown), "no drift"
    (store, _) = json.loads(document(report))["sections"]["Stores"]
    (pod,) = store["facts"]["pods"]
    assert (pod["name"], pod["ready"], pod["restarts"]) == ("etcd-0", True, {"etcd": 0})
    assert pod["images"]["etcd"].startswith("10.213.0.6:5000/etcd@sha256:")


def test_a_thousand_models_are_examined_in_time_and_shown_in_a_few_lines(
    cluster: RecordedCluster, examine: Examine
) -> None:
    like = cluster.one("InferenceService")
    for number in range(MANY):
        service = copy.deepcopy(like)
        service["metadata"]["name"] = f"model-{number:04}"
        if number % 10 == 0:
            failure = {"reason": "ModelLoadFailed", "message": f"no file in {number}", "location": "9fc878-jk54k"}
            states = {"activeModelState": "FailedToLoad", "targetModelState": ""}
            service["status"]["modelStatus"] |= {"states": states, "lastFailureInfo": failure}
        cluster.add([service])
    started = time.monotonic()
    report = examine()
    shown = page(report)
    assert time.monotonic() - started < LONGEST_SECONDS
    assert len(shown.splitlines()) < 70
    (finding,) = report.findings()
    assert finding.subject == (
        "InferenceServices modelmesh-serving/model-0000, modelmesh-serving/model-0010, modelmesh-serving/model-0020 "
        "and 97 more"
    )
    assert "InferenceServices (901 of 1,001 are well)" in shown
    assert "80 more  " in shown
    assert len(json.loads(document(report))["sections"]["InferenceServices"]) == MANY + 1


def test_a_runtime_of_the_whole_cluster_holds_models_of_a_namespace(cluster: RecordedCluster, examine: Examine) -> None:
    runtime = cluster.one("ServingRuntime")
    cluster.objects = {key: each for key, each in cluster.objects.items() if key.kind != "ServingRuntime"}
    cluster.state = [each for each in cluster.state if not each["type"].endswith(":ServingRuntime")]
    del runtime["metadata"]["namespace"]
    cluster.add([runtime | {"kind": "ClusterServingRuntime"}])
    cluster.one("Deployment", "modelmesh-serving-")["metadata"]["ownerReferences"][0]["kind"] = "ClusterServingRuntime"
    shown = page(examine()).splitlines()
    assert "  ✓ sentiment-analyzer  Loaded, in 9fc878-jk54k" in shown
    assert any(line.startswith("  ✓ custom-runtime-0.x  1 of 1 pods ready") for line in shown)


def test_only_requests_that_read_are_sent(cluster: RecordedCluster, examine: Examine) -> None:
    """The server answers no other method, so a report is proof."""
    assert examine().severity == Severity.WELL
    assert len(cluster.requests) < 100


def test_an_account_that_may_read_less(cluster: RecordedCluster, examine: Examine) -> None:
    cluster.failing = dict.fromkeys(["secrets", "nodes", "version"], 403)
    report = examine()
    assert report.severity == Severity.WELL
    shown = page(report)
    assert "Kubernetes unknown" in shown
    for resource in ("nodes/proxy", "secrets in modelmesh-serving"):
        assert f"  ✓ {resource:<28}  this account has no right to read it" in shown
    assert "1 of 1 pods ready; mlserver 1,024 MiB; " in shown, "without what the pod uses"


@pytest.mark.parametrize(
    ("failing", "shown"),
    [({"metrics.k8s.io": 503}, "mlserver 85 of 1,024 MiB"), ({"nodes": 502}, "mlserver 1,024 MiB")],
)
def test_memory_in_use_is_optional(
    cluster: RecordedCluster, examine: Examine, failing: dict[str, int], shown: str
) -> None:
    cluster.failing = failing
    report = examine()
    assert report.severity == Severity.WELL
    assert f"1 of 1 pods ready; {shown}; 896 MiB planned" in page(report)


@pytest.mark.parametrize("change", [{"multiModel": False}, {"disabled": True}])
def test_only_enabled_runtimes_of_modelmesh_are_examined(
    cluster: RecordedCluster, examine: Examine, change: dict[str, bool]
) -> None:
    """The controller makes no Deployment for another one, and ModelMesh loads no models in it."""
    other = copy.deepcopy(cluster.one("ServingRuntime"))
    other["metadata"]["name"] = "another"
    other["spec"] |= change
    known, cluster.objects = cluster.objects, {}
    cluster.add([other, *known.values()])
    del cluster.one("InferenceService")["spec"]["predictor"]["model"]["runtime"]
    report = examine()
    assert not [each for each in report.findings() if each.severity == Severity.ERROR]
    assert "another" not in page(report)


def test_no_secret_is_shown(cluster: RecordedCluster, examine: Examine) -> None:
    secrets = {"password": "hunter2-hunter2", "json": '{"secret_access_key": "json-hunter", "region": "us-east-1"}'}
    data = {key: base64.b64encode(value.encode()).decode() for key, value in secrets.items()}
    cluster.one("Secret", "minio-root")["data"] = data
    message = "403 for hunter2-hunter2 and json-hunter in us-east-1, of https://me:pass@host/x?X-Amz-Signature=abc"
    failure = {"reason": "ModelLoadFailed", "message": message}
    states = {"activeModelState": "FailedToLoad"}
    cluster.one("InferenceService")["status"]["modelStatus"] |= {"states": states, "lastFailureInfo": failure}
    report = examine()
    expected = "403 for (hidden) and (hidden) in us-east-1, of https://(hidden)@host/x?X-Amz-Signature=(hidden)"
    assert f"    ModelLoadFailed: {expected}" in page(report).splitlines()
    for text in (page(report), document(report)):
        assert not [word for word in ("hunter", data["password"], "me:pass", "abc", "v1:x") if word in text]


@pytest.mark.parametrize(("gone", "code"), [(None, 0), ("NetworkPolicy", 3), ("StatefulSet", 4)])
def test_the_exit_code_tells_the_severity(
    cluster: RecordedCluster,
    stack: Callable[[Path], Stack],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    gone: str | None,
    code: int,
) -> None:
    cluster.objects.pop(Identity(gone or "", "modelmesh-serving", "minio"), None)
    with cluster.served(tmp_path) as kubeconfig:
        monkeypatch.setattr(command, "open_stack", lambda *_: stack(kubeconfig))
        try:
            command.doctor(Namespace(stack="prod", instance="dev", output="json"))
            ended: object = 0
        except SystemExit as exit_:
            ended = exit_.code
    assert ended == code
    assert json.loads(capsys.readouterr().out)["severity"] == {0: "well", 3: "warning", 4: "error"}[code]


@pytest.mark.parametrize("failed", [True, False])
def test_after_an_update_that_failed_only_errors_are_shown(
    cluster: RecordedCluster,
    stack: Callable[[Path], Stack],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    *,
    failed: bool,
) -> None:
    cluster.objects.pop(Identity("NetworkPolicy", "modelmesh-serving", "minio"))
    if failed:
        cluster.one("StatefulSet", "minio")["spec"]["replicas"] = 0
    with cluster.served(tmp_path) as kubeconfig:
        command.explain_failure(stack(kubeconfig))
    shown = capsys.readouterr().err
    assert ("✗ StatefulSet modelmesh-serving/minio: is scaled to 0" in shown) is failed
    assert "NetworkPolicy" not in shown


def test_a_defect_does_not_hide_why_an_update_failed(
    stack: Callable[[Path], Stack], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def examine(_: Stack) -> Report:
        raise KeyError

    monkeypatch.setattr(command, "examine", examine)
    command.explain_failure(stack(tmp_path))
    assert capsys.readouterr().err == "▸ The cluster was not examined (KeyError): make doctor STACK=prod shows why\n"


def test_without_a_cluster_an_update_that_failed_has_the_last_word(
    cluster: RecordedCluster, stack: Callable[[Path], Stack], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with cluster.served(tmp_path) as kubeconfig:
        made = stack(kubeconfig)
    command.explain_failure(made)
    assert capsys.readouterr().err == ""


def test_a_cluster_that_does_not_answer(
    stack: Callable[[Path], Stack], cluster: RecordedCluster, tmp_path: Path
) -> None:
    with cluster.served(tmp_path) as kubeconfig:
        made = stack(kubeconfig)
    with pytest.raises(CommandError, match="the API server does not answer"):
        command.examine(made)


def test_a_cluster_that_does_not_accept_the_credentials(cluster: RecordedCluster, examine: Examine) -> None:
    cluster.failing = {"": 401}
    with pytest.raises(CommandError, match=r"credentials of the kubeconfig \(401 to GET /version\): renew them"):
        examine()


def test_an_account_that_may_not_even_read_pods(cluster: RecordedCluster, examine: Examine) -> None:
    """A report without them would say that all is well."""
    cluster.failing = {"pods": 403}
    with pytest.raises(CommandError, match="may not list pods in modelmesh-serving: use one with the ClusterRole view"):
        examine()


@pytest.mark.parametrize("content", ["contexts: []", "users: [", None])
def test_a_kubeconfig_without_the_context(stack: Callable[[Path], Stack], tmp_path: Path, content: str | None) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    if content:
        kubeconfig.write_text(content)
    expected = (
        f"kubeconfig {kubeconfig} can't be read or has no complete context recorded: correct modelmesh:kubeconfig"
    )
    with pytest.raises(CommandError, match=expected):
        command.examine(stack(kubeconfig))


def test_a_stack_that_is_not_up(cluster: RecordedCluster, examine: Examine) -> None:
    cluster.state.clear()
    with pytest.raises(CommandError, match="stack prod is not up: make up STACK=prod"):
        examine()
