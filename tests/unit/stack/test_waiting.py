"""When the program waits for the cluster, and how a wait that fails ends it."""

from pathlib import Path
from typing import Any

import pytest

from components import Cluster, inference_service, modelmesh_serving, serving_runtime
from components.readiness import NotServed
from tests.unit.stack.engine import DIGEST, run_stack
from tests.unit.stack.test_readiness import FAILURE, LOADED, at, service


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

    Watching.asked = []
    monkeypatch.setattr(modelmesh_serving, "admitted", admitted)
    monkeypatch.setattr(serving_runtime, "Rollout", Watching)
    monkeypatch.setattr(inference_service, "InferenceServiceApi", Watching)
    return Watching


def test_a_preview_asks_the_cluster_nothing_and_needs_no_image(cluster: type[Watching], config: dict[str, str]) -> None:
    run = run_stack(config, preview=True, builds=False)
    assert cluster.asked == []
    assert run.outputs["grpcUrl"] == "grpc://modelmesh-serving.modelmesh-serving:8033"
    assert run.outputs["image"] is None, "not known before it is built"
    assert run.one("kubernetes:serving.kserve.io/v1beta1:InferenceService")


def test_an_update_waits_for_webhook_pods_and_model(cluster: type[Watching], config: dict[str, str]) -> None:
    cluster.looks_like = service(**LOADED)
    run = run_stack(config, preview=False)
    here = Cluster(kubeconfig="/nowhere/kubeconfig", context="modelmesh-dev")
    del cluster.asked[1]["report"]
    assert cluster.asked == [
        {"webhook": (here, "modelmesh-serving")},
        {
            "cluster": here,
            "namespace": "modelmesh-serving",
            "deployment": "modelmesh-serving-custom-runtime-0.x",
            "container": "mlserver",
            "image": run.outputs["image"],
            "patience": 300,
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
    assert run.outputs["image"].endswith(DIGEST)


def test_a_model_that_cannot_be_served_ends_the_program(cluster: type[Watching], config: dict[str, str]) -> None:
    cluster.looks_like = service("FailedToLoad", failure=FAILURE | {"time": at(4)})
    with pytest.raises(NotServed, match="line 3 is no number"):
        run_stack(config, preview=False)
