"""ServingRuntimes that could not work are refused before anything is registered, with field, value and what to do."""

from dataclasses import replace
from typing import Any

import pulumi
import pytest
from pulumi_kubernetes.core import v1

from components.invalid_spec import InvalidSpec
from components.mlserver_runtime import mlserver_runtime
from components.rendering import checkable
from components.rules.runtime import runtime_problems
from components.serving_config import Metrics, RestProxy, ScaleToZero
from components.serving_runtime import ClusterServingRuntime, ClusterServingRuntimeArgs
from components.serving_runtime_spec import Autoscaling, BuiltInAdapter, ModelFormat, ServingRuntimeSpec
from components.storage import PvcStorage
from components.upstream import spec_problems
from tests.unit.stack.engine import run
from tests.unit.stack.runtimes import CONFIG, FORMAT, IMAGE, container, installation, mlserver, place, plain, refused

CAN_SCALE = replace(CONFIG, scale_to_zero=ScaleToZero(enabled=True))


def resources(requests: dict[str, Any], limits: dict[str, Any]) -> v1.ContainerArgs:
    return container(resources=v1.ResourceRequirementsArgs(requests=requests, limits=limits))


def mounting(*mounts: tuple[str, str], **changes: Any) -> ServingRuntimeSpec:
    volumes = [v1.VolumeArgs(name="scratch", empty_dir=v1.EmptyDirVolumeSourceArgs())]
    mounted = [v1.VolumeMountArgs(name=name, mount_path=path) for name, path in mounts]
    return plain(container(volume_mounts=mounted), **({"volumes": volumes} | changes))


def port(number: int, name: str | None = None) -> ServingRuntimeSpec:
    return plain(container(ports=[v1.ContainerPortArgs(container_port=number, name=name)]))


def adapter(**changes: Any) -> ServingRuntimeSpec:
    """A runtime of the MLServer adapter whose adapter says something else."""
    good = mlserver()
    assert good.built_in_adapter is not None
    return replace(good, built_in_adapter=replace(good.built_in_adapter, **changes))


def tuned(**environment: str) -> ServingRuntimeSpec:
    return adapter(environment=[v1.EnvVarArgs(name=name, value=value) for name, value in environment.items()])


def node_affinity() -> v1.AffinityArgs:
    term = v1.NodeSelectorTermArgs(
        match_expressions=[v1.NodeSelectorRequirementArgs(key="disk", operator="In", values=["ssd"])]
    )
    return v1.AffinityArgs(
        node_affinity=v1.NodeAffinityArgs(
            required_during_scheduling_ignored_during_execution=v1.NodeSelectorArgs(node_selector_terms=[term])
        )
    )


def server(**changes: Any) -> ServingRuntimeSpec:
    """A runtime of the MLServer adapter whose server's container is another."""
    return replace(mlserver(), containers=[container(**({"name": "mlserver"} | changes))])


