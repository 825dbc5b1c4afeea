"""A runtime is rolled out when all its pods are of the current template, and one that cannot start is told early."""

import asyncio
from typing import Any

import pytest
from kubernetes import client

from components.core.cluster import Cluster
from components.core.kserve_api import ask
from components.runtimes import rollout
from components.runtimes.pod_template import differences
from components.runtimes.rollout import (
    NotRolledOutError,
    Rollout,
    newest_pods,
    rollout_missing,
    template_missing,
    unscheduled,
)

NEW, MESH, ADAPTER = "registry/runtime@sha256:new", "registry/mesh@sha256:new", "registry/adapter:1"
RESOURCES = {"requests": {"cpu": "300m", "memory": "512Mi"}, "limits": {"cpu": "3", "memory": "512Mi"}}
OWN: dict[str, Any] = {
    "name": "mlserver",
    "image": NEW,
    "args": ["serve"],
    "resources": {"limits": {"memory": "1Gi"}},
    "env": [{"name": "MODELS", "value": "/models"}, {"name": "NODE", "valueFrom": {}}],
}
SMALL = {"requests": {"cpu": "50m", "memory": "96Mi"}, "limits": {"cpu": "2", "memory": "512Mi"}}
CONFIG: dict[str, Any] = {
    "modelMeshImage": {"name": "registry/mesh", "digest": "sha256:new"},
    "modelMeshResources": RESOURCES,
    "storageHelperImage": {"name": "registry/adapter", "tag": "1"},
    "storageHelperResources": SMALL,
    "restProxy": {"image": {"name": "registry/proxy", "tag": "1"}, "resources": SMALL},
    "builtInServerTypes": ["mlserver", "triton"],
    "tls": {"secretName": "tls-1", "clientAuth": "require"},
    "internalModelMeshEnvVars": [{"name": "MEM_LIMIT_MB", "value": "512"}],
}


def template() -> dict[str, Any]:
    """What the controller makes of OWN and CONFIG."""
    environment = {"MEM_LIMIT_MB": "512", "MM_TLS_CLIENT_AUTH": "require", "MM_LABELS": "rt:custom"}
    return {
        "spec": {
            "containers": [
                {**OWN, "resources": {"limits": {"memory": "1024Mi"}}},
                {"name": "mlserver-adapter", "image": ADAPTER, "resources": SMALL},
                {"name": "rest-proxy", "image": "registry/proxy:1", "resources": SMALL},
                {
                    "name": "mm",
                    "image": MESH,
                    # As the API server writes quantities.
                    "resources": {"requests": {"cpu": "0.3", "memory": "512Mi"}, "limits": RESOURCES["limits"]},
                    "env": [{"name": name, "value": value} for name, value in environment.items()],
                },
            ],
            "volumes": [{"name": "tmp", "emptyDir": {}}, {"name": "tls-certs", "secret": {"secretName": "tls-1"}}],
        }
    }


def deployment(status: dict[str, Any] | None = None, *, observed: int = 3, replicas: int = 2) -> Any:
    return {
        "metadata": {"generation": 3, "annotations": {"deployment.kubernetes.io/revision": "4"}},
        "spec": {"replicas": replicas, "template": template()},
        "status": {"observedGeneration": observed, **(status or {})},
    }


def test_the_template_of_the_current_configuration_differs_in_nothing() -> None:
    assert differences(template(), [OWN], CONFIG) == []


def test_what_the_configuration_does_not_name_makes_no_difference() -> None:
    found = template()
    found["spec"]["volumes"].pop()
    assert differences(found, [OWN], {}) == []


def test_a_rest_proxy_that_is_disabled_makes_no_difference() -> None:
    found = template()
    del found["spec"]["containers"][2]
    assert differences(found, [OWN], CONFIG) == []


