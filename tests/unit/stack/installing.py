"""An installation to vary: what the tests of ModelMesh Serving's component have in common."""

import datetime
from typing import Any

import pulumi

from components.installation.installation import Installation
from components.installation.modelmesh_serving import ModelMeshServing
from components.installation.modelmesh_serving_args import ModelMeshServingArgs
from components.stores.etcd_connection import EtcdConnection
from tests.unit.stack.engine import Run, run
from tests.unit.stack.worlds import CLUSTER, config

NAMESPACE = "serving"
ETCD = EtcdConnection(endpoints=["http://etcd.serving.svc:2379"], root_prefix="serving")
DAY = datetime.date(2026, 11, 22)


def arguments(**changes: Any) -> ModelMeshServingArgs:
    values: dict[str, Any] = {
        "cluster": CLUSTER,
        "namespace": NAMESPACE,
        "namespace_name": NAMESPACE,
        "model_namespaces": [NAMESPACE, "team-a"],
        "etcd": ETCD,
        "config": config(),
        "today": DAY,
    }
    return ModelMeshServingArgs(**(values | changes))


def installed(*, kept: Any = None, **changes: Any) -> tuple[Run, Installation]:
    """What an installation is made of, and what it tells others; `kept` is what stashes hold from earlier runs."""
    made: list[Installation] = []

    def program() -> None:
        serving = ModelMeshServing("modelmesh", arguments(**changes))
        made.append(serving.installation)
        pulumi.export("admitting", serving.installation.admitting)
        if serving.tls_ca is not None:
            pulumi.export("ca", serving.tls_ca)
            pulumi.export("tls_secret", serving.installation.tls_secret)

    return run(program, kept=kept), made[0]