WRONG: dict[str, tuple[ServingRuntimeSpec, str]] = {
    # What serves
    "a format with the separator of ModelMesh's labels": (
        plain(supported_model_formats=[ModelFormat(name="a,b")]),
        "spec.supportedModelFormats[0].name: 'a,b', expected a text without , | and :",
    ),
    "a version with it": (
        plain(supported_model_formats=[ModelFormat(name="a", version="1|2")]),
        "spec.supportedModelFormats[0].version: '1|2', expected a text without",
    ),
    "a format twice": (
        plain(supported_model_formats=[FORMAT, FORMAT]),
        "spec.supportedModelFormats[1]: 'custom-model' of version '1', expected once",
    ),
    "an unknown protocol": (
        plain(protocol_versions=["grpc-v2", "rest-v2"]),
        "spec.protocolVersions[1]: 'rest-v2', expected one of v1, v2, grpc-v1, grpc-v2",
    ),
    "no replica": (plain(replicas=0), "spec.replicas: 0, expected 1-65535"),
    "too many replicas": (plain(replicas=65536), "spec.replicas: 65536, expected 1-65535"),
    "replicas in words": (plain(replicas="two"), "spec.replicas: 'two' is not of type integer"),
    # Endpoints
    "no management endpoint": (plain(grpc_endpoint=None), "spec.grpcEndpoint: missing, ModelMesh's controller panics"),
    "an endpoint without its kind": (plain(grpc_endpoint="8085"), "spec.grpcEndpoint: '8085', expected port:<1-65535>"),
    "an endpoint's port that is none": (
        plain(grpc_data_endpoint="port:0"),
        "spec.grpcDataEndpoint: 'port:0', expected",
    ),
    "a relative socket": (plain(grpc_data_endpoint="unix:a/b"), "spec.grpcDataEndpoint: 'unix:a/b', expected port:"),
    "a socket with a host": (plain(grpc_data_endpoint="unix://a/b"), "spec.grpcDataEndpoint: 'unix://a/b', expected"),
    "a socket in the root": (plain(grpc_data_endpoint="unix:/sock"), "spec.grpcDataEndpoint: 'unix:/sock', expected"),
    "a socket among the models": (
        plain(grpc_data_endpoint="unix:///models/sock"),
        "spec.grpcDataEndpoint: 'unix:///models/sock', expected port:<1-65535> or unix:<absolute path in a folder of",
    ),
    "sockets in two folders": (
        plain(grpc_endpoint="unix:/one/sock", grpc_data_endpoint="unix:///two/sock"),
        "spec.grpcDataEndpoint: 'unix:///two/sock', expected the folder of spec.grpcEndpoint, '/one'",
    ),
    "a socket that the mesh would not see": (
        plain(grpc_endpoint="unix:/one/sock", storage_helper_disabled=True),
        "spec.grpcEndpoint: 'unix:/one/sock', without the storage helper the mesh gets its folder only if",
    ),
    "a socket for a built-in adapter": (
        replace(mlserver(), grpc_endpoint="unix:/one/sock"),
        "spec.grpcEndpoint: 'unix:/one/sock', a built-in adapter needs port:<number>",
    ),
    "requests for the puller": (
        plain(grpc_data_endpoint=None),
        "spec.grpcDataEndpoint: missing, requests would go to the puller",
    ),
    "requests for the adapter": (
        replace(mlserver(), grpc_data_endpoint=None),
        "spec.grpcDataEndpoint: missing, requests would go to the built-in adapter",
    ),
    "the port of the mesh's hook": (
        plain(grpc_data_endpoint="port:8090"),
        "spec.grpcDataEndpoint: 8090, is the mesh's preStop hook in the same pod",
    ),
    "the puller's port": (plain(grpc_data_endpoint="port:8086"), "spec.grpcDataEndpoint: 8086, is the puller"),
    "the Service's port": (plain(grpc_endpoint="port:8033"), "spec.grpcEndpoint: 8033, is ModelMesh's Service"),
    "the server's port for the adapter": (
        replace(mlserver(), grpc_data_endpoint="port:8085"),
        "spec.grpcDataEndpoint: 8085, expected another than that of spec.grpcEndpoint, where the adapter listens",
    ),
    # The built-in adapter
    "an unknown adapter": (
        adapter(server_type="kfserver"),
        "spec.builtInAdapter.serverType: 'kfserver', expected one of triton, mlserver, ovms, torchserve",
    ),
    "no container for the adapter": (
        server(name="server"),
        "one has to be named 'mlserver' as builtInAdapter.serverType",
    ),
    "no time to load": (
        adapter(load_timeout_seconds=0.05),
        "modelLoadingTimeoutMillis: 50, ModelMesh refuses less than",
    ),
    "no management port": (
        adapter(runtime_management_port=0),
        "spec.builtInAdapter.runtimeManagementPort: 0, expected the model server's port",
    ),
    "a management port that is the mesh's": (
        adapter(runtime_management_port=8089),
        "spec.builtInAdapter.runtimeManagementPort: 8089, is the mesh's probes in the same pod",
    ),
    "an adapter and no storage helper": (
        replace(mlserver(), storage_helper_disabled=True),
        "spec.storageHelper.disabled: True, ignored beside spec.builtInAdapter",
    ),
    "a value of the adapter said twice": (
        tuned(LOADTIME_TIMEOUT="1000"),
        "spec.builtInAdapter.env[0].name: 'LOADTIME_TIMEOUT', expected to be said by spec.builtInAdapter.model",
    ),
    "no memory request": (
        server(resources=v1.ResourceRequirementsArgs(requests={"cpu": "1"})),
        "spec.containers[0].resources.requests.memory: missing, ModelMesh takes from it the room there is for models",
    ),
    "a buffer as large as all memory": (
        adapter(memory_buffer_bytes=2**30),
        "of a memory request of 1Gi leaves 0 bytes for models; expected 10000000 or more",
    ),
    "a buffer that leaves too little": (
        adapter(memory_buffer_bytes=2**30 - 9_999_999),
        "leaves 9999999 bytes for models; expected 10000000 or more, the mesh does not start with less",
    ),
    "models too large by default": (
        tuned(DEFAULT_MODELSIZE="600000000"),
        "leaves 939524096 bytes for models; expected 1200000000 or more",
    ),
    "a buffer below nothing": (adapter(memory_buffer_bytes=-1), "memBufferBytes: -1, expected 0 or more"),
    # Containers
    "no container": (replace(plain(), containers=[]), "spec.containers: empty, expected that of the model server"),
    "two containers of a name": (
        plain(container(), container()),
        "spec.containers[1].name: 'server', expected another than that of spec.containers[0]",
    ),
    "the mesh's container": (plain(container(name="mm")), "spec.containers[0].name: 'mm' is reserved"),
    "a container with the mesh's prefix": (
        plain(container(name="mm-x")),
        "spec.containers[0].name: 'mm-x' is reserved",
    ),
    "the adapter's container": (
        replace(mlserver(), containers=[*server().containers, container(name="mlserver-adapter")]),
        "spec.containers[1].name: 'mlserver-adapter' is reserved",
    ),
    "a container's name that is none": (
        plain(container(name="My Server")),
        "spec.containers[0].name: 'My Server', expected",
    ),
    "no image": (plain(container(image=None)), "spec.containers[0].image: missing, expected repository:tag"),
    "an image by no tag": (plain(container(image="server")), "spec.containers[0].image: 'server' pins no image"),
    "the image of the day": (plain(container(image="server:latest")), "image: 'server:latest' pins no image"),
    "an unknown pull policy": (
        plain(container(image_pull_policy="Sometimes")),
        "spec.containers[0].imagePullPolicy: 'Sometimes', expected one of Always, IfNotPresent, Never",
    ),
    "a readiness probe": (
        plain(container(readiness_probe=v1.ProbeArgs())),
        "spec.containers[0].readinessProbe: not allowed",
    ),
    "a lifecycle": (plain(container(lifecycle=v1.LifecycleArgs())), "spec.containers[0].lifecycle: not allowed"),
    "a variable twice": (
        plain(container(env=[v1.EnvVarArgs(name="A", value=value) for value in "12"])),
        "spec.containers[0].env[1].name: 'A', expected another than that of spec.containers[0].env[0]",
    ),
    "a limit below its request": (
        plain(resources({"memory": "1Gi", "cpu": "500m"}, {"memory": "1000Mi", "cpu": "1"})),
        "spec.containers[0].resources.requests.memory: '1Gi', expected no more than the limit, '1000Mi'",
    ),
    "a device that is asked for and not limited": (
        plain(resources({"nvidia.com/gpu": 1, "memory": "1Gi"}, {"memory": "1Gi"})),
        "spec.containers[0].resources.requests.nvidia.com/gpu: 1, expected a limit of the same",
    ),
    "a quantity that is none": (
        plain(resources({"memory": "1GB"}, {})),
        "spec.containers[0].resources.requests.memory: '1GB' does not match",
    ),
    # Ports
    "the mesh's port": (port(8080), "spec.containers[0].ports[0].containerPort: 8080, is the mesh's own traffic"),
    "the adapter's port": (port(8085), "ports[0].containerPort: 8085, is kept by ModelMesh"),
    "a port of the reserved range": (port(11890), "ports[0].containerPort: 11890, is kept by ModelMesh"),
    "the REST proxy's port": (port(8008), "ports[0].containerPort: 8008, is the REST proxy in the same pod"),
    "the metrics' port": (port(2112), "ports[0].containerPort: 2112, is the mesh's metrics in the same pod"),
    "the puller's container port": (port(8086), "ports[0].containerPort: 8086, is the puller in the same pod"),
    "a port that is none": (port(70000), "ports[0].containerPort: 70000, expected 1-65535"),
    "a reserved port name": (port(9000, "grpc"), "spec.containers[0].ports[0].name: 'grpc' is reserved"),
    "two ports of a name": (
        plain(container(ports=[v1.ContainerPortArgs(container_port=n, name="own") for n in (9000, 9001)])),
        "ports[1].name: 'own', expected another than that of spec.containers[0].ports[0]",
    ),
    # Volumes
    "the mesh's volume": (
        plain(volumes=[v1.VolumeArgs(name="models-dir")]),
        "spec.volumes[0].name: 'models-dir' is reserved",
    ),
    "two volumes of a name": (
        plain(volumes=[v1.VolumeArgs(name="a"), v1.VolumeArgs(name="a")]),
        "spec.volumes[1].name: 'a', expected another than that of spec.volumes[0]",
    ),
    "a volume of two kinds": (
        plain(
            volumes=[
                v1.VolumeArgs(
                    name="a", empty_dir=v1.EmptyDirVolumeSourceArgs(), host_path=v1.HostPathVolumeSourceArgs(path="/a")
                )
            ]
        ),
        "spec.volumes[0]: emptyDir, hostPath, expected one of them",
    ),
    "a mount of no volume": (
        mounting(("other", "/a")),
        "spec.containers[0].volumeMounts[0].name: 'other', expected a name in spec.volumes",
    ),
    "a mount of the mesh's configuration": (
        mounting(("tc-config", "/a")),
        "spec.containers[0].volumeMounts[0].name: 'tc-config' is a volume of ModelMesh's own",
    ),
    "a mount over the models": (
        mounting(("scratch", "/models/")),
        "spec.containers[0].volumeMounts[0].mountPath: '/models/', expected another path than that of ModelMesh's own",
    ),
    "two mounts at a path": (
        mounting(("scratch", "/a"), ("scratch", "/a")),
        "volumeMounts[1].mountPath: '/a', expected another path than that of spec.containers[0].volumeMounts[0]",
    ),
    "a mount over the sockets": (
        mounting(("scratch", "/run/mesh"), grpc_endpoint="unix:/run/mesh/a", grpc_data_endpoint="unix:/run/mesh/b"),
        "volumeMounts[0].mountPath: '/run/mesh', expected another path than that of the mount of the unix endpoints",
    ),
    # Pods
    "a label that pods are found by": (
        plain(labels={"name": "mine"}),
        "spec.labels.name: 'mine', expected none: ModelMesh finds its pods by this label",
    ),
    "a label that is none": (plain(labels={"a": "b c"}), "spec.labels.a: 'b c', expected up to 63 letters"),
    "a label's key that is none": (plain(labels={"a b": "c"}), "spec.labels: 'a b', expected [prefix/]name as a key"),
    "an annotation's key that is none": (
        plain(annotations={"-": "c"}),
        "spec.annotations: '-', expected [prefix/]name",
    ),
    "an architecture that ModelMesh does not schedule to": (
        plain(node_selector={"kubernetes.io/arch": "s390x"}),
        "spec.nodeSelector.kubernetes.io/arch: 's390x', expected one of amd64, arm64",
    ),
    "nodes that are not really required": (
        plain(affinity=node_affinity()),
        "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution: ModelMesh adds a term of its own",
    ),
    "a pull secret's name that is none": (
        plain(image_pull_secrets=["My Secret"]),
        "spec.imagePullSecrets[0].name: 'My Secret', expected small letters",
    ),
    # Annotations
    "models at once without an adapter": (
        plain(max_loading_concurrency=2),
        "metadata.annotations.maxLoadingConcurrency: '2', ignored without spec.builtInAdapter",
    ),
    "no model at once": (
        replace(mlserver(), max_loading_concurrency=0),
        "metadata.annotations.maxLoadingConcurrency: '0', expected a whole number, 1 or more",
    ),
    "no request at once": (
        replace(mlserver(), per_model_concurrency_limit=0),
        "metadata.annotations.perModelConcurrencyLimit: '0', expected a whole number, 1 or more",
    ),
    "a product's ConfigMap that is none": (
        plain(product_config="My Config"),
        "metadata.annotations.productConfig: 'My Config', expected small letters",
    ),
    "an unknown metric": (
        mlserver(autoscaling=Autoscaling(metric="requests")),  # type: ignore[arg-type]
        "metadata.annotations.serving.kserve.io/metrics: 'requests', expected one of cpu, memory",
    ),
    "more than all": (
        mlserver(autoscaling=Autoscaling(target_utilization_percentage=101)),
        "metadata.annotations.serving.kserve.io/targetUtilizationPercentage: '101', expected a whole number, 1 to 100",
    ),
    "no pod at least": (
        mlserver(autoscaling=Autoscaling(min_replicas=0)),
        "metadata.annotations.serving.kserve.io/min-scale: '0', expected a whole number, 1 or more",
    ),
    "fewer at most than at least": (
        mlserver(autoscaling=Autoscaling(min_replicas=3, max_replicas=2)),
        "metadata.annotations.serving.kserve.io/max-scale: '2', expected no less than serving.kserve.io/min-scale, '3'",
    ),
    "replicas and autoscaling": (
        mlserver(autoscaling=Autoscaling(), replicas=2),
        "spec.replicas: 2, expected none beside serving.kserve.io/autoscalerClass: hpa",
    ),
    "autoscaling by nothing": (
        replace(
            plain(container(resources=v1.ResourceRequirementsArgs(limits={"memory": "1Gi"}))), autoscaling=Autoscaling()
        ),
        "spec.containers[0].resources.requests.cpu: missing, Kubernetes scales by a share of it",
    ),
}


