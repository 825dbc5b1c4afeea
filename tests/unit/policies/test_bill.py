"""The bill of a stack counts every lasting pod as the API server does, those of ModelMesh's controller included."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
import yaml
from kubernetes.utils.quantity import parse_quantity
from pulumi.runtime.rpc import UNKNOWN as NOT_KNOWN_YET

from policies.rules.bill import Bill, bill, quantity
from policies.rules.reading import UNKNOWN
from policies.rules.resource import Resource
from tests.unit.policies.resources import readable, resource
from tests.unit.stack.engine import encrypted_keys, run_stack, stack_config

RUNTIME = "serving.kserve.io/v1alpha1:ServingRuntime"
CLUSTER_RUNTIME = "serving.kserve.io/v1alpha1:ClusterServingRuntime"


def sizes(requests: int, limits: int) -> dict[str, Any]:
    return {
        "requests": {"cpu": f"{requests}m", "memory": f"{requests}Mi"},
        "limits": {"cpu": f"{limits}m", "memory": f"{limits}Mi"},
    }


def config(**more: Any) -> Resource:
    values = {
        "podsPerRuntime": 2,
        "modelMeshResources": sizes(10, 20),
        "storageHelperResources": sizes(100, 200),
        "restProxy": {"enabled": True, "resources": sizes(1000, 2000)},
        **more,
    }
    metadata = {"name": "model-serving-config", "namespace": "controller"}
    return resource("core/v1:ConfigMap", {"metadata": metadata, "data": {"config.yaml": yaml.safe_dump(values)}})


def runtime(token: str = RUNTIME, annotations: Mapping[str, str] | None = None, **spec: Any) -> Resource:
    given = {"multiModel": True, "builtInAdapter": {"serverType": "mlserver"}, **spec}
    containers = {"containers": [{"name": "mlserver", "resources": sizes(1, 2)}]}
    metadata = {"name": "r", "namespace": "models", "annotations": annotations or {}}
    return resource(token, {"metadata": metadata, "spec": containers | given})


def pods(token: str, containers: list[dict[str, Any]], **more: Any) -> Resource:
    init = more.pop("init", [])
    return resource(token, {"spec": {"template": {"spec": {"containers": containers, "initContainers": init}}, **more}})


def numbers(found: Bill) -> list[Decimal]:
    """Number of pods, and the sums in units of 1m and 1Mi."""
    pods, cpu, memory, cpu_limits, memory_limits = found.used.values()
    mib = 2**20
    return [pods, cpu * 1000, memory / mib, cpu_limits * 1000, memory_limits / mib]


@pytest.mark.parametrize("text", ["0", "2", "0.5", ".5", "100m", "1500Mi", "2Gi", "1k", "3M", "1e3", "2E", "5u", "7n"])
def test_quantities_are_those_of_kubernetes(text: str) -> None:
    assert quantity(text) == parse_quantity(text)


def test_what_is_no_quantity_is_refused() -> None:
    with pytest.raises(ValueError, match="'much' is not a quantity"):
        quantity("much")


def test_the_pods_of_a_runtime_have_the_containers_that_the_controller_adds() -> None:
    assert numbers(bill([config(), runtime()])) == [2, 2222, 2222, 4444, 4444]
    assert numbers(bill([config(restProxy={"enabled": False}), runtime()])) == [2, 222, 222, 444, 444]
    assert numbers(bill([config(), runtime(storageHelper={"disabled": True})])) == [2, 2222, 2222, 4444, 4444]
    puller: dict[str, Any] = {"builtInAdapter": None}
    neither = puller | {"storageHelper": {"disabled": True}}
    assert numbers(bill([config(), runtime(**puller)])) == [2, 2222, 2222, 4444, 4444]
    assert numbers(bill([config(), runtime(**neither)])) == [2, 2022, 2022, 4044, 4044]


@pytest.mark.parametrize(
    ("spec", "annotations", "number"),
    [
        ({"replicas": 3.0}, {}, 3),
        ({"disabled": True}, {}, 0),
        ({"multiModel": False}, {}, 0),
        ({}, {"serving.kserve.io/autoscalerClass": "hpa", "serving.kserve.io/max-scale": "5"}, 5),
        ({}, {"serving.kserve.io/autoscalerClass": "hpa"}, 1),
    ],
)
def test_a_runtime_may_have_another_number_of_pods(
    spec: dict[str, Any], annotations: dict[str, str], number: int
) -> None:
    assert numbers(bill([config(), runtime(annotations=annotations, **spec)]))[0] == number


def test_a_runtime_of_the_cluster_has_pods_in_each_namespace_with_models() -> None:
    labelled = [
        resource("core/v1:Namespace", {"metadata": {"labels": {"modelmesh-enabled": value}}})
        for value in ("true", UNKNOWN, "false")
    ]
    assert numbers(bill([config(), *labelled, runtime(CLUSTER_RUNTIME)]))[0] == 4
    assert numbers(bill([config(), *labelled, runtime()]))[0] == 2
    assert numbers(bill([config(), runtime(CLUSTER_RUNTIME)]))[0] == 2


def test_two_installations_have_their_own_sizes() -> None:
    other = config(podsPerRuntime=1)
    other.properties["metadata"]["namespace"] = "models"
    assert numbers(bill([config(), other, runtime()]))[0] == 1


def test_pods_that_last_count_and_others_do_not() -> None:
    container = [{"resources": sizes(1, 2)}]
    lasting = [pods("apps/v1:Deployment", container, replicas=3), pods("apps/v1:StatefulSet", container)]
    assert numbers(bill(lasting)) == [4, 4, 4, 8, 8]
    assert numbers(bill([pods("batch/v1:Job", container)])) == [0, 0, 0, 0, 0]
    assert numbers(bill([pods("apps/v1:Deployment", container, replicas=0)])) == [0, 0, 0, 0, 0]


def test_a_missing_request_is_the_limit_and_a_missing_limit_is_none() -> None:
    assert numbers(bill([pods("apps/v1:Deployment", [{"resources": {"limits": sizes(0, 7)["limits"]}}])])) == [
        1, 7, 7, 7, 7
    ]  # fmt: skip
    assert numbers(bill([pods("apps/v1:Deployment", [{}])])) == [1, 0, 0, 0, 0]


def test_a_large_init_container_counts_instead_of_the_others() -> None:
    containers = [{"resources": sizes(2, 4)}, {"resources": sizes(2, 4)}]
    small, large = {"resources": sizes(3, 3)}, {"resources": sizes(5, 5)}
    assert numbers(bill([pods("apps/v1:Deployment", containers, init=[small])])) == [1, 4, 4, 8, 8]
    assert numbers(bill([pods("apps/v1:Deployment", containers, init=[small, large])])) == [1, 5, 5, 8, 8]


@pytest.mark.parametrize(
    "later",
    [
        [runtime()],
        [config(), runtime(containers=UNKNOWN)],
        [config(), runtime(replicas=UNKNOWN)],
        [pods("apps/v1:Deployment", [{"resources": {"requests": {"cpu": UNKNOWN}}}])],
        [resource("apps/v1:Deployment", {"spec": UNKNOWN})],
        [pods("apps/v1:Deployment", [{"resources": {"limits": {"memory": "much"}}}])],
    ],
)
def test_sizes_that_are_known_later_are_named_and_not_guessed(later: list[Resource]) -> None:
    found = bill([*later, pods("apps/v1:StatefulSet", [{"resources": sizes(1, 1)}])])
    assert numbers(found) == [1, 1, 1, 1, 1]
    assert found.uncounted == (later[-1].name,)


CONTROLLER = (1, 50, 96, 1000, 512)
REST_PROXY = (0, 50, 96, 1000, 512)
STAGING = {
    "modelmesh-controller": (3, CONTROLLER),
    "pod of the runtime": (2, (1, 500, 1024, 2000, 1024)),
    "its mesh": (2, (0, 300, 512, 2000, 512)),
    "its adapter": (2, (0, 50, 128, 1000, 512)),
    "its REST proxy": (2, REST_PROXY),
    "etcd": (1, (1, 50, 64, 1000, 512)),
    "MinIO": (1, (1, 50, 128, 1000, 1024)),
    "the publisher that stays": (1, (1, 10, 64, 1000, 512)),
}
PROD = {
    "modelmesh-controller": (3, CONTROLLER),
    "pod of the runtime": (3, (1, 1000, 2048, 4000, 2048)),
    "its mesh": (3, (0, 500, 1024, 3000, 1024)),
    "its adapter": (3, (0, 100, 256, 2000, 1024)),
    "its REST proxy": (3, REST_PROXY),
}
"""Number and sizes of what the stack files describe: pods, requests in 1m and 1Mi, and limits."""


@pytest.mark.parametrize(("stack", "parts"), [("staging", STAGING), ("prod", PROD)])
@pytest.mark.usefixtures("workplace")
def test_the_bill_of_an_example_is_that_of_its_file(stack: str, parts: dict[str, tuple[int, tuple[int, ...]]]) -> None:
    run = run_stack(stack_config(stack), encrypted=encrypted_keys(stack), builds=False)
    found = bill(
        Resource(token=each.token, urn=each.urn, properties=readable(each.inputs, NOT_KNOWN_YET))
        for each in run.resources
    )
    assert numbers(found) == [sum(count * size[item] for count, size in parts.values()) for item in range(5)]
    assert found.uncounted == ()
