"""Whose the objects on a cluster are: which of them a stack may apply, and what it is told of the others."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.installation.existing_objects import ExistingObjects
from components.installation.ownership_rules import ClusterGuardArgs, ownership_problems
from components.upstream import documents
from tests.unit.stack.api_server import (
    BINDINGS,
    CLUSTER_ROLES,
    DEFINITIONS,
    KUBE_SYSTEM,
    MARK,
    NAMESPACES,
    ROLE,
    WEBHOOK,
    WEBHOOKS,
    ApiServer,
    api_server,
)

STACK = "acme/models/prod"
OTHER = "acme/models/staging"
BINDING = "modelmesh-controller-rolebinding"
NAMES = [document["metadata"]["name"] for document in documents("crd")]
SHARED_RUNTIMES = "clusterservingruntimes.serving.kserve.io"
GROUP = "serving.kserve.io"
SERVED = {
    f"{GROUP}/v1alpha1": ["servingruntimes", "clusterservingruntimes", "predictors", "trainedmodels"],
    f"{GROUP}/v1beta1": ["inferenceservices", "inferenceservices/status"],
}


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with api_server(tmp_path) as running:
        yield running


def problems(server: ApiServer, **changes: Any) -> list[str]:
    values: dict[str, Any] = {
        "namespace_names": ["serving", "team-a"],
        "controller_namespace": "serving",
        "scope": "cluster",
        "definitions": "own",
    }
    args = ClusterGuardArgs(cluster=server.cluster, **(values | changes))
    return [str(problem) for problem in ownership_problems(args, STACK, ExistingObjects(server.cluster))]


def everything(server: ApiServer, owner: str | None = None, definitions_owner: str | None = None) -> None:
    """All that an installation of cluster scope has."""
    server.has(NAMESPACES, "serving", "team-a", owner=owner)
    server.has(DEFINITIONS, *NAMES, owner=definitions_owner or owner)
    server.has(CLUSTER_ROLES, ROLE, owner=owner)
    server.has(BINDINGS, BINDING, owner=owner)
    server.has(WEBHOOKS, WEBHOOK, owner=owner)


def test_an_empty_cluster_is_free(server: ApiServer) -> None:
    server.has(NAMESPACES, "default")
    server.has(CLUSTER_ROLES, "admin")
    server.has(WEBHOOKS, "somebody-elses", owner=None)
    assert problems(server) == []
    assert problems(server, definitions="kept") == []
    assert problems(server, scope="namespace") == []


@pytest.mark.parametrize("definitions", ["own", "kept"])
def test_a_stack_may_apply_what_it_has_made(server: ApiServer, definitions: str) -> None:
    everything(server, owner=STACK)
    assert problems(server, definitions=definitions) == []


def test_all_that_is_in_the_way_is_told_at_once(server: ApiServer) -> None:
    everything(server, owner=OTHER)
    told = "\n".join(problems(server))
    for reference in ("namespace/serving", "namespace/team-a", f"clusterrole/{ROLE}", f"clusterrolebinding/{BINDING}"):
        assert reference in told
    assert f"validatingwebhookconfiguration/{WEBHOOK}" in told
    assert all(f"crd/{name}" in told for name in NAMES)


@pytest.mark.parametrize(("owner", "whose"), [(OTHER, OTHER), (None, "none")])
def test_a_namespace_of_somebody_else_is_not_taken_over(server: ApiServer, owner: str | None, whose: str) -> None:
    server.has(NAMESPACES, "team-a", owner=owner)
    problem, _ = problems(server)
    assert problem == (
        f"namespace_names: namespace/team-a (owner: {whose}), expected another name, or a namespace that the stack "
        "uses and leaves to its owner"
    )


def test_a_namespace_that_the_stack_does_not_make_is_nobodys_business(server: ApiServer) -> None:
    server.has(NAMESPACES, "serving", owner=OTHER)
    assert problems(server, namespace_names=["team-a"]) == []
    server.known[f"{NAMESPACES}/serving"] = 403
    assert problems(server, namespace_names=["team-a"]) == []


def test_a_stack_does_not_stop_making_a_namespace_that_would_go_with_all_in_it(server: ApiServer) -> None:
    server.has(NAMESPACES, "serving", owner=STACK)
    (problem,) = problems(server, namespace_names=[])
    assert problem.startswith(
        f"namespace_names: namespace/serving (owner: {STACK}), expected the stack to create it still"
    )


@pytest.mark.parametrize(
    ("definitions", "owner", "expected"),
    [
        ("own", OTHER, "kept in that stack first"),
        ("own", None, "existing, which leaves them to their owner$"),
        ("own", "shared", "kept$"),
        ("kept", OTHER, "kept in that stack first"),
        ("kept", None, "existing, which leaves them to their owner; or, if stacks are to share them"),
    ],
)
def test_definitions_of_somebody_else_are_not_taken_over(
    server: ApiServer, definitions: str, owner: str | None, expected: str
) -> None:
    server.has(DEFINITIONS, *NAMES, owner=owner)
    problem = problems(server, definitions=definitions)[0]
    assert problem.startswith(
        "definitions: " + ", ".join(f"crd/{name}" for name in NAMES) + f" (owner: {owner or 'none'})"
    )
    assert re.search(rf"\), expected {expected}", problem)
    hints = [each for each in problems(server, definitions=definitions) if "annotate --overwrite" in each]
    assert bool(hints) is (definitions == "own" and owner != "shared"), "those that are shared stay shared"


def test_kept_definitions_are_every_stacks(server: ApiServer) -> None:
    everything(server, owner=STACK, definitions_owner="shared")
    assert problems(server, definitions="kept") == []


def test_nothing_else_is_shared(server: ApiServer) -> None:
    everything(server, owner="shared")
    told = "\n".join(problems(server, definitions="kept"))
    assert "namespace/serving" in told
    assert f"clusterrole/{ROLE}" in told
    assert "crd/" not in told


def test_definitions_can_be_adopted_on_purpose_those_that_lack_the_mark_and_no_others(server: ApiServer) -> None:
    server.has(DEFINITIONS, NAMES[0])
    server.has(DEFINITIONS, NAMES[1], owner=OTHER)
    server.has(DEFINITIONS, NAMES[2], owner="shared")
    server.has(DEFINITIONS, NAMES[3], going=True)
    server.has(CLUSTER_ROLES, ROLE)
    problem = problems(server, definitions="kept")[0]
    command = server.cluster.kubectl("annotate", "crd", NAMES[0], f"{MARK}=shared")
    assert problem.endswith(command)
    assert f"--context={server.cluster.context}" in command
    server.has(DEFINITIONS, *NAMES, owner="shared")
    del server.known[f"{CLUSTER_ROLES}/{ROLE}"]
    assert problems(server, definitions="kept") == []


@pytest.mark.parametrize("owner", [OTHER, None])
def test_a_cluster_has_room_for_one_installation_of_cluster_scope(server: ApiServer, owner: str | None) -> None:
    everything(server, owner=owner)
    (problem,) = [each for each in problems(server) if each.startswith("scope: ")]
    objects = f"clusterrole/{ROLE}, clusterrolebinding/{BINDING}, validatingwebhookconfiguration/{WEBHOOK}"
    assert problem.startswith(
        f"scope: {objects} (owner: {owner or 'none'}), expected only one ModelMesh Serving of cluster"
    )


def test_installations_of_namespace_scope_live_side_by_side(server: ApiServer) -> None:
    server.has(DEFINITIONS, *NAMES, owner="shared")
    server.has(NAMESPACES, "neighbours", owner=OTHER)
    server.has(WEBHOOKS, f"neighbours.{WEBHOOK}", owner=OTHER)
    assert problems(server, scope="namespace", definitions="kept") == []


def test_two_installations_do_not_go_into_one_namespace(server: ApiServer) -> None:
    server.has(WEBHOOKS, f"serving.{WEBHOOK}", owner=OTHER)
    problem = problems(server, scope="namespace")[0]
    webhook = f"validatingwebhookconfiguration/serving.{WEBHOOK} (owner: {OTHER})"
    assert problem == f"controller_namespace: {webhook}, expected a namespace without a ModelMesh Serving"


def test_an_installation_of_cluster_scope_bears_none_of_namespace_scope(server: ApiServer) -> None:
    server.has(WEBHOOKS, f"neighbours.{WEBHOOK}", owner=OTHER)
    (problem,) = problems(server)
    webhook = f"validatingwebhookconfiguration/neighbours.{WEBHOOK} (owner: {OTHER})"
    assert problem.startswith(f"scope: {webhook}, expected only one ModelMesh Serving of cluster scope per cluster")


def test_an_installation_of_namespace_scope_cannot_go_where_one_of_cluster_scope_is(server: ApiServer) -> None:
    server.has(CLUSTER_ROLES, ROLE)
    (problem,) = problems(server, scope="namespace")
    assert problem.startswith(
        f"scope: clusterrole/{ROLE} (owner: none), expected only one ModelMesh Serving of cluster"
    )
    server.known[f"{CLUSTER_ROLES}/{ROLE}"] = 403
    assert problems(server, scope="namespace") == [], "it needs no right of that kind"


@pytest.mark.parametrize(("before", "after"), [("cluster", "namespace"), ("namespace", "cluster")])
def test_a_stack_may_change_its_own_scope(server: ApiServer, before: str, after: str) -> None:
    everything(server, owner=STACK)
    if before == "namespace":
        del server.known[f"{WEBHOOKS}/{WEBHOOK}"], server.known[f"{CLUSTER_ROLES}/{ROLE}"]
        server.has(WEBHOOKS, f"serving.{WEBHOOK}", owner=STACK)
    assert problems(server, scope=after) == []


@pytest.mark.parametrize("owner", [STACK, OTHER, None])
def test_what_is_being_deleted_is_waited_for(server: ApiServer, owner: str | None) -> None:
    server.has(NAMESPACES, "serving", owner=owner, going=True)
    (problem,) = problems(server)
    command = server.cluster.kubectl("wait", "--for=delete", "namespace/serving")
    assert problem == f"namespace_names: namespace/serving (being deleted), expected the end of its deletion: {command}"


def test_existing_definitions_are_only_looked_for(server: ApiServer) -> None:
    server.has(DEFINITIONS, *NAMES)
    for version, resources in SERVED.items():
        server.serves(version, *resources)
    assert problems(server, definitions="existing") == []
    everything(server, owner=STACK)
    server.has(DEFINITIONS, *NAMES, owner=OTHER, awaited=True)
    assert problems(server, definitions="existing") == [], "definitions of another stack stay with it"


def test_existing_definitions_that_are_not_served_are_named(server: ApiServer) -> None:
    server.serves(f"{GROUP}/v1alpha1", "servingruntimes", "inferencegraphs")
    alpha, beta = problems(server, definitions="existing")
    assert f"expected kept, or predictors, clusterservingruntimes of {GROUP}/v1alpha1 served by the cluster" in alpha
    assert f"expected kept, or inferenceservices of {GROUP}/v1beta1 served by the cluster" in beta


def test_in_namespace_scope_nobody_needs_shared_runtimes(server: ApiServer) -> None:
    server.serves(f"{GROUP}/v1alpha1", "servingruntimes", "predictors")
    server.serves(f"{GROUP}/v1beta1", "inferenceservices")
    assert problems(server, definitions="existing", scope="namespace") == []
    server.has(DEFINITIONS, SHARED_RUNTIMES)
    assert problems(server, scope="namespace") == []


def test_a_stack_does_not_stop_making_definitions_that_would_go_with_all_they_define(server: ApiServer) -> None:
    server.has(DEFINITIONS, *NAMES, owner=STACK)
    for version, resources in SERVED.items():
        server.serves(version, *resources)
    (problem,) = problems(server, definitions="existing")
    assert problem.startswith("definitions: " + ", ".join(f"crd/{name}" for name in NAMES))
    assert "expected kept for one update first" in problem
    for name in NAMES:
        server.known[f"{DEFINITIONS}/{name}"] = 403
    assert problems(server, definitions="existing") == [], "who has made them may look at them"


def test_definitions_older_than_marks_may_be_the_stacks_own_and_go_with_all_they_define(server: ApiServer) -> None:
    server.has(DEFINITIONS, *NAMES, awaited=True)
    for version, resources in SERVED.items():
        server.serves(version, *resources)
    (problem,) = problems(server, definitions="existing")
    assert problem.startswith("definitions: " + ", ".join(f"crd/{name}" for name in NAMES))
    assert "expected kept for one update first" in problem
    kept, *_ = problems(server, definitions="kept")
    assert kept.endswith(server.cluster.kubectl("annotate", "crd", *NAMES, f"{MARK}=shared"))
    assert "existing" not in kept, "which would end with their deletion"
    assert "existing" not in problems(server, definitions="own")[0]


def test_rights_that_are_missing_are_named(server: ApiServer) -> None:
    for path in (f"{DEFINITIONS}/{NAMES[0]}", WEBHOOKS):
        server.known[path] = 403
    first, second = problems(server)
    refused = f"crd/{NAMES[0]}: the server says 403"
    assert first == f"cluster: {refused}, expected the right to get customresourcedefinitions"
    assert second.endswith("the server says 403, expected the right to list validatingwebhookconfigurations")
    server.known[f"/apis/{GROUP}/v1beta1"] = 403
    server.serves(f"{GROUP}/v1alpha1", *SERVED[f"{GROUP}/v1alpha1"])
    told = problems(server, definitions="existing")
    assert f"cluster: /apis/{GROUP}/v1beta1: the server says 403, expected the right to get this path" in told
    assert not any("served by the cluster" in each for each in told)


def test_a_stack_that_was_renamed_gets_its_objects_back(server: ApiServer) -> None:
    everything(server, owner="acme/models/production")
    server.has(NAMESPACES, "team-a", owner="acme/models/production", going=True)
    *_, hint = problems(server)
    objects = ["namespace/serving", *(f"crd/{name}" for name in NAMES)]
    objects += [f"clusterrole/{ROLE}", f"clusterrolebinding/{BINDING}", f"validatingwebhookconfiguration/{WEBHOOK}"]
    assert hint.startswith("cluster: namespace/serving, crd/")
    assert hint.endswith(server.cluster.kubectl("annotate", "--overwrite", *objects, f"{MARK}={STACK}"))


def test_nothing_but_metadata_is_asked_for(server: ApiServer) -> None:
    everything(server, owner=STACK)
    server.has(WEBHOOKS, f"neighbours.{WEBHOOK}", owner=STACK)
    problems(server)
    assert len(server.asked) > len(NAMES) + 5, "the server refuses to say more than metadata"
    assert KUBE_SYSTEM not in server.asked


def test_a_namespace_that_is_said_to_exist_and_does_not_is_named_before_anything_changes(server: ApiServer) -> None:
    server.has(NAMESPACES, "serving")
    (problem,) = problems(server, namespace_names=[], existing_namespaces=["serving", "team-a"])
    assert problem.startswith("existing_namespaces: namespace/team-a (missing), expected an existing namespace")
    assert "create namespace team-a" in problem


def test_who_may_not_read_an_existing_namespace_learns_of_the_right_alone(server: ApiServer) -> None:
    server.known[f"{NAMESPACES}/team-a"] = 403
    (problem,) = problems(server, namespace_names=[], existing_namespaces=["team-a"])
    assert "expected the right to get namespaces" in problem