@pytest.mark.parametrize(("spec", "expected"), WRONG.values(), ids=WRONG)
def test_a_runtime_that_could_not_work_is_refused(spec: ServingRuntimeSpec, expected: str) -> None:
    (problem,) = refused(spec, config=CAN_SCALE)
    assert expected in problem


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        ({"serving.kserve.io/autoscalerClass": "none"}, "autoscalerClass: 'none', expected hpa, the only class"),
        (
            {"serving.kserve.io/autoscalerClass": "external"},
            "autoscalerClass: 'external', expected hpa, the only class",
        ),
        ({"serving.kserve.io/min-scale": "2", "serving.kserve.io/max-scale": "2"}, "min-scale: '2', ignored without"),
        ({"autoscalerClass": "hpa"}, "autoscalerClass: ignored by ModelMesh, which reads serving.kserve.io/autoscaler"),
        (
            {"serving.kserve.io/maxLoadingConcurrency": "2"},
            "serving.kserve.io/maxLoadingConcurrency: ignored by ModelMesh, which reads maxLoadingConcurrency",
        ),
        ({"maxLoadingConcurrency": "two"}, "maxLoadingConcurrency: 'two', expected a whole number"),
        ({"-": "x"}, "metadata.annotations: '-', expected [prefix/]name as a key"),
    ],
)
def test_raw_annotations_are_held_to_the_same_rules(annotations: dict[str, str], expected: str) -> None:
    assert expected in "\n".join(refused(mlserver(), annotations=annotations))


