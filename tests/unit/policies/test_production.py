"""What a stack in production may not lack, and other stacks may."""

from collections.abc import Mapping
from typing import Any

import pytest

from policies.rules.production import PRODUCTION
from tests.unit.policies.resources import (
    CONFIGURATION,
    CONTROLLER,
    SERVING_CONFIG,
    encoded,
    found,
    making_pods,
    resource,
    spoilt,
)

STORE = making_pods("apps/v1:StatefulSet")
VOLUMES = ("spec", "template", "spec", "volumes")
OUTSIDE = "http to a host outside the cluster, expected https"

LACKING: list[tuple[str, Mapping[str, Any], str]] = [
    (
        "apps/v1:StatefulSet",
        spoilt(STORE, VOLUMES, [{"name": "data", "emptyDir": {}}]),
        "spec.template.spec.volumes: no claim, expected one: the data is deleted with its pod",
    ),
    (
        "apps/v1:StatefulSet",
        spoilt(STORE, VOLUMES, None),
        "spec.template.spec.volumes: no claim, expected one: the data is deleted with its pod",
    ),
    (
        "apps/v1:Deployment",
        spoilt(CONTROLLER, ("spec", "replicas"), 1.0),
        "spec.replicas: 1, expected 2 or more for failover",
    ),
    (
        "apps/v1:Deployment",
        spoilt(CONTROLLER, ("spec", "replicas"), None),
        "spec.replicas: 1, expected 2 or more for failover",
    ),
    (
        "core/v1:ConfigMap",
        spoilt(CONFIGURATION, ("data", "config.yaml"), SERVING_CONFIG.replace("tls:", "metrics:")),
        "data[config.yaml].tls.secretName: missing, expected a Secret with a certificate",
    ),
    (
        "core/v1:Secret",
        {"data": encoded(etcd_connection={"endpoints": "https://a.example:2379,http://b.example:2379"})},
        f"data[etcd_connection].endpoints: {OUTSIDE}",
    ),
    (
        "core/v1:Secret",
        {"data": encoded(bucket={"type": "s3", "endpoint_url": "http://192.0.2.1:9000"})},
        f"data[bucket].endpoint_url: {OUTSIDE}",
    ),
    (
        "core/v1:Secret",
        {"data": encoded(web={"type": "http", "url": "http://models.svc.example"})},
        f"data[web].url: {OUTSIDE}",
    ),
]


@pytest.mark.parametrize(("token", "properties", "message"), LACKING)
def test_production_lacks_nothing(token: str, properties: Mapping[str, Any], message: str) -> None:
    assert found(PRODUCTION, resource(token, properties, stack="prod")) == [message]
    for stack in ("dev", "staging", "production", "prod-eu"):
        assert found(PRODUCTION, resource(token, properties, stack=stack)) == []


def test_which_stacks_are_in_production_can_be_said() -> None:
    token, properties, message = LACKING[0]
    for stack, expected in {"prod": [], "live-eu": [message], "live-us": [message]}.items():
        one = resource(token, properties, stack=stack)
        assert found(PRODUCTION, one, productionStacks=["live-eu", "live-us"]) == expected


def test_a_store_may_claim_its_volume_by_a_template() -> None:
    properties = spoilt(STORE, VOLUMES, None)
    properties["spec"]["volumeClaimTemplates"] = [{"metadata": {"name": "data"}}]
    assert found(PRODUCTION, resource("apps/v1:StatefulSet", properties, stack="prod")) == []


def test_other_deployments_may_have_one_pod() -> None:
    other = spoilt(CONTROLLER, ("metadata", "name"), "something")
    one = resource("apps/v1:Deployment", spoilt(other, ("spec", "replicas"), 1.0), stack="prod")
    assert found(PRODUCTION, one) == []