def test_a_variable_without_a_value_makes_no_difference() -> None:
    found = template()
    found["spec"]["containers"][0] |= {"env": [{"name": "EMPTY"}]}  # as the API server stores it
    assert differences(found, [OWN | {"env": [{"name": "EMPTY", "value": ""}]}], CONFIG) == []


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"modelMeshImage": {"name": "registry/mesh", "digest": "sha256:newer"}}, "container mm has not the image"),
        (
            {"modelMeshResources": {**RESOURCES, "limits": {"memory": "1Gi"}}},
            "container mm has not the memory limits of 1Gi",
        ),
        (
            {"storageHelperImage": {"name": "registry/adapter", "tag": "2"}},
            "container mlserver-adapter has not the image registry/adapter:2",
        ),
        (
            {"storageHelperResources": {**SMALL, "requests": {"cpu": "1"}}},
            "container mlserver-adapter has not the cpu requests of 1",
        ),
        ({"restProxy": {"image": {"name": "registry/proxy", "tag": "2"}}}, "container rest-proxy has not the image"),
        ({"tls": {"secretName": "tls-2", "clientAuth": "require"}}, "the TLS Secret tls-2 is not mounted"),
        (
            {"tls": {"secretName": "tls-1", "clientAuth": "optional"}},
            "container mm has not the requested MM_TLS_CLIENT_AUTH",
        ),
        ({"tls": {}}, "a TLS Secret is still mounted"),
        (
            {"internalModelMeshEnvVars": [{"name": "MEM_LIMIT_MB", "value": "1024"}]},
            "container mm has not the requested MEM_LIMIT_MB",
        ),
    ],
)
def test_any_change_of_the_configuration_is_seen(change: dict[str, Any], found: str) -> None:
    (difference,) = differences(template(), [OWN], CONFIG | change)
    assert difference.startswith(found)


def test_a_container_of_the_runtimes_own_that_is_called_like_an_adapter_has_its_own_image() -> None:
    own = [OWN, {"name": "mlserver-adapter", "image": ADAPTER}]
    assert differences(template(), own, CONFIG | {"storageHelperImage": {"name": "registry/adapter", "tag": "2"}}) == []


@pytest.mark.parametrize(
    ("containers", "found"),
    [
        ([{**OWN, "image": "newer"}], "container mlserver has not the image newer"),
        ([OWN, {"name": "second", "image": "image"}], "container second has not the image image"),
        ([{**OWN, "resources": {"limits": {"memory": "2Gi"}}}], "container mlserver has not the memory limits of 2Gi"),
        ([{**OWN, "env": [{"name": "MODELS", "value": "/m"}]}], "container mlserver has not the requested MODELS"),
        ([{**OWN, "args": ["serve", "--fast"]}], "container mlserver has not the args of its spec"),
    ],
)
def test_every_change_of_the_runtimes_own_containers_is_waited_for(
    containers: list[dict[str, Any]], found: str
) -> None:
    missing = template_missing(deployment(), containers, CONFIG)
    assert missing == f"the controller has not updated the Deployment yet ({found})"


@pytest.mark.parametrize(
    "found", [deployment(observed=2), {**deployment(), "metadata": {"generation": 1}, "status": {}}]
)
def test_counts_of_an_earlier_template_say_nothing(found: Any) -> None:
    assert template_missing(found, [OWN], CONFIG) == "the rollout of the newest pod template has not started yet"


