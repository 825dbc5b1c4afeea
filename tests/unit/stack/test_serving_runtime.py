"""What runtimes become in the cluster, and what has to be there before somebody may use them."""

from dataclasses import replace
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest
from pulumi_kubernetes.core import v1

from components.runtimes import serving_runtime
from components.runtimes.runtime_rules import runtime_problems
from components.runtimes.serving_runtime import (
    ClusterServingRuntime,
    ClusterServingRuntimeArgs,
    ServingRuntime,
    ServingRuntimeArgs,
)
from components.runtimes.serving_runtime_spec import Autoscaling, ServingRuntimeSpec
from components.stores.storage import ExistingStorage, PvcStorage, S3Storage
from tests.unit.stack.engine import Run, run
from tests.unit.stack.runtimes import IMAGE, container, mlserver, plain
from tests.unit.stack.worlds import CLUSTER, config, installation, place

RUNTIME = "kubernetes:serving.kserve.io/v1alpha1:ServingRuntime"
CLUSTER_RUNTIME = "kubernetes:serving.kserve.io/v1alpha1:ClusterServingRuntime"
APPLIED = {
    "pulumi.com/patchFieldManager": "pulumi/organization/modelmesh/dev",
    "pulumi.com/patchForce": "true",
}


class Waiting:
    """Stands in for the waits of a run, which all end at once."""

    asked: list[dict[str, Any]]

    def __init__(self, **place: Any) -> None:
        del place["report"]
        self.asked.append(place)

    async def done(self) -> None:
        """The pods are there."""


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    Waiting.asked = []
    monkeypatch.setattr(serving_runtime, "Rollout", Waiting)
    return Waiting.asked


def made(spec: ServingRuntimeSpec, *, preview: bool = True, **fields: Any) -> Run:
    def program() -> None:
        args = ServingRuntimeArgs(namespace=place(), runtime_name="custom", spec=spec, **fields)
        pulumi.export("name", ServingRuntime("runtime", args).runtime_name)

    return run(program, preview=preview)


def test_a_custom_mlserver_is_what_modelmesh_and_mlserver_agree_on() -> None:
    found = made(mlserver()).one(RUNTIME, "custom").inputs["spec"]
    assert found["supportedModelFormats"] == [{"name": "custom-model", "version": "1", "autoSelect": True}]
    assert found["protocolVersions"] == ["grpc-v2"]
    assert (found["grpcEndpoint"], found["grpcDataEndpoint"]) == ("port:8085", "port:8001")
    assert found["builtInAdapter"] == {
        "serverType": "mlserver",
        "runtimeManagementPort": 8001,
        "memBufferBytes": 134217728,
        "modelLoadingTimeoutMillis": 90000,
    }
    (server,) = found["containers"]
    assert server["image"] == IMAGE
    assert server["resources"] == {
        "requests": {"cpu": "500m", "memory": "1Gi"},
        "limits": {"cpu": "5", "memory": "1Gi"},
    }
    assert server["securityContext"]["runAsNonRoot"] is server["securityContext"]["readOnlyRootFilesystem"] is True
    assert server["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert server["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108
    assert found["volumes"] == [{"name": "tmp", "emptyDir": {}}]
    environment = {entry["name"]: entry["value"] for entry in server["env"]}
    assert environment["MLSERVER_MODELS_DIR"] == "/models/_mlserver_models/"
    assert environment["MLSERVER_HTTP_PORT"] == "8002"
    assert environment["MLSERVER_HOST"] == "127.0.0.1"


def test_what_a_custom_mlserver_is_told_reaches_it() -> None:
    spec = mlserver(
        cpu_request="1",
        memory="2Gi",
        memory_buffer_bytes=2**28,
        load_timeout_seconds=0.5,
        environment={"LOG": "all"},
        replicas=3,
    )
    found = spec.spec()
    assert found["containers"][0]["resources"]["requests"] == {"cpu": "1", "memory": "2Gi"}
    assert found["builtInAdapter"]["memBufferBytes"] == 2**28
    assert found["builtInAdapter"]["modelLoadingTimeoutMillis"] == 500
    assert {"name": "LOG", "value": "all"} in found["containers"][0]["env"]
    assert found["replicas"] == 3


def test_every_field_comes_out_where_kubernetes_wants_it() -> None:
    spec = ServingRuntimeSpec(
        containers=[container(args=["--verbose"], working_dir="/srv")],
        supported_model_formats=plain().supported_model_formats,
        disabled=True,
        protocol_versions=["grpc-v1"],
        grpc_endpoint="unix:/run/mesh/a",
        grpc_data_endpoint="unix:/run/mesh/b",
        replicas=2,
        storage_helper_disabled=True,
        volumes=[v1.VolumeArgs(name="cache", empty_dir=v1.EmptyDirVolumeSourceArgs(size_limit="1Gi"))],
        node_selector={"kubernetes.io/arch": "arm64"},
        tolerations=[v1.TolerationArgs(key="models", operator="Exists", effect="NoExecute", toleration_seconds=5)],
        affinity=v1.AffinityArgs(pod_affinity=v1.PodAffinityArgs()),
        labels={"team": "a"},
        annotations={"note": "b"},
        image_pull_secrets=["mirror"],
        product_config="product",
    )
    resources = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "1Gi"}}
    server = {"name": "server", "image": IMAGE, "resources": resources, "args": ["--verbose"], "workingDir": "/srv"}
    assert spec.spec() == {
        "containers": [server],
        "supportedModelFormats": [{"name": "custom-model", "version": "1", "autoSelect": True}],
        "multiModel": True,
        "disabled": True,
        "protocolVersions": ["grpc-v1"],
        "grpcEndpoint": "unix:/run/mesh/a",
        "grpcDataEndpoint": "unix:/run/mesh/b",
        "replicas": 2,
        "storageHelper": {"disabled": True},
        "volumes": [{"name": "cache", "emptyDir": {"sizeLimit": "1Gi"}}],
        "nodeSelector": {"kubernetes.io/arch": "arm64"},
        "tolerations": [{"key": "models", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}],
        "affinity": {"podAffinity": {}},
        "labels": {"team": "a"},
        "annotations": {"note": "b"},
        "imagePullSecrets": [{"name": "mirror"}],
    }
    assert spec.metadata_annotations() == {"productConfig": "product"}
    document = {"kind": "ServingRuntime", "metadata": {"name": "x"}, "spec": spec.spec()}
    assert not runtime_problems(document, config())


