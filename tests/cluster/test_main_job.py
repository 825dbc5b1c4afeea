"""The life of one stack on a real cluster, in order: each test goes on from where the one before it ended."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest
import yaml
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from cli import interrupted
from cli.predict import predict
from cli.summary import bill_lines
from embedded import lifecycle, mesh
from policies.rules.bill import ITEMS, Bill, quantity
from project import ROOT
from runtime_src.modelmesh_runtime.manifest import MANIFEST_FILE
from tests.cluster.conftest import MODEL_FILES
from tests.cluster.deployment import KINDS, NAMESPACE, RUNTIME, SERVICE, Deployment, opened, session
from tests.cluster.image_builds import BuiltImage
from tests.image_registry import serving
from tests.proxy import recording_proxy

CONTROLLER_ROLE = "modelmesh-controller-role"
HUGE = "1P"


@pytest.fixture(scope="module")
def changed_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example's model with one word more."""
    without_manifest = shutil.ignore_patterns(MANIFEST_FILE)
    folder = tmp_path_factory.mktemp("models") / "sentiment"
    shutil.copytree(MODEL_FILES, folder, ignore=without_manifest)
    file = folder / "vader_lexicon.txt"
    file.write_text("zorgly\t3.0\t0.1\t[3, 3, 3, 3, 3, 3, 3, 3, 3, 3]\n" + file.read_text())
    return folder


@pytest.fixture(scope="module")
def changed_code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the model server's source that makes another image."""
    folder = tmp_path_factory.mktemp("runtimes") / "sentiment"
    shutil.copytree(ROOT / "runtimes/sentiment", folder)
    source = folder / "sentiment_model.py"
    source.write_text(source.read_text() + "\nREVISION = 2\n")
    return folder


@pytest.fixture(scope="session")
def before(deployment: Deployment) -> set[str]:
    """What the cluster held before the stack."""
    return deployment.names(KINDS)


