"""When the program waits for the cluster, and how a wait that fails ends it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest

from components import Cluster
from components.installation import cluster_guard, model_namespace, modelmesh_serving
from components.installation.declared_runtime import DeclaredRuntime
from components.installation.serving_config import RestProxy
from components.runtimes import serving_runtime
from components.services import inference_service
from components.services.readiness import NotServedError, Wait
from tests.unit.stack.engine import DIGEST, run, run_stack
from tests.unit.stack.serving import arguments
from tests.unit.stack.test_readiness import FAILURE, LOADED, at, service

SLOW = DeclaredRuntime(name="slow-0.x", namespace=None, formats=(("slow", None),), load_timeout_seconds=600)


@dataclass
class RolledOut:
    """A runtime as a service knows it."""

    declared: DeclaredRuntime
    runtime_name: pulumi.Output[str]


class Watching:
    """Stands in for the requests to the API server; all services look the same."""

    looks_like: dict[str, Any]
    asked: list[dict[str, Any]]

    def __init__(self, **place: Any) -> None:
        self.asked.append(place)

    async def service(self) -> dict[str, Any]:
        return self.looks_like

    async def done(self) -> None:
        """The runtime's pods are there."""


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch, workplace: Path) -> type[Watching]:  # noqa: ARG001  the program runs in it
    async def admitted(*place: Any) -> None:
        Watching.asked.append({"webhook": place})

    async def refreshed(**place: Any) -> None:
        Watching.asked.append(place)

    Watching.asked = []
    monkeypatch.setattr(cluster_guard, "_looked_at", lambda _: None)
    monkeypatch.setattr(modelmesh_serving, "admitted", admitted)
    monkeypatch.setattr(model_namespace, "refresh_storage", refreshed)
    monkeypatch.setattr(serving_runtime, "Rollout", Watching)
    monkeypatch.setattr(inference_service, "InferenceServiceApi", Watching)
    monkeypatch.setattr(inference_service, "Rollout", Watching)
    return Watching


def test_a_preview_asks_the_cluster_nothing_and_needs_no_image(cluster: type[Watching], config: dict[str, str]) -> None:
    seen = run_stack(config, preview=True, builds=False)
    assert cluster.asked == []
    assert seen.outputs["grpcUrl"] == "grpc://modelmesh-serving.modelmesh-serving:8033"
    assert seen.outputs["image"] is None, "not known before it is built"
    assert seen.one("kubernetes:serving.kserve.io/v1beta1:InferenceService")


def test_an_update_waits_for_webhook_pods_and_model(cluster: type[Watching], config: dict[str, str]) -> None:
    cluster.looks_like = service(**LOADED)
    seen = run_stack(config, preview=False)
    here = Cluster(kubeconfig="/nowhere/kubeconfig", context="modelmesh-dev")
    (container,) = seen.one("kubernetes:serving.kserve.io/v1alpha1:ServingRuntime").inputs["spec"]["containers"]
    for place in cluster.asked[1:3]:
        del place["report"]
    assert cluster.asked == [
        {"webhook": (here, "modelmesh-serving")},
        {
            "cluster": here,
            "namespace": "modelmesh-serving",
            "secret": "storage-config",
            "service": "modelmesh-serving",
        },
        {
            "cluster": here,
            "namespace": "modelmesh-serving",
            "deployment": "modelmesh-serving-custom-runtime-0.x",
            "containers": [container],
            "config_namespace": "modelmesh-serving",
            "timeout_seconds": 300,
        },
        {
            "cluster": here,
            "namespace": "modelmesh-serving",
            "name": "sentiment-analyzer",
            "runtime": "custom-runtime-0.x",
            "model_format": "custom-model",
            "controller_namespace": "modelmesh-serving",
        },
    ]
    assert (container["name"], container["image"]) == ("mlserver", seen.outputs["image"])
    assert seen.outputs["image"].endswith(DIGEST)


