"""Containers, ports and volumes of runtimes that would clash with ModelMesh's own, or that pods could not have."""

from dataclasses import replace
from typing import Any

import pytest
from pulumi_kubernetes.core import v1

from components.installation.serving_config import Metrics, RestProxy
from components.runtimes.serving_runtime_spec import ServingRuntimeSpec
from components.stores.storage import PvcStorage
from tests.unit.stack.runtimes import container, mlserver, plain, refused, server
from tests.unit.stack.worlds import config


def resources(requests: dict[str, Any], limits: dict[str, Any]) -> v1.ContainerArgs:
    return container(resources=v1.ResourceRequirementsArgs(requests=requests, limits=limits))


def mounting(*mounts: tuple[str, str], **changes: Any) -> ServingRuntimeSpec:
    volumes = [v1.VolumeArgs(name="scratch", empty_dir=v1.EmptyDirVolumeSourceArgs())]
    mounted = [v1.VolumeMountArgs(name=name, mount_path=path) for name, path in mounts]
    return plain(container(volume_mounts=mounted), **({"volumes": volumes} | changes))


def port(number: int, name: str | None = None) -> ServingRuntimeSpec:
    return plain(container(ports=[v1.ContainerPortArgs(container_port=number, name=name)]))


WRONG: dict[str, tuple[ServingRuntimeSpec, str]] = {
    # Containers
    "no container": (replace(plain(), containers=[]), "spec.containers: [], expected the model server's container"),
    "two containers of a name": (
        plain(container(), container()),
        "spec.containers[1].name: 'server', expected each value once; [0] has it already",
    ),
    "the mesh's container": (
        plain(container(name="mm")),
        "spec.containers[0].name: 'mm', expected a name that ModelMesh does not use itself (mm, rest-proxy, puller, mm",
    ),
    "a container with the mesh's prefix": (
        plain(container(name="mm-x")),
        "spec.containers[0].name: 'mm-x', expected a name that ModelMesh does not use itself (mm, rest-proxy,",
    ),
    "the adapter's container": (
        replace(mlserver(), containers=[*server().containers, container(name="mlserver-adapter")]),
        "spec.containers[1].name: 'mlserver-adapter', expected a name that ModelMesh does not use itself (mm,",
    ),
    "a container's name that is none": (
        plain(container(name="My Server")),
        "spec.containers[0].name: 'My Server', expected",
    ),
    "no image": (plain(container(image=None)), "spec.containers[0].image: missing, expected repository:tag"),
    "an image by no tag": (
        plain(container(image="server")),
        "spec.containers[0].image: 'server', expected repository:tag (not latest) or repository@sha256:<64 hex",
    ),
    "the image of the day": (
        plain(container(image="server:latest")),
        "image: 'server:latest', expected repository:tag (not latest) or repository@sha256:<64 hex digits>",
    ),
    "an unknown pull policy": (
        plain(container(image_pull_policy="Sometimes")),
        "spec.containers[0].imagePullPolicy: 'Sometimes', expected one of Always, IfNotPresent, Never",
    ),
    "a readiness probe": (
        plain(container(readiness_probe=v1.ProbeArgs())),
        "spec.containers[0].readinessProbe: set, expected none: ModelMesh sets it itself; a livenessProbe is",
    ),
    "a lifecycle": (
        plain(container(lifecycle=v1.LifecycleArgs())),
        "spec.containers[0].lifecycle: set, expected none: ModelMesh sets it itself; a livenessProbe is allowed",
    ),
    "a variable twice": (
        plain(container(env=[v1.EnvVarArgs(name="A", value=value) for value in "12"])),
        "spec.containers[0].env[1].name: 'A', expected each value once; [0] has it already",
    ),
    "a limit below its request": (
        plain(resources({"memory": "1Gi", "cpu": "500m"}, {"memory": "1000Mi", "cpu": "1"})),
        "spec.containers[0].resources.requests.memory: '1Gi', expected at most the limit, '1000Mi'",
    ),
    "a device that is asked for and not limited": (
        plain(resources({"nvidia.com/gpu": 1, "memory": "1Gi"}, {"memory": "1Gi"})),
        'spec.containers[0].resources.requests["nvidia.com/gpu"]: 1, expected a limit equal to the request:',
    ),
    "a quantity that is none": (
        plain(resources({"memory": "1GB"}, {})),
        "spec.containers[0].resources.requests.memory: '1GB', expected a text that matches",
    ),
    # Ports
    "the mesh's port": (
        port(8080),
        "spec.containers[0].ports[0].containerPort: 8080, expected another port: in the same pod this is the",
    ),
    "the adapter's port": (
        port(8085),
        "ports[0].containerPort: 8085, expected another port: in the same pod this is ModelMesh's reserved range",
    ),
    "a port of the reserved range": (
        port(11890),
        "ports[0].containerPort: 11890, expected another port: in the same pod this is ModelMesh's reserved range",
    ),
    "the REST proxy's port": (
        port(8008),
        "ports[0].containerPort: 8008, expected another port: in the same pod this is the port of the REST proxy",
    ),
    "the metrics' port": (
        port(2112),
        "ports[0].containerPort: 2112, expected another port: in the same pod this is the port of the mesh's",
    ),
    "the puller's container port": (
        port(8086),
        "ports[0].containerPort: 8086, expected another port: in the same pod this is the port of the puller",
    ),
    "a port that is none": (port(70000), "ports[0].containerPort: 70000, expected 1 to 65535"),
    "a reserved port name": (
        port(9000, "grpc"),
        "spec.containers[0].ports[0].name: 'grpc', expected a name that ModelMesh does not use itself (grpc, http,",
    ),
    "two ports of a name": (
        plain(container(ports=[v1.ContainerPortArgs(container_port=n, name="own") for n in (9000, 9001)])),
        "ports[1].name: 'own', expected each value once; [0] has it already",
    ),
    # Volumes
    "the mesh's volume": (
        plain(volumes=[v1.VolumeArgs(name="models-dir")]),
        "spec.volumes[0].name: 'models-dir', expected a name that ModelMesh does not use itself (storage-config,",
    ),
    "two volumes of a name": (
        plain(volumes=[v1.VolumeArgs(name="a"), v1.VolumeArgs(name="a")]),
        "spec.volumes[1].name: 'a', expected each value once; [0] has it already",
    ),
    "a volume of two kinds": (
        plain(
            volumes=[
                v1.VolumeArgs(
                    name="a", empty_dir=v1.EmptyDirVolumeSourceArgs(), host_path=v1.HostPathVolumeSourceArgs(path="/a")
                )
            ]
        ),
        "spec.volumes[0]: emptyDir and hostPath, expected only one kind of volume",
    ),
    "a mount of no volume": (
        mounting(("other", "/a")),
        "spec.containers[0].volumeMounts[0].name: 'other', expected a name in spec.volumes",
    ),
    "a mount of the mesh's configuration": (
        mounting(("tc-config", "/a")),
        "spec.containers[0].volumeMounts[0].name: 'tc-config', expected a volume that does not belong to ModelMesh",
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
}


@pytest.mark.parametrize(("spec", "expected"), WRONG.values(), ids=WRONG)
def test_a_container_that_could_not_work_is_refused(spec: ServingRuntimeSpec, expected: str) -> None:
    (problem,) = refused(spec)
    assert expected in problem


def test_the_installations_own_ports_are_the_ones_that_are_taken() -> None:
    changed = config(service_port=9033, metrics=Metrics(port=9112), rest_proxy=RestProxy(port=9008))
    for number in (9033, 9112, 9008):
        assert f"containerPort: {number}" in "\n".join(refused(port(number), config=changed))
    for number in (8033, 2112, 8008):
        assert not refused(port(number), config=changed)
    metrics, rest_proxy = Metrics(enabled=False, port=9112), RestProxy(enabled=False, port=9008)
    without = replace(changed, metrics=metrics, rest_proxy=rest_proxy)
    for number in (9112, 9008):
        assert not refused(port(number), config=without)


def test_the_volumes_of_the_storages_claims_are_taken() -> None:
    storage = {"shared": PvcStorage(claim_name="shared-models")}
    (problem,) = refused(plain(volumes=[v1.VolumeArgs(name="shared-models")]), storage=storage)
    assert (
        "spec.volumes[0].name: 'shared-models', expected another name: ModelMesh's volume for the claim in the"
        in problem
    )
    (problem,) = refused(mounting(("scratch", "/pvc_mounts/shared-models")), storage=storage)
    assert "'/pvc_mounts/shared-models', expected another path than that of ModelMesh's own mount" in problem
    assert not refused(mounting(("shared-models", "/elsewhere")), storage=storage)


@pytest.mark.parametrize(
    "spec",
    [
        plain(container(resources=None)),
        mounting(("models-dir", "/elsewhere")),
        plain(container(), container(name="second", liveness_probe=v1.ProbeArgs())),
    ],
)
def test_what_works_is_not_refused(spec: ServingRuntimeSpec) -> None:
    assert not refused(spec)