def test_labels_and_annotations_are_the_objects_and_the_specs_own() -> None:
    scaled = replace(mlserver(), autoscaling=Autoscaling(max_replicas=4), max_loading_concurrency=2)
    metadata = made(scaled, labels={"team": "a"}, annotations={"note": "b"}).one(RUNTIME).inputs["metadata"]
    assert metadata == {
        "name": "custom",
        "namespace": "models",
        "labels": {"team": "a"},
        "annotations": {
            "note": "b",
            "maxLoadingConcurrency": "2",
            "serving.kserve.io/autoscalerClass": "hpa",
            "serving.kserve.io/metrics": "cpu",
            "serving.kserve.io/targetUtilizationPercentage": "80",
            "serving.kserve.io/min-scale": "1",
            "serving.kserve.io/max-scale": "4",
            **APPLIED,
        },
    }
    plainly_made = made(mlserver()).one(RUNTIME).inputs["metadata"]
    assert plainly_made == {"name": "custom", "namespace": "models", "annotations": APPLIED}


def test_what_a_runtime_serves_is_known_at_once() -> None:
    def program() -> None:
        args = ServingRuntimeArgs(namespace=place(), runtime_name="custom", spec=mlserver(load_timeout_seconds=5))
        runtime = ServingRuntime("runtime", args)
        assert runtime.declared.namespace == "models"
        assert runtime.declared.name == "custom"
        assert runtime.declared.formats == (("custom-model", "1"),)
        assert runtime.declared.load_timeout_seconds == 5
        assert not runtime.declared.disabled
        cluster = ClusterServingRuntimeArgs(
            installation=installation(),
            namespaces=[place()],
            runtime_name="shared",
            spec=replace(plain(), disabled=True),
        )
        shared = ClusterServingRuntime("shared", cluster).declared
        assert shared.namespace is None
        assert shared.disabled
        assert shared.load_timeout_seconds is None

    run(program)


def test_an_update_waits_for_pods_that_run_every_image(waits: list[dict[str, Any]]) -> None:
    seen = made(
        plain(container(), container(name="adapter", image="adapter:2")), preview=False, ready_timeout_seconds=9
    )
    assert waits == [
        {
            "cluster": CLUSTER,
            "namespace": "models",
            "deployment": "modelmesh-serving-custom",
            "containers": seen.one(RUNTIME).inputs["spec"]["containers"],
            "config_namespace": "modelmesh-serving",
            "timeout_seconds": 9,
        }
    ]
    assert [each["image"] for each in waits[0]["containers"]] == [IMAGE, "adapter:2"]
    assert seen.outputs == {"name": "custom"}