@pytest.fixture(scope="session")
def previewed(deployment: Deployment, before: set[str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The comment of a preview of the stack that is not there yet."""
    assert not any(NAMESPACE in name for name in before)
    comment = tmp_path_factory.mktemp("preview") / "comment.md"
    preview = ("preview", "--stack", deployment.stack.name, "--instance", deployment.instance, "--comment", comment)
    subprocess.run([sys.executable, "-m", "cli", *preview], cwd=deployment.stack.root, check=True)
    return comment.read_text()


@pytest.mark.usefixtures("previewed")
def test_up_from_nothing_serves_the_model(deployment: Deployment) -> None:
    update = deployment.up()
    assert update.succeeded, update.output
    outputs = deployment.stack.outputs()
    assert re.fullmatch(r".+@sha256:[0-9a-f]{64}", outputs["image"])
    service = deployment.get("isvc", SERVICE)
    states = service["status"]["modelStatus"]
    assert states["states"] == {"activeModelState": "Loaded", "targetModelState": ""}
    assert states["transitionStatus"] == "UpToDate"


@pytest.mark.parametrize(
    "text",
    ["What a wonderful day, I love it!", "The food was awful and the staff were rude.", "It is a table. 🙂", ""],
)
def test_scores_through_the_mesh_are_those_of_vader(deployment: Deployment, text: str) -> None:
    scores = predict(deployment.stack, text)
    expected = SentimentIntensityAnalyzer().polarity_scores(text)
    assert {name: scores[name] for name in expected} == pytest.approx(expected, abs=5e-5)


def test_kubectl_prints_the_tutorial_s_url(deployment: Deployment) -> None:
    printed = deployment.stack.run(deployment.stack.kubectl("get", "isvc", "--namespace", NAMESPACE), quiet=True)
    assert re.search(rf"^{SERVICE}\s+grpc://modelmesh-serving\.{NAMESPACE}:8033\s+True", printed, re.MULTILINE)


def test_the_webhook_refuses_what_it_should(deployment: Deployment) -> None:
    """It runs with a certificate of ours and fails closed; a wrong runtime proves that the API server reaches it."""
    webhooks = deployment.get("validatingwebhookconfigurations", "modelmesh-servingruntime.serving.kserve.io")
    assert webhooks["webhooks"][0]["failurePolicy"] == "Fail"
    command = deployment.stack.kubectl(
        "annotate", "servingruntime", RUNTIME, "--namespace", NAMESPACE, "serving.kserve.io/autoscalerClass=external"
    )
    with pytest.raises(Exception, match=r"(?s)denied the request.*autoscaler class"):
        deployment.stack.run(command, quiet=True)


def test_a_second_up_changes_nothing(deployment: Deployment) -> None:
    assert deployment.run("up", "--yes", "--skip-preview", "--expect-no-changes").succeeded


def test_the_bill_of_the_preview_is_what_the_api_server_adds_up(deployment: Deployment, previewed: str) -> None:
    hard = ",".join(f"{item}={HUGE}" for item in ITEMS)
    deployment.stack.run(deployment.stack.kubectl("create", "quota", "bill", "--namespace", NAMESPACE, "--hard", hard))
    used: dict[str, str] = {}
    try:
        deadline = time.monotonic() + 60
        while not used and time.monotonic() < deadline:
            time.sleep(0.5)
            used = deployment.get("resourcequota", "bill").get("status", {}).get("used", {})
    finally:
        deployment.stack.run(deployment.stack.kubectl("delete", "quota", "bill", "--namespace", NAMESPACE))
    added_up = Bill(used={item: quantity(used[item]) for item in ITEMS})
    assert added_up.used["pods"] == 5
    assert "\n".join(f"  {line}" for line in bill_lines({"now": Bill(), "after": added_up})) in previewed


def test_behind_a_proxy_the_node_and_loopback_are_reached_without_it(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with recording_proxy() as (url, asked):
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, url)
        behind = Deployment.on_instance(deployment.instance)
        assert behind.run("up", "--yes", "--skip-preview", "--refresh", "--expect-no-changes").succeeded
        assert predict(behind.stack, "What a wonderful day, I love it!")["label"] == "positive"
        behind.stack.run(behind.stack.kubectl("get", "nodes"), quiet=True)
    assert behind.stack.embedded
    direct = {str(behind.stack.embedded.node_address), "127.0.0.1", "localhost", "::1"}
    assert not direct & set(asked)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_make_up_that_is_terminated_ends_with_its_engine(deployment: Deployment, number: signal.Signals) -> None:
    stack = deployment.stack
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", "up", "--stack", stack.name, "--instance", deployment.instance],
        cwd=stack.root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # noqa: PLW1509  nohup would have it ignored
    )  # fmt: skip
    assert process.stdout
    assert any("Updating (" in line for line in iter(process.stdout.readline, ""))
    process.send_signal(number)
    printed, _ = process.communicate(timeout=120)
    print(printed)
    assert process.returncode == 128 + number
    assert list(session(process.pid)) == []
    update = deployment.run("up", "--yes", "--skip-preview", "--refresh", "--expect-no-changes")
    assert update.succeeded, update.output


def test_another_checkout_sees_no_change(deployment: Deployment, other_checkout: Path) -> None:
    update = deployment.run("preview", "--expect-no-changes", root=other_checkout)
    assert update.succeeded, update.output


def test_a_wrong_spec_is_refused_with_every_reason_and_changes_nothing(deployment: Deployment) -> None:
    before = deployment.resources()
    for operation in (("preview",), ("up", "--yes", "--skip-preview")):
        update = deployment.run(
            *operation, config={"runtimeName": "x" * 50, "maxMessageBytes": 2**30, "modelName": "b"}
        )
        assert not update.succeeded
        assert "expected a name that is 5 characters shorter" in update.output
        assert "modelmesh:meshResources.limits.memory: '512Mi'" in update.output
        assert "Traceback" not in update.output
    assert deployment.resources() == before


def test_no_secret_in_plain_text(deployment: Deployment) -> None:
    """Neither credentials nor keys of the stack stand readable in its state, encoded or not; certificates may."""
    state = deployment.stack.pulumi("stack", "export", quiet=True).stdout
    assert not deployment.secrets_in(state, NAMESPACE)


def test_a_service_may_name_a_store_that_comes_with_it(deployment: Deployment) -> None:
    """Its runtime's pods run already, and by themselves see a new storage key only after a minute or two."""
    update = deployment.up(storageKey="another")
    assert update.succeeded, update.output
    assert deployment.get("isvc", SERVICE)["spec"]["predictor"]["model"]["storage"]["key"] == "another"


def test_a_changed_lexicon_rolls_without_a_failed_request(
    deployment: Deployment, changed_model: Path, tmp_path: Path
) -> None:
    old = deployment.stack.outputs()["modelDigest"]
    with deployment.load(tmp_path) as load:
        update = deployment.up(modelSource=str(changed_model))
    assert update.succeeded, update.output
    assert deployment.stack.outputs()["modelDigest"] != old
    assert float(predict(deployment.stack, "zorgly")["compound"]) > 0.5
    assert load.requests > 150
    assert load.failed == 0, load.failures
    assert len(load.models) == 2, "requests before and after the change have to be in the sample"


def test_a_lexicon_that_cannot_be_parsed_fails_early_and_the_old_model_serves(
    deployment: Deployment, lexicon: Path
) -> None:
    served = deployment.get("isvc", SERVICE)["spec"]["predictor"]["model"]["storage"]["path"]
    scores = predict(deployment.stack, "zorgly good")
    (lexicon / "vader_lexicon.txt").write_text("good\t1.9\t0.9\t[2, 1]\nthis line has no number\n")
    update = deployment.up(modelSource=str(lexicon))
    assert not update.succeeded
    assert "ModelLoadFailed" in update.output
    assert re.search(r"vader_lexicon\.txt.*2", update.output), "the file and line of the mistake"
    assert "Traceback" not in update.output
    service = deployment.get("isvc", SERVICE)
    assert service["spec"]["predictor"]["model"]["storage"]["path"] != served
    assert update.ended - _spec_written(service) < 15
    assert predict(deployment.stack, "zorgly good") == scores


def test_going_back_is_one_update(
    deployment: Deployment, changed_model: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The one that failed had begun to replace a Job, which has to be there afterwards."""
    stack, former = deployment.stack, {"modelSource": str(changed_model)}
    overrides = {f"modelmesh:{key}": value for key, value in former.items()}
    changed = opened(stack.name, deployment.instance, stack.root, overrides)
    interrupted.spare(changed, changed.resources())
    assert "did not delete kubernetes:batch/v1:Job" in capfd.readouterr().err
    update = deployment.up(**former)
    assert update.succeeded, update.output
    assert deployment.run("preview", "--refresh", "--expect-no-changes", config=former).succeeded
    assert float(predict(deployment.stack, "zorgly")["compound"]) > 0.5


def test_changed_code_yields_a_new_digest_and_a_rolled_pod(
    deployment: Deployment, changed_model: Path, changed_code: Path, tmp_path: Path
) -> None:
    old_image, old_pods = deployment.stack.outputs()["image"], deployment.runtime_pods()
    with deployment.load(tmp_path) as load:
        update = deployment.up(modelSource=str(changed_model), runtimeSource=str(changed_code))
    assert update.succeeded, update.output
    assert deployment.stack.outputs()["image"] != old_image
    assert not deployment.runtime_pods() & old_pods
    assert load.failed == 0, load.failures


def test_changed_sizes_of_the_mesh_are_rolled_out_when_the_update_ends(
    deployment: Deployment, changed_model: Path, changed_code: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else of the runtime has changed, and the controller cannot update the Deployment for a while."""
    former = {"modelSource": str(changed_model), "runtimeSource": str(changed_code)}
    sizes = {"requests": {"cpu": "50m", "memory": "400Mi"}, "limits": {"cpu": "2", "memory": "600Mi"}}
    events = tmp_path / "events"
    events.touch()
    monkeypatch.setenv("PULUMI_DEBUG_COMMANDS", "true")  # for the flag --event-log
    operation = ("up", "--yes", "--skip-preview", "--event-log", str(events))
    rules = deployment.get("clusterrole", CONTROLLER_ROLE)["rules"]
    reading = {"verbs": ["get", "list", "watch"]}
    _set_rules(deployment, [rule | reading if "deployments" in rule["resources"] else rule for rule in rules])
    with ThreadPoolExecutor() as other:
        running = other.submit(deployment.run, *operation, config=former | {"meshResources": sizes})
        while not running.done() and "not updated the Deployment yet" not in events.read_text():
            time.sleep(0.1)
        _set_rules(deployment, rules)
    update = running.result()
    assert update.succeeded, update.output
    pods = [pod for pod in deployment.get("pods")["items"] if pod["metadata"]["name"] in deployment.runtime_pods()]
    found = [
        container["resources"]["limits"]["memory"]
        for pod in pods
        for container in pod["spec"]["containers"]
        if container["name"] == "mm"
    ]
    assert found == ["600Mi"]


def test_a_mesh_image_that_cannot_be_pulled_ends_the_update_and_the_old_pods_serve(deployment: Deployment) -> None:
    scores = predict(deployment.stack, "good")
    images = deployment.config("images")
    broken = f"{images['modelmesh'].partition('@')[0]}@sha256:{'0' * 64}"
    update = deployment.up(images=images | {"modelmesh": broken})
    assert not update.succeeded
    assert re.search(r"(ErrImagePull|ImagePullBackOff) in container mm of pod modelmesh-serving-", update.output)
    assert "not found" in update.output, "kubelet's own message"
    assert "Traceback" not in update.output
    assert predict(deployment.stack, "good") == scores
    update = deployment.up()
    assert update.succeeded, update.output


def test_modelmesh_from_a_container_registry_replaces_solo_mesh(deployment: Deployment) -> None:
    """The registry serves solo mesh under ModelMesh's name, since the tests have nothing else that does its work."""
    node = deployment.stack.embedded
    assert node
    repository, _, digest = deployment.config("images")["modelmesh"].partition("/")[2].partition("@")
    (node.data / "mesh.json").unlink(missing_ok=True)
    try:
        with serving() as outside:
            BuiltImage(node, repository, digest).republish(outside, mesh.REPOSITORIES["modelmesh"], mesh.VERSION)
            note = lifecycle.up(node, "auto", outside.address)
        assert (
            note == f"mesh: ModelMesh, from {outside.address}/kserve/modelmesh:v0.12.0 ({digest}), without REST proxy"
        )
        assert lifecycle.up(node, "real", outside.address) == note, "the registry is not needed again"
        update = deployment.up()
        assert update.succeeded, update.output
        assert predict(deployment.stack, "good")["label"] == "positive"
    finally:
        (node.data / "mesh.json").unlink(missing_ok=True)
        lifecycle.up(node, "solo")
    told = yaml.safe_load(deployment.get("configmap", "model-serving-config")["data"]["config.yaml"])
    assert told["modelMeshImage"] == {"name": f"{node.registry}/kserve/modelmesh", "digest": digest}
    assert told["restProxy"]["enabled"] is False


def test_destroy_leaves_nothing(deployment: Deployment, before: set[str]) -> None:
    update = deployment.run("destroy", "--yes", "--skip-preview")
    assert update.succeeded, update.output
    assert deployment.names(KINDS) == before
    assert not deployment.resources()


def _set_rules(deployment: Deployment, rules: list[dict[str, object]]) -> None:
    patch = ("patch", "clusterrole", CONTROLLER_ROLE, "--type=merge", "--patch", json.dumps({"rules": rules}))
    deployment.stack.run(deployment.stack.kubectl(*patch), quiet=True)


def _spec_written(service: dict[str, object]) -> float:
    """When the spec was last written, in seconds since the epoch."""
    metadata = service["metadata"]
    assert isinstance(metadata, dict)
    times = [f["time"] for f in metadata["managedFields"] if "subresource" not in f]
    return datetime.fromisoformat(max(times)).timestamp()
