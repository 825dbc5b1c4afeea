"""The environment that the controller sets is read into one record; every problem is named at once."""

from pathlib import Path

import pytest

from embedded.solo_mesh.settings import MetricsSettings, SettingsError, load

CONTROLLERS = {
    "MM_SERVICE_NAME": "modelmesh-serving",
    "MM_SVC_GRPC_PORT": "8033",
    "KV_STORE": "etcd:/opt/kserve/mmesh/etcd/etcd_connection",
    "INTERNAL_GRPC_PORT": "8085",
    "INTERNAL_SERVING_GRPC_PORT": "8001",
    "MM_LABELS": "mt:custom-model,mt:custom-model:1,rt:custom-runtime-0.x",
    "MM_TYPE_CONSTRAINTS_PATH": "/etc/watson/mmesh/config/type_constraints",
    "MM_DATAPLANE_CONFIG_PATH": "/etc/watson/mmesh/config/dataplane_api_config",
    "MM_METRICS": "prometheus:port=2112;scheme=https",
    "WKUBE_POD_NAME": "modelmesh-serving-custom-runtime-0.x-5d8f7c9b6d-x2x4z",
    "WKUBE_POD_IPADDR": "10.0.0.1",
}


def test_the_controllers_environment_is_understood() -> None:
    settings = load(CONTROLLERS)
    assert settings.instance == "7c9b6d-x2x4z", "the last twelve characters, as in the real server's status"
    assert settings.etcd_connection == Path("/opt/kserve/mmesh/etcd/etcd_connection")
    assert (settings.management_target, settings.serving_target) == ("127.0.0.1:8085", "127.0.0.1:8001")
    assert settings.metrics == MetricsSettings(port=2112, https=True)
    assert settings.tls is None
    assert (settings.probe_port, settings.prestop_port, settings.shutdown_seconds) == (8089, 8090, 90)
    assert "rt:custom-runtime-0.x" in settings.labels


def test_sockets_come_before_ports_and_management_serves_where_nothing_else_does() -> None:
    del (environment := dict(CONTROLLERS))["INTERNAL_SERVING_GRPC_PORT"]
    settings = load(environment | {"INTERNAL_GRPC_SOCKET_PATH": "/sockets/adapter"})
    assert settings.management_target == settings.serving_target == "unix:/sockets/adapter"


def test_tls_is_on_with_both_files_and_only_require_requires() -> None:
    files = {"MM_TLS_KEY_CERT_PATH": "/tls/tls.crt", "MM_TLS_PRIVATE_KEY_PATH": "/tls/tls.key"}
    required = load(CONTROLLERS | files | {"MM_TLS_CLIENT_AUTH": "require", "MM_TLS_TRUST_CERT_PATH": "/a,/b"}).tls
    assert required
    assert (required.client_auth, required.trust) == (True, (Path("/a"), Path("/b")))
    optional = load(CONTROLLERS | files | {"MM_TLS_CLIENT_AUTH": "optional"}).tls
    assert optional
    assert not optional.client_auth


@pytest.mark.parametrize(("value", "metrics"), [("disabled", None), ("prometheus:port=9;scheme=http", (9, False))])
def test_metrics(value: str, metrics: tuple[int, bool] | None) -> None:
    found = load(CONTROLLERS | {"MM_METRICS": value}).metrics
    assert found == (MetricsSettings(port=metrics[0], https=metrics[1]) if metrics else None)


def test_all_problems_are_named_at_once() -> None:
    broken = CONTROLLERS | {"MM_SVC_GRPC_PORT": "many", "KV_STORE": "zookeeper:x", "MM_METRICS": "statsd:x"}
    del broken["INTERNAL_GRPC_PORT"], broken["MM_SERVICE_NAME"]
    with pytest.raises(SettingsError) as error:
        load(broken)
    for name in ("MM_SVC_GRPC_PORT", "KV_STORE", "MM_METRICS", "INTERNAL_GRPC_PORT", "MM_SERVICE_NAME"):
        assert name in str(error.value)
