"""The guard of a stack's cluster: on which it lets a stack go, and on which not, before anything there is touched."""

import base64
import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest
import yaml
from pulumi.runtime.rpc import UNKNOWN

from components.core.cluster import Cluster
from components.installation.cluster_guard import (
    ClusterGuard,
    ClusterUnreachableError,
    OwnershipConflictError,
    WrongClusterError,
)
from components.installation.ownership_rules import ClusterGuardArgs
from settings import cluster_guard
from tests.unit.stack.api_server import (
    KUBE_SYSTEM,
    NAMESPACES,
    UID,
    ApiServer,
    api_server,
    write_kubeconfig,
)
from tests.unit.stack.engine import Resource, Run, run

STASH = "pulumi:index:Stash"
PROVIDER = "pulumi:providers:kubernetes"
NAMESPACE = "kubernetes:core/v1:Namespace"
OTHER_UID = "99999999-8888-7777-6666-555555555555"


PINNED = f"~/.kube/modelmesh/{UID}"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The account's home folder, where copies of kubeconfigs are kept."""
    folder = tmp_path / "home"
    monkeypatch.setattr("components.core.cluster._expanded", lambda path: folder / str(path).removeprefix("~/"))
    return folder


@pytest.fixture
def server(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:  # noqa: ARG001
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with api_server(tmp_path) as running:
        yield running


def arguments(cluster: Cluster, **changes: Any) -> ClusterGuardArgs:
    values = {"namespace_names": ["serving"], "controller_namespace": "serving", "scope": "cluster"}
    return ClusterGuardArgs(cluster=cluster, **({"definitions": "own"} | values | changes))


def guarded(cluster: Cluster, *, preview: bool = True, kept: str | None = None, **changes: Any) -> Run:
    """A guard, and a namespace on the cluster that it guards."""

    def program() -> None:
        guard = ClusterGuard("guard", arguments(cluster, **changes))
        provider = kubernetes.Provider("cluster", kubeconfig=guard.kubeconfig, context=cluster.context)
        opts = pulumi.ResourceOptions(provider=provider)
        kubernetes.core.v1.Namespace("serving", metadata={"name": "serving"}, opts=opts)
        pulumi.export("cluster", guard.cluster)

    return run(program, preview=preview, kept={"guard": kept} if kept else None)


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> list[Resource]:
    """What a run that fails had registered before."""
    seen: list[Resource] = []
    original = Resource.__init__

    def record(self: Resource, **values: Any) -> None:
        original(self, **values)
        seen.append(self)

    monkeypatch.setattr(Resource, "__init__", record)
    return seen


@pytest.mark.parametrize("preview", [True, False])
def test_the_first_run_keeps_the_clusters_uid(server: ApiServer, preview: bool) -> None:
    made = guarded(server.cluster, preview=preview)
    assert made.one(STASH).inputs == {"input": UID}
    assert made.one(STASH).ignore_changes == ("input",), "another cluster is no change to make"
    assert made.outputs["cluster"] == UID


@pytest.mark.parametrize("preview", [True, False])
def test_on_its_own_cluster_a_stack_goes_on(server: ApiServer, preview: bool) -> None:
    made = guarded(server.cluster, preview=preview, kept=UID)
    assert made.one(PROVIDER).inputs["kubeconfig"] == PINNED
    assert made.one(NAMESPACE)
    assert made.outputs["cluster"] == UID


def test_a_first_preview_that_does_not_know_the_stashs_value_yet_goes_on(server: ApiServer) -> None:
    made = guarded(server.cluster, kept=UNKNOWN)
    assert made.outputs["cluster"] is None
    assert made.one(PROVIDER).inputs["kubeconfig"] == PINNED


@pytest.mark.parametrize("preview", [True, False])
def test_on_another_cluster_nothing_is_touched(server: ApiServer, registered: list[Resource], preview: bool) -> None:
    with pytest.raises(WrongClusterError) as raised:
        guarded(server.cluster, preview=preview, kept=OTHER_UID)
    assert {resource.token for resource in registered} == {"modelmesh:index:ClusterGuard", STASH}
    for told in (UID, OTHER_UID, "context 'here'", server.cluster.kubeconfig, "organization/modelmesh/dev"):
        assert told in str(raised.value)
    (stash,) = [resource for resource in registered if resource.token == STASH]
    assert f"pulumi state delete '{stash.urn}' && PULUMI_K8S_DELETE_UNREACHABLE=true" in str(raised.value)


def test_the_provider_reaches_this_cluster_alone_wherever_the_kubeconfig_leads_later(
    server: ApiServer, home: Path
) -> None:
    (server.cluster.file.parent / "ca.pem").write_text("a certificate")
    kubeconfig = yaml.safe_load(server.cluster.file.read_text())
    url = kubeconfig["clusters"][0]["cluster"]["server"]
    kubeconfig["clusters"][0]["cluster"]["certificate-authority"] = "ca.pem"
    kubeconfig["users"][0]["user"]["tokenFile"] = "token"
    kubeconfig["users"].insert(0, {"name": "other", "user": {"token": "of another cluster"}})
    server.cluster.file.write_text(yaml.safe_dump(kubeconfig))
    guarded(server.cluster, preview=False)
    copy = home / ".kube/modelmesh" / UID
    assert copy.stat().st_mode & 0o777 == 0o600
    kept = yaml.safe_load(copy.read_text())
    authority = base64.b64encode(b"a certificate").decode()
    assert kept["clusters"] == [{"name": "c", "cluster": {"server": url, "certificate-authority-data": authority}}]
    assert kept["users"] == [
        {"name": "u", "user": {"token": "a-token", "tokenFile": str(server.cluster.file.parent / "token")}}
    ]
    with pytest.raises(WrongClusterError):
        guarded(server.cluster, preview=False, kept=OTHER_UID)
    assert [file.name for file in copy.parent.iterdir()] == [UID]


def test_the_providers_copy_is_written_only_if_the_context_has_changed(server: ApiServer, home: Path) -> None:
    copy = home / ".kube/modelmesh" / UID
    server.cluster.pin(UID)
    first = copy.stat()
    server.cluster.pin(UID)
    assert copy.stat() == first
    write_kubeconfig(server.cluster.file, "https://moved.example", token="a-new-token")  # noqa: S106
    server.cluster.pin(UID)
    assert "https://moved.example" in copy.read_text()
    assert "a-new-token" in copy.read_text()
    assert copy.parent.stat().st_mode & 0o777 == 0o700


def test_the_provider_uses_the_clusters_kubeconfig_unless_told_otherwise(server: ApiServer) -> None:
    def program() -> None:
        server.cluster.provider("own")
        server.cluster.provider("copy", kubeconfig="/elsewhere")

    found = {provider.name: provider.inputs["kubeconfig"] for provider in run(program).of(PROVIDER)}
    assert found == {"own": server.cluster.kubeconfig, "copy": "/elsewhere"}


def test_in_the_state_nothing_depends_on_the_stash_which_may_be_deleted_alone(server: ApiServer) -> None:
    made = guarded(server.cluster)
    assert not any(made.one(STASH).urn in resource.dependencies for resource in made.resources)


def no_file(cluster: Cluster) -> Cluster:
    cluster.file.unlink()
    return cluster


def no_yaml(cluster: Cluster) -> Cluster:
    cluster.file.write_text("{")
    return cluster


def no_kubeconfig(cluster: Cluster) -> Cluster:
    cluster.file.write_text("just text")
    return cluster


def no_context(cluster: Cluster) -> Cluster:
    return replace(cluster, context="elsewhere")


def no_listener(cluster: Cluster) -> Cluster:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        write_kubeconfig(cluster.file, f"http://127.0.0.1:{free.getsockname()[1]}")
    return cluster


def no_credentials(cluster: Cluster) -> Cluster:
    text = cluster.file.read_text()
    cluster.file.write_text(text.replace("a-token", "an-old-token"))
    return cluster


OUT_OF_REACH = {
    no_file: "the file does not exist",
    no_yaml: "the file cannot be used",
    no_kubeconfig: "the file cannot be used",
    no_context: "Expected object with name elsewhere in .*contexts",
    no_listener: "Connection refused",
    no_credentials: "401: Unauthorized",
}


@pytest.mark.parametrize("broken", OUT_OF_REACH)
def test_an_update_starts_only_on_a_cluster_that_answers(
    server: ApiServer, registered: list[Resource], broken: Any
) -> None:
    cluster = broken(server.cluster)
    with pytest.raises(ClusterUnreachableError, match=OUT_OF_REACH[broken]) as raised:
        guarded(cluster, preview=False, kept=UID)
    assert registered == []
    assert f"context {cluster.context!r} in {cluster.kubeconfig}" in str(raised.value)
    assert "an-old-token" not in str(raised.value)


@pytest.mark.parametrize("broken", OUT_OF_REACH)
def test_a_preview_goes_on_without_the_cluster_and_says_so(
    server: ApiServer, caplog: pytest.LogCaptureFixture, broken: Any
) -> None:
    cluster = broken(server.cluster)
    made = guarded(cluster, kept=UID)
    assert made.outputs["cluster"] == UID
    assert made.one(PROVIDER).inputs["kubeconfig"] == PINNED
    (warning,) = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert f"context {cluster.context!r}" in warning
    assert "was not reached" in warning


def test_a_first_preview_without_the_cluster_does_not_know_which_it_will_be(server: ApiServer) -> None:
    made = guarded(no_file(server.cluster))
    assert made.outputs["cluster"] is None
    assert made.one(STASH).inputs["input"] == UNKNOWN
    assert made.one(PROVIDER).inputs["kubeconfig"] == server.cluster.kubeconfig


def test_a_cluster_that_does_not_answer_in_time_is_asked_once(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("components.installation.existing_objects._TIMEOUT_SECONDS", 1)
    connections = 0
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        write_kubeconfig(server.cluster.file, f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(ClusterUnreachableError, match="timed out"):
            guarded(server.cluster, preview=False)
        silent.settimeout(0)
        while True:
            try:
                silent.accept()[0].close()
            except BlockingIOError:
                break
            connections += 1
    assert connections == 1


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((503, {"message": "starting"}), "503: starting"),
        ((200, {"resources": []}), "it has no namespace kube-system"),
        ((200, ["a list"]), "what answers there is no Kubernetes API server"),
    ],
)
def test_what_is_no_cluster_is_not_taken_for_one(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch, answer: Any, expected: str
) -> None:
    monkeypatch.setattr(server, "answer", lambda *_: answer)
    with pytest.raises(ClusterUnreachableError, match=expected):
        guarded(server.cluster, preview=False)


@pytest.mark.parametrize("preview", [True, False])
def test_who_may_not_ask_which_cluster_it_is_learns_of_the_right_that_is_missing(
    server: ApiServer, registered: list[Resource], preview: bool
) -> None:
    server.known[KUBE_SYSTEM] = 403
    with pytest.raises(pulumi.RunError, match=r"(?s)the server says 403.*resourceNames: \[kube-system\], verbs: \[get"):
        guarded(server.cluster, preview=preview)
    assert registered == []


@pytest.mark.parametrize("preview", [True, False])
def test_somebody_elses_objects_end_a_run_before_it_registers_anything(
    server: ApiServer, registered: list[Resource], preview: bool
) -> None:
    server.has(NAMESPACES, "serving", owner="acme/models/prod")
    with pytest.raises(OwnershipConflictError, match=r"namespace/serving \(owner: acme/models/prod\)") as raised:
        guarded(server.cluster, preview=preview)
    assert registered == []
    assert "use the context of the right one" in str(raised.value)


def test_the_program_reports_conflicts_by_its_configuration_keys(server: ApiServer) -> None:
    server.has(NAMESPACES, "serving", owner="acme/models/prod")
    settings: Any = SimpleNamespace(guard=lambda: arguments(server.cluster))
    with pytest.raises(OwnershipConflictError, match="  namespacesExist: namespace/serving") as raised:
        run(lambda: cluster_guard("guard", settings), preview=True)
    assert "namespace_names" not in str(raised.value)


def test_a_home_folder_is_this_machines_and_the_states_text_everybodys(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(server.cluster.file.parent))
    made = guarded(replace(server.cluster, kubeconfig="~/kubeconfig"), preview=False)
    assert made.one(PROVIDER).inputs["kubeconfig"] == PINNED
    assert json.dumps(made.one(STASH).inputs) == json.dumps({"input": UID})


def test_a_command_for_people_names_the_cluster_whichever_is_current() -> None:
    cluster = Cluster(kubeconfig="/a folder/config", context="prod")
    assert cluster.kubectl("get", "crd") == "kubectl '--kubeconfig=/a folder/config' --context=prod get crd"