@pytest.mark.parametrize(
    ("status", "missing"),
    [
        ({}, "0 of 2 pods are new, 0 ready, 0 of the previous template"),
        (
            {"updatedReplicas": 1, "availableReplicas": 2, "replicas": 3},
            "1 of 2 pods are new, 2 ready, 2 of the previous template",
        ),
        (
            {"updatedReplicas": 2, "availableReplicas": 2, "replicas": 3},
            "2 of 2 pods are new, 2 ready, 1 of the previous template",
        ),
        (
            {"updatedReplicas": 2, "availableReplicas": 1, "replicas": 2},
            "2 of 2 pods are new, 1 ready, 0 of the previous template",
        ),
        (
            {
                "conditions": [
                    {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"},
                    {"type": "ReplicaFailure", "status": "False", "message": "a quota that is not exceeded any more"},
                    {"type": "Available", "status": "True", "message": "pods of the previous template answer"},
                ]
            },
            "0 of 2 pods are new, 0 ready, 0 of the previous template; exceeded quota",
        ),
        ({"updatedReplicas": 2, "availableReplicas": 2, "replicas": 2}, ""),
    ],
)
def test_a_pod_of_the_previous_template_is_not_enough(status: dict[str, Any], missing: str) -> None:
    assert rollout_missing(deployment(status)) == missing


def test_a_runtime_scaled_to_zero_is_rolled_out() -> None:
    assert rollout_missing(deployment(replicas=0)) == ""


def test_a_deployment_that_names_no_number_has_one_pod() -> None:
    one = {"updatedReplicas": 1, "availableReplicas": 1, "replicas": 1}
    assert rollout_missing({"spec": {}, "status": one}) == ""


def labelled(name: str, template_hash: str, revision: str = "") -> dict[str, Any]:
    annotations = {"deployment.kubernetes.io/revision": revision} if revision else {}
    return {"metadata": {"name": name, "labels": {"pod-template-hash": template_hash}, "annotations": annotations}}


def test_only_pods_of_the_newest_replica_set_are_judged() -> None:
    sets = [labelled("old", "a", "3"), labelled("new", "b", "4")]
    pods = [labelled("old-1", "a"), labelled("new-1", "b")]
    assert [pod["metadata"]["name"] for pod in newest_pods(deployment(), sets, pods)] == ["new-1"]
    assert newest_pods({"metadata": {}}, [labelled("new", "b")], pods) == []


def test_the_schedulers_reason_is_told() -> None:
    message = "0/1 nodes are available: 1 Insufficient memory."
    waiting = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    assert unscheduled([{"status": {"conditions": [waiting]}}, {"status": {"conditions": [waiting]}}]) == [message]
    others = [waiting | {"status": "True"}, waiting | {"type": "Ready"}, {"type": "PodScheduled", "status": "False"}]
    assert unscheduled([{"status": {"conditions": others}}, {"status": {}}]) == []


# As kubelet 1.34 wrote them.
REFUSED = 'failed to pull and unpack image "registry/mesh@sha256:new": failed to do request: connection refused'
PULL_ERROR = {"reason": "ErrImagePull", "message": REFUSED}
BACK_OFF = {"reason": "ImagePullBackOff", "message": f'Back-off pulling image "registry/mesh": ErrImagePull: {REFUSED}'}
CRASHED = {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container"}


def pod(waiting: dict[str, str] | None, crashes: int = 0) -> dict[str, Any]:
    state = {"waiting": waiting} if waiting else {"running": {}}
    container = {"name": "mm", "restartCount": crashes, "state": state}
    return {"metadata": {"name": "pod"}, "status": {"containerStatuses": [container]}}


class Played:
    """A wait on a clock of its own, for which pods look at each second as a script says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(Cluster, "api_client", lambda _: client.ApiClient())
        self.rollout = Rollout(
            cluster=Cluster(kubeconfig="/nowhere", context="none"), namespace="models", deployment="serving-custom",
            config_namespace="serving", timeout_seconds=300, report=lambda _: None, clock=lambda: self.now,
        )  # fmt: skip
        self.rollout._started = self.now

    def failures(self, second: float, waiting: dict[str, str] | None, crashes: int = 0) -> list[str]:
        self.now = 100.0 + second
        return list(self.rollout.failures([pod(waiting, crashes)]))


def test_a_pull_that_kubelet_repeats_with_success_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played(monkeypatch)
    script = [(0, PULL_ERROR), (5, BACK_OFF), (12, PULL_ERROR), (20, BACK_OFF), (60, BACK_OFF), (70, None)]
    assert [failure for second, waiting in script for failure in played.failures(second, waiting)] == []


def test_a_pull_that_fails_for_a_minute_is_told_in_kubelets_words(monkeypatch: pytest.MonkeyPatch) -> None:
    played = Played(monkeypatch)
    assert played.failures(0, PULL_ERROR) == []
    assert played.failures(61, BACK_OFF) == [f"ImagePullBackOff in container mm of pod pod: {BACK_OFF['message']}"]


def test_a_name_that_is_no_images_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {"reason": "InvalidImageName", "message": "invalid reference format"}
    assert Played(monkeypatch).failures(0, wrong) == [
        "InvalidImageName in container mm of pod pod: invalid reference format"
    ]
    del wrong["message"]
    assert Played(monkeypatch).failures(0, wrong) == ["InvalidImageName in container mm of pod pod"]


@pytest.mark.parametrize(("crashes", "found"), [(1, 0), (2, 1)])
def test_one_crash_is_tolerated(monkeypatch: pytest.MonkeyPatch, crashes: int, found: int) -> None:
    played = Played(monkeypatch)
    assert played.failures(0, None) == []
    assert len(played.failures(1, CRASHED, crashes)) == found


def test_a_container_that_runs_again_is_no_failure_however_often_it_crashed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Played(monkeypatch).failures(31, None, crashes=5) == []


@pytest.mark.parametrize(("second", "crashes", "found"), [(1, 9, 0), (1, 10, 1), (30, 8, 1), (31, 2, 1)])
def test_crashes_before_the_update_do_not_count_for_half_a_minute(
    monkeypatch: pytest.MonkeyPatch, second: float, crashes: int, found: int
) -> None:
    played = Played(monkeypatch)
    assert played.failures(0, CRASHED, 8) == []
    assert len(played.failures(second, CRASHED, crashes)) == found


class Objects:
    """Plays the API server: what it returns for each method of its client."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **found: Any) -> None:
        async def answered(*request: Any, **options: Any) -> Any:
            try:
                return await ask(*request, **options)
            except ConnectionError:
                return None

        for group, methods in {
            client.AppsV1Api: ("read_namespaced_deployment", "list_namespaced_replica_set"),
            client.CoreV1Api: ("read_namespaced_config_map", "list_namespaced_pod"),
        }.items():
            for method in methods:
                monkeypatch.setattr(group, method, lambda *_, method=method, **__: found.get(method))
        monkeypatch.setattr(rollout, "ask", answered)


def done(monkeypatch: pytest.MonkeyPatch, *, required: bool = True, timeout: float = 0, **found: Any) -> list[str]:
    reports: list[str] = []
    Objects(monkeypatch, **found)
    monkeypatch.setattr(Cluster, "api_client", lambda _: client.ApiClient())
    wait = Rollout(
        cluster=Cluster(kubeconfig="/nowhere", context="none"), namespace="models", deployment="serving-custom",
        config_namespace="serving", containers=[OWN], required=required, timeout_seconds=timeout, report=reports.append,
    )  # fmt: skip
    asyncio.run(wait.done())
    return reports


COMPLETE = {"updatedReplicas": 2, "availableReplicas": 2, "replicas": 2}


def config_map(**changes: Any) -> dict[str, Any]:
    return {"data": {"config.yaml": str(CONFIG | changes)}}  # a flow mapping of YAML


def pods(*found: dict[str, Any]) -> dict[str, Any]:
    """Pods of the deployment's newest replica set, and the set."""
    newest = [{**each, "metadata": {"name": "pod", "labels": {"pod-template-hash": "b"}}} for each in found]
    return {
        "list_namespaced_replica_set": {"items": [labelled("new", "b", "4")]},
        "list_namespaced_pod": {"items": newest},
    }


FAILING = pod({"reason": "InvalidImageName", "message": "invalid reference format"})


def test_a_rollout_that_is_complete_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    here = {"read_namespaced_deployment": deployment(COMPLETE), "read_namespaced_config_map": config_map()}
    assert done(monkeypatch, **here, **pods(FAILING)) == []


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({}, "are not rolled out: after 0 s: 0 of 2 pods are new, 0 ready, 0 of the previous template\\."),
        (pods(FAILING), "are not rolled out: InvalidImageName in container mm of pod pod: invalid reference format"),
        (
            pods({"status": {"conditions": [{"type": "PodScheduled", "status": "False", "message": "too large"}]}}),
            "0 of the previous template; too large",
        ),
    ],
)
def test_a_rollout_that_is_not_complete_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, found: dict[str, Any], expected: str
) -> None:
    with pytest.raises(NotRolledOutError, match=expected):
        done(monkeypatch, read_namespaced_deployment=deployment(), read_namespaced_config_map=config_map(), **found)


def test_pods_of_another_mesh_image_than_configured_are_not_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    newer = config_map(modelMeshImage={"name": "registry/mesh", "tag": "broken"})
    with pytest.raises(NotRolledOutError, match=r"container mm has not the image registry/mesh:broken"):
        done(monkeypatch, read_namespaced_deployment=deployment(COMPLETE), read_namespaced_config_map=newer)


def test_a_deployment_that_does_not_exist_is_waited_for_only_where_it_has_to_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert done(monkeypatch, required=False) == []
    with pytest.raises(NotRolledOutError, match="the controller has not created the Deployment yet"):
        done(monkeypatch)