def test_a_secret_in_a_variable_does_not_make_the_runtimes_name_a_secret(waits: list[dict[str, Any]]) -> None:
    def program() -> None:
        spec = mlserver(environment={"TOKEN": pulumi.Output.secret("hush")})
        runtime = ServingRuntime("runtime", ServingRuntimeArgs(namespace=place(), runtime_name="custom", spec=spec))
        pulumi.export("secret", runtime.runtime_name.is_secret())

    assert run(program, preview=False).outputs == {"secret": False}
    assert {"name": "TOKEN", "value": "hush"} in waits[0]["containers"][0]["env"]


def test_a_preview_and_a_disabled_runtime_wait_for_nothing(waits: list[dict[str, Any]]) -> None:
    assert made(plain(), preview=True).outputs == {"name": "custom"}
    assert made(replace(plain(), disabled=True), preview=False).outputs == {"name": "custom"}
    assert waits == []


def test_a_runtime_of_the_cluster_waits_for_its_pods_in_every_namespace(waits: list[dict[str, Any]]) -> None:
    def program() -> None:
        args = ClusterServingRuntimeArgs(
            installation=installation(),
            namespaces=[place("models"), place("more-models")],
            runtime_name="shared",
            spec=plain(),
            labels={"team": "all"},
        )
        pulumi.export("name", ClusterServingRuntime("runtime", args).runtime_name)

    seen = run(program, preview=False)
    runtime = seen.one(CLUSTER_RUNTIME)
    annotations = {"modelmesh.pulumi.com/stack": "organization/modelmesh/dev", **APPLIED}
    assert runtime.inputs["metadata"] == {"name": "shared", "labels": {"team": "all"}, "annotations": annotations}
    assert "modelmesh:index:ClusterServingRuntime$" in runtime.urn
    assert [(wait["namespace"], wait["deployment"]) for wait in waits] == [
        ("models", "modelmesh-serving-shared"),
        ("more-models", "modelmesh-serving-shared"),
    ]
    assert seen.outputs == {"name": "shared"}


def test_a_runtime_of_the_cluster_may_wait_in_no_namespace(waits: list[dict[str, Any]]) -> None:
    def program() -> None:
        args = ClusterServingRuntimeArgs(
            installation=installation(), namespaces=[], runtime_name="shared", spec=plain()
        )
        pulumi.export("name", ClusterServingRuntime("runtime", args).runtime_name)

    assert run(program, preview=False).outputs == {"name": "shared"}
    assert waits == []


def test_a_storage_that_exists_has_claims_that_are_not_known() -> None:
    def program() -> None:
        where = place(storage=ExistingStorage(secret_name="stores"))  # noqa: S106  a name
        assert list(ServingRuntimeArgs(namespace=where, runtime_name="custom", spec=plain()).problems()) == []

    run(program)


def test_a_claim_that_is_named_later_may_be_the_one_that_is_mounted() -> None:
    def program() -> None:
        keys: Any = {"region": "r", "access_key_id": "id", "secret_access_key": "hush"}
        bucket = S3Storage(endpoint_url="https://s3.example.com", bucket="models", **keys)
        where = place(storage={"disk": PvcStorage(claim_name=pulumi.Output.from_input("claim")), "bucket": bucket})
        spec = plain(container(volume_mounts=[v1.VolumeMountArgs(name="claim", mount_path="/a")]))
        assert list(ServingRuntimeArgs(namespace=where, runtime_name="custom", spec=spec).problems()) == []

    run(program)


def test_a_runtime_of_the_cluster_comes_after_all_that_its_pods_need() -> None:
    def program() -> None:
        needed = [kubernetes.core.v1.ConfigMap(name, metadata={"name": name}) for name in ("admitting", "ready")]
        admitting, ready = (one.urn.apply(lambda _: "models") for one in needed)
        where = place()
        where.ready = ready
        args = ClusterServingRuntimeArgs(
            installation=installation(admitting=admitting), namespaces=[where], runtime_name="shared", spec=plain()
        )
        ClusterServingRuntime("runtime", args)

    seen = run(program)
    before = {resource.urn for resource in seen.of("kubernetes:core/v1:ConfigMap")}
    assert len(before) == 2
    assert before <= seen.one(CLUSTER_RUNTIME).dependencies