def test_an_annotation_is_not_said_twice() -> None:
    spec = replace(mlserver(), max_loading_concurrency=2)
    (problem,) = refused(spec, annotations={"maxLoadingConcurrency": "3"})
    assert problem == "metadata.annotations.maxLoadingConcurrency: '3', is said by the spec already, as '2'"


def test_a_label_that_kubernetes_would_not_take_is_refused() -> None:
    (problem,) = refused(mlserver(), labels={"team": "a b"})
    assert "metadata.labels.team: 'a b', expected" in problem


def test_autoscaling_needs_scale_to_zero_for_the_first_pods() -> None:
    never = replace(CONFIG, scale_to_zero=ScaleToZero(enabled=False))
    (problem,) = refused(mlserver(autoscaling=Autoscaling()), config=never)
    assert "where scale to zero is off; turn it on in the ServingConfig, or set spec.replicas instead" in problem
    assert not refused(mlserver(autoscaling=Autoscaling()), config=CAN_SCALE)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("x" * 50, "becomes a label and is 68 characters long, 63 fit"),
        ("Custom", "metadata.name: 'Custom', expected small letters"),
    ],
)
def test_a_name_that_its_deployment_could_not_have_is_refused(name: str, expected: str) -> None:
    (problem,) = refused(mlserver(), name)
    assert expected in problem


