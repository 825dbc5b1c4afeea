"""All that the typed resources can express, taken by the real API server, controller and webhook; two teams served."""

import base64
import datetime
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy
import pytest
from tritonclient.grpc import InferenceServerClient, InferInput
from tritonclient.utils import InferenceServerException

from cli.predict import forwarded_port
from tests.cluster.deployment import KINDS, Deployment, ProgramMaker

TEAMS = ("team-a", "team-b")
SCORE = pytest.approx(0.8478, abs=5e-4)
CUSTOM = "custom-runtime-0.x"
NOT_STARTED = {
    "team-a": {"own-adapter", "pullerless", "placed", "autoscaled", "shared"},
    "team-b": {"shared"},
}
BUILT_IN = {"triton-2.x", "mlserver-1.x", "ovms-1.x", "torchserve-0.x"}


@pytest.fixture(scope="module")
def everything(program: ProgramMaker) -> Iterator[Deployment]:
    """The stack of this module, not there yet; its certificates will be those of half a year ago."""
    earlier = datetime.datetime.now(datetime.UTC).date() - datetime.timedelta(days=184)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TODAY", earlier.isoformat())
        made = program("everything", "everything")
        yield made
        made.run("destroy", "--yes", "--skip-preview")


@pytest.fixture(scope="module")
def before(everything: Deployment) -> set[str]:
    return everything.names(KINDS)


def client_files(everything: Deployment, namespace: str, folder: Path) -> Path:
    """Write what a client of that namespace's mesh needs: the stack's CA, and the mesh's certificate and its key."""
    (secret,) = [
        secret["data"]
        for secret in everything.get("secrets", namespace=namespace)["items"]
        if secret["metadata"]["name"].startswith("modelmesh-tls")
    ]
    folder.mkdir(exist_ok=True)
    (folder / "ca.crt").write_text(everything.stack.outputs()["ca"])
    for key in ("tls.key", "tls.crt"):
        (folder / key).write_bytes(base64.b64decode(secret[key]))
    return folder


def score(everything: Deployment, namespace: str, files: Path, *, with_certificate: bool = True) -> float:
    """The sentiment of a friendly sentence, through that namespace's mesh, over TLS; raises what the client raises."""
    tls = {"root_certificates": str(files / "ca.crt")}
    if with_certificate:
        tls |= {"private_key": str(files / "tls.key"), "certificate_chain": str(files / "tls.crt")}
    tensor = InferInput("text", [1], "BYTES")
    tensor.set_data_from_numpy(numpy.array([b"What a wonderful day, I love it!"], dtype=object))
    with forwarded_port(everything.stack, namespace, "modelmesh-serving") as port:
        client = InferenceServerClient(f"localhost:{port}", ssl=True, **tls)
        try:
            return float(client.infer("sentiment", [tensor], client_timeout=60).as_numpy("compound")[0])
        finally:
            client.close()


def uploads(everything: Deployment) -> int:
    """How many files the Deployment that keeps the model published has uploaded."""
    logs = everything.stack.kubectl("logs", "deployment/publish-sentiment", "--namespace=mesh-system")
    return everything.stack.run(logs, quiet=True).count("uploaded")


def test_everything_is_accepted(everything: Deployment, before: set[str]) -> None:
    assert not any("team-" in name for name in before)
    update = everything.up()
    assert update.succeeded, update.output
    for namespace in TEAMS:
        deployments = everything.get("deployments", namespace=namespace)["items"]
        replicas = {
            deployment["metadata"]["name"].removeprefix("modelmesh-serving-"): deployment["spec"]["replicas"]
            for deployment in deployments
        }
        assert replicas == {CUSTOM: 1, **dict.fromkeys(NOT_STARTED[namespace] | BUILT_IN, 0)}


def test_a_second_up_changes_nothing(everything: Deployment) -> None:
    update = everything.run("up", "--yes", "--skip-preview", "--expect-no-changes")
    assert update.succeeded, update.output


