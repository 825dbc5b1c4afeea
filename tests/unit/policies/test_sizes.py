"""Containers without requests or limits are named."""

import pytest

from policies.rules.sizes import SIZED_CONTAINERS
from tests.unit.policies.resources import PLACES, found, making_pods, resource, spoilt


@pytest.mark.parametrize("token", PLACES)
@pytest.mark.parametrize("bound", ["requests", "limits"])
@pytest.mark.parametrize("what", ["cpu", "memory"])
def test_each_missing_bound_is_named(token: str, bound: str, what: str) -> None:
    place = PLACES[token]
    properties = spoilt(making_pods(token), (*place, "containers", 0, "resources", bound, what), None)
    path = f"{'.'.join(place)}.containers[0].resources.{bound}.{what}"
    assert found(SIZED_CONTAINERS, resource(token, properties)) == [f"{path}: missing, expected a quantity"]


def test_init_containers_count() -> None:
    properties = spoilt(making_pods("core/v1:Pod"), ("spec", "initContainers", 0, "resources"), {})
    assert found(SIZED_CONTAINERS, resource("core/v1:Pod", properties)) == [
        f"spec.initContainers[0].resources.{bound}.{what}: missing, expected a quantity"
        for bound in ("requests", "limits")
        for what in ("cpu", "memory")
    ]