def test_the_installations_own_ports_are_the_ones_that_are_taken() -> None:
    config = replace(
        CONFIG,
        service_port=9033,
        metrics=Metrics(port=9112),
        rest_proxy=RestProxy(port=9008),
    )
    for number in (9033, 9112, 9008):
        assert f"containerPort: {number}" in "\n".join(refused(port(number), config=config))
    for number in (8033, 2112, 8008):
        assert not refused(port(number), config=config)
    without = replace(config, metrics=Metrics(enabled=False, port=9112), rest_proxy=RestProxy(enabled=False, port=9008))
    for number in (9112, 9008):
        assert not refused(port(number), config=without)


def test_the_pullers_port_is_free_where_there_is_no_puller() -> None:
    assert not refused(plain(grpc_data_endpoint="port:8086", storage_helper_disabled=True))


def test_an_adapter_that_the_installation_does_not_know_is_refused() -> None:
    (problem,) = refused(mlserver(), config=replace(CONFIG, built_in_server_types=["triton"]))
    assert problem == "spec.builtInAdapter.serverType: 'mlserver', expected one of triton"


def test_the_volumes_of_the_storages_claims_are_taken() -> None:
    storage = {"shared": PvcStorage(claim_name="shared-models")}
    (problem,) = refused(plain(volumes=[v1.VolumeArgs(name="shared-models")]), storage=storage)
    assert "spec.volumes[0].name: 'shared-models', expected another: ModelMesh's volume for that claim" in problem
    (problem,) = refused(mounting(("scratch", "/pvc_mounts/shared-models")), storage=storage)
    assert "'/pvc_mounts/shared-models', expected another path than that of ModelMesh's own mount" in problem
    assert not refused(mounting(("shared-models", "/elsewhere")), storage=storage)


