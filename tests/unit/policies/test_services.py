"""Which Services are refused."""

import pytest

from policies.rules.services import CLUSTER_IP_SERVICES
from tests.unit.policies.resources import found, resource

UNLESS = "unless this policy's setting `exposed` names 'mesh'"


@pytest.mark.parametrize("kind", ["NodePort", "LoadBalancer", "ExternalName"])
def test_a_service_for_outside_the_cluster_has_to_be_allowed(kind: str) -> None:
    one = resource("core/v1:Service", {"metadata": {"name": "mesh"}, "spec": {"type": kind}})
    assert found(CLUSTER_IP_SERVICES, one) == [f"spec.type: {kind!r}, expected 'ClusterIP' {UNLESS}"]
    assert found(CLUSTER_IP_SERVICES, one, exposed=["other", "mesh"]) == []


def test_an_address_from_outside_has_to_be_allowed() -> None:
    one = resource("core/v1:Service", {"metadata": {"name": "mesh"}, "spec": {"externalIPs": ["192.0.2.1"]}})
    assert found(CLUSTER_IP_SERVICES, one) == [f"spec.externalIPs: given, expected none {UNLESS}"]


def test_a_service_without_a_name_of_its_own_goes_by_that_of_its_resource() -> None:
    one = resource("core/v1:Service", {"spec": {"type": "NodePort"}})
    assert found(CLUSTER_IP_SERVICES, one, exposed=["made"]) == []