@pytest.mark.parametrize("namespace", TEAMS)
def test_both_teams_are_served_over_tls(everything: Deployment, namespace: str, tmp_path: Path) -> None:
    assert score(everything, namespace, client_files(everything, namespace, tmp_path)) == SCORE


def test_who_shows_no_certificate_is_not_served(everything: Deployment, tmp_path: Path) -> None:
    with pytest.raises(InferenceServerException, match="UNAVAILABLE"):
        score(everything, "team-a", client_files(everything, "team-a", tmp_path), with_certificate=False)


@pytest.mark.parametrize("known", [True, False], ids=["with a certificate", "without"])
def test_etcd_is_read_with_a_certificate_of_the_stack_and_not_without(everything: Deployment, known: bool) -> None:
    certificate = ["--cert=/etc/etcd/tls.crt", "--key=/etc/etcd/tls.key"] if known else []
    read = everything.stack.kubectl(
        *("exec", "etcd-0", "--namespace=mesh-system", "--"),
        *("etcdctl", "--endpoints=https://localhost:2379", "--cacert=/etc/etcd/ca.crt", "--command-timeout=5s"),
        *(*certificate, "get", "--prefix", "--keys-only", ""),
    )
    done = subprocess.run(read, capture_output=True, text=True, env=everything.stack.environment)
    assert (done.returncode == 0, bool(done.stdout.strip())) == (known, known), done.stderr


def test_models_survive_the_restart_of_every_store_and_mesh(everything: Deployment, tmp_path: Path) -> None:
    """The first is etcd, so that the mesh has to find its models in what etcd kept; then MinIO, then the mesh."""
    assert everything.restart("mesh-system", "app=etcd")
    before = uploads(everything)
    assert everything.restart("mesh-system", "app=minio")
    deadline = time.monotonic() + 60
    while uploads(everything) == before:
        assert time.monotonic() < deadline, "the model is not published again"
        time.sleep(1)
    for namespace in TEAMS:
        assert everything.restart(namespace, "modelmesh-service=modelmesh-serving")
        assert score(everything, namespace, client_files(everything, namespace, tmp_path)) == SCORE
    update = everything.run("up", "--yes", "--skip-preview", "--expect-no-changes")
    assert update.succeeded, update.output


def test_the_state_holds_no_secret_in_plain_text(everything: Deployment) -> None:
    state = everything.stack.pulumi("stack", "export", quiet=True).stdout
    for namespace in ("mesh-system", *TEAMS):
        assert not everything.secrets_in(state, namespace)


def test_a_renewal_loses_no_request_of_a_client_with_the_former_certificate(
    everything: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The data plane's and the webhook's certificates are of an earlier half-year; without TODAY, they are due."""
    former = client_files(everything, "team-a", tmp_path / "former")
    pods = {team: everything.runtime_pods(team) for team in TEAMS}
    monkeypatch.delenv("TODAY")
    with everything.load(tmp_path, "team-a", "sentiment", former) as load:
        update = everything.up()
    assert update.succeeded, update.output
    print(f"{load.requests} requests, {load.failed} lost")
    assert load.failed == 0, load.failures
    assert load.requests > 500
    for team in TEAMS:
        assert not everything.runtime_pods(team) & pods[team]
        renewed = client_files(everything, team, tmp_path / team)
        assert (renewed / "tls.crt").read_text() != (former / "tls.crt").read_text()
        assert score(everything, team, renewed) == SCORE
    shutil.copy(former / "ca.crt", renewed)
    assert score(everything, team, renewed) == SCORE


def test_destroy_leaves_nothing(everything: Deployment, before: set[str]) -> None:
    update = everything.run("destroy", "--yes", "--skip-preview")
    assert update.succeeded, update.output
    deadline = time.monotonic() + 60  # a released volume is deleted by the cluster's provisioner
    while everything.names(KINDS) != before and time.monotonic() < deadline:
        time.sleep(1)
    assert everything.names(KINDS) == before
    assert not everything.resources()
