"""An installation to vary: what the tests of ModelMesh Serving's component have in common."""

import datetime
from typing import Any

import pulumi

from components.cluster import Cluster
from components.etcd_connection import EtcdConnection
from components.images import Images, resolve
from components.installation import Installation
from components.modelmesh_serving import ModelMeshServing, ModelMeshServingArgs
from components.serving_config import ServingConfig
from tests.unit.stack.engine import Run, run

NAMESPACE = "serving"
ETCD = EtcdConnection(endpoints=["http://etcd.serving.svc:2379"], root_prefix="serving")
DAY = datetime.date(2026, 11, 22)


def images(**overrides: str) -> Images:
    found, _ = resolve({"minio": "minio:1", **overrides})
    assert found
    return found


def config(**changes: Any) -> ServingConfig:
    return ServingConfig(**({"images": images()} | changes))


def arguments(**changes: Any) -> ModelMeshServingArgs:
    values: dict[str, Any] = {
        "cluster": Cluster(kubeconfig="/nowhere", context="none"),
        "namespace": NAMESPACE,
        "namespace_name": NAMESPACE,
        "model_namespaces": [NAMESPACE, "team-a"],
        "etcd": ETCD,
        "config": config(),
        "today": DAY,
    }
    return ModelMeshServingArgs(**(values | changes))


def installed(**changes: Any) -> tuple[Run, Installation]:
    """What an installation is made of, and what it tells others."""
    made: list[Installation] = []

    def program() -> None:
        serving = ModelMeshServing("modelmesh", arguments(**changes))
        made.append(serving.installation)
        pulumi.export("namespace", serving.namespace)
        if serving.tls_ca is not None:
            pulumi.export("ca", serving.tls_ca)

    return run(program), made[0]