@pytest.mark.parametrize(
    "spec",
    [
        plain(supported_model_formats=[ModelFormat(name="only-by-name", auto_select=False)]),
        plain(container(resources=None)),
        mounting(("models-dir", "/elsewhere")),
        plain(grpc_endpoint="port:8085"),
        plain(grpc_endpoint="unix:/one/a", grpc_data_endpoint="unix:///one/b"),
        plain(grpc_data_endpoint=None, storage_helper_disabled=True),
        plain(container(), container(name="second", liveness_probe=v1.ProbeArgs())),
        server(resources=v1.ResourceRequirementsArgs(limits={"memory": "1Gi"})),
        tuned(MODELSIZE_MULTIPLIER="2"),
        adapter(memory_buffer_bytes=2**30 - 10_000_000),
        plain(annotations={"prometheus.io/scrape": "false"}),
    ],
)
def test_what_works_is_not_refused(spec: ServingRuntimeSpec) -> None:
    assert not refused(spec)


def test_nothing_is_said_of_values_that_are_known_later() -> None:
    problems: list[str] = []

    def program() -> None:
        def later(value: Any) -> Any:
            return pulumi.Output.from_input(value)

        wrong = v1.ResourceRequirementsArgs(requests={"memory": "1"}, limits={})
        spec = ServingRuntimeSpec(
            containers=[
                container(name=later("mm"), image=later("server"), resources=later(wrong), ports=later([{}])),
                container(
                    name="second", env=later([]), volume_mounts=[v1.VolumeMountArgs(name=later("x"), mount_path="/a")]
                ),
                container(name="third", resources=v1.ResourceRequirementsArgs(requests=later({"cpu": "1"}))),
            ],
            supported_model_formats=[FORMAT],
            grpc_endpoint="port:8085",
            grpc_data_endpoint="port:8001",
            built_in_adapter=BuiltInAdapter(server_type="mlserver", runtime_management_port=8001),
            volumes=[v1.VolumeArgs(name=later("mm-x"))],
            affinity=later(node_affinity()),
            autoscaling=Autoscaling(metric="memory"),
        )
        document = {"kind": "ServingRuntime", "metadata": {"name": "x"}, "spec": checkable(spec.spec())}
        document["metadata"] = {"name": "x", "annotations": spec.metadata_annotations()}
        problems.extend(
            [*spec_problems("ServingRuntime", checkable(spec.spec())), *runtime_problems(document, CAN_SCALE)]
        )

    run(program)
    assert problems == []


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"multiModel": None}, "spec.multiModel: None, ModelMesh only takes runtimes with true"),
        ({"multiModel": False}, "spec.multiModel: False, ModelMesh only takes runtimes with true"),
        ({"httpDataEndpoint": "port:1"}, "spec.httpDataEndpoint: 'port:1', ignored by ModelMesh"),
        (
            {"supportedModelFormats": [{"name": "a", "priority": 2}]},
            "spec.supportedModelFormats[0].priority: 2, ignored by ModelMesh",
        ),
    ],
)
def test_documents_that_say_what_no_class_can_are_refused_as_well(wrong: dict[str, Any], expected: str) -> None:
    document = {"kind": "ServingRuntime", "metadata": {"name": "x"}, "spec": plain().spec() | wrong}
    (problem,) = runtime_problems(document, CONFIG)
    assert expected in problem