def test_a_model_that_cannot_be_served_ends_the_program(cluster: type[Watching], config: dict[str, str]) -> None:
    cluster.looks_like = service("FailedToLoad", failure=FAILURE | {"time": at(4)})
    with pytest.raises(NotServedError, match="line 3 is no number"):
        run_stack(config, preview=False)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, 90 + 300),
        ({"model_format": "slow", "runtimes": [SLOW]}, 600 + 300),
        ({"runtime": "torchserve-0.x"}, 90 + 300),
        ({"runtime": "slow-0.x", "runtimes": [SLOW]}, 600 + 300),
        ({"runtime": "slow-0.x", "runtimes": [SLOW], "framework_field": True}, 600 + 300),
        ({"load_timeout_seconds": 20, "ready_timeout_seconds": 5}, 25),
    ],
)
def test_the_wait_is_as_long_as_the_slowest_runtime_that_may_serve_it_takes(
    monkeypatch: pytest.MonkeyPatch, cluster: type[Watching], changes: dict[str, Any], expected: float
) -> None:
    waits: list[float] = []

    class Waiting(Wait):
        async def loaded(self) -> Any:
            waits.append(self.timeout_seconds)
            return await super().loaded()

    cluster.looks_like = service(**LOADED)
    monkeypatch.setattr(inference_service, "Wait", Waiting)
    run(lambda: inference_service.InferenceService("service", arguments(changes, {})), preview=False)
    assert waits == [expected]
    assert [asked["runtime"] for asked in cluster.asked if "runtime" in asked] == [changes.get("runtime")]


def test_pods_of_runtimes_that_no_component_waits_for_are_waited_for_after_the_model(cluster: type[Watching]) -> None:
    """A built-in runtime, whose pods a changed mesh image replaces, too."""
    cluster.looks_like = service(**LOADED)
    changes = {"model_format": "slow", "runtimes": [SLOW]}
    run(lambda: inference_service.InferenceService("service", arguments(changes, {})), preview=False)
    (wait,) = [asked for asked in cluster.asked if "deployment" in asked]
    assert wait["deployment"] == "modelmesh-serving-slow-0.x"
    assert wait["namespace"] == "models"
    assert not wait["required"], "a runtime that is disabled has no pods"


@pytest.mark.parametrize(
    ("around", "grpc", "rest"),
    [
        ({}, "grpc://modelmesh-serving.models:8033", "http://modelmesh-serving.models:8008"),
        ({"tls_secret": "tls"}, "grpc://modelmesh-serving.models:8033", "https://modelmesh-serving.models:8008"),
        (
            {"service_name": "mesh", "service_port": 9033, "rest_proxy": RestProxy(port=9008)},
            "grpc://mesh.models:9033",
            "http://mesh.models:9008",
        ),
        ({"rest_proxy": RestProxy(enabled=False)}, "grpc://modelmesh-serving.models:8033", None),
    ],
)
def test_the_endpoints_are_those_of_the_namespaces_service(around: dict[str, Any], grpc: str, rest: str | None) -> None:
    def program() -> None:
        made = inference_service.InferenceService("service", arguments({}, around))
        pulumi.export("grpc", made.grpc_url)
        pulumi.export("rest", made.rest_url)

    assert run(program).outputs == {"grpc": grpc, "rest": rest}


def test_a_service_comes_after_the_runtimes_that_may_serve_it() -> None:
    def program() -> None:
        config_map = kubernetes.core.v1.ConfigMap("runtime", metadata={"name": "stands-for-one", "namespace": "models"})
        runtime = RolledOut(declared=SLOW, runtime_name=config_map.metadata.apply(lambda _: SLOW.name))
        inference_service.InferenceService("service", arguments({"model_format": "slow", "runtimes": [runtime]}, {}))

    seen = run(program)
    made = seen.one("kubernetes:serving.kserve.io/v1beta1:InferenceService")
    assert seen.one("kubernetes:core/v1:ConfigMap").urn in made.dependencies