def test_fields_that_the_definition_does_not_know_are_refused() -> None:
    spec = plain().spec()
    assert "spec: unknown field 'initContainers'" in spec_problems("ServingRuntime", spec | {"initContainers": []})[0]


def test_all_problems_come_at_once() -> None:
    wrong = replace(adapter(load_timeout_seconds=0), replicas=0, protocol_versions=["x"])  # type: ignore[list-item]
    assert len(refused(wrong, "x" * 60)) == 4


class TestCustomMlserver:
    def test_all_of_its_own_problems_come_at_once(self) -> None:
        with pytest.raises(InvalidSpec) as raised:
            mlserver(
                formats=[FORMAT, ModelFormat(name="SKLearn")],
                environment={"MLSERVER_HTTP_PORT": "8080", "FINE": "yes"},
            )
        first, second = raised.value.problems
        assert "formats[1].name: 'SKLearn' makes the MLServer adapter load MLServer's own class instead" in first
        assert second == "environment.MLSERVER_HTTP_PORT: expected none, ModelMesh relies on '8002'"
        assert "Runtime of MLServer for 'custom-model, SKLearn' cannot work" in str(raised.value)

    @pytest.mark.parametrize("name", ["sklearn", "xgboost", "lightgbm", "mllib"])
    def test_formats_of_the_adapters_own_are_only_for_upstreams_image(self, name: str) -> None:
        own = [ModelFormat(name=name)]
        with pytest.raises(InvalidSpec, match="take another name than lightgbm, mllib, sklearn, xgboost"):
            mlserver_runtime(image=IMAGE, formats=own)
        assert not refused(replace(mlserver(), supported_model_formats=own))

    def test_it_serves_something(self) -> None:
        with pytest.raises(InvalidSpec, match="formats: empty, expected what the image serves"):
            mlserver(formats=[])


class TestWholeClusters:
    def refused(self, spec: ServingRuntimeSpec, **changes: Any) -> list[str]:
        problems: list[str] = []

        def program() -> None:
            made = installation(**changes)
            try:
                ClusterServingRuntime(
                    "runtime",
                    ClusterServingRuntimeArgs(installation=made, namespaces=[place()], runtime_name="x", spec=spec),
                )
            except InvalidSpec as problem:
                problems.extend(problem.problems)

        assert bool(run(program).resources) is not bool(problems)
        return problems

    def test_they_are_held_to_the_same_rules(self) -> None:
        (problem,) = self.refused(plain(grpc_endpoint=None))
        assert "spec.grpcEndpoint: missing" in problem

    def test_there_are_none_in_namespace_scope(self) -> None:
        assert not self.refused(plain())
        (problem,) = self.refused(plain(), scope="namespace")
        assert "kind: 'ClusterServingRuntime', expected a ServingRuntime" in problem
