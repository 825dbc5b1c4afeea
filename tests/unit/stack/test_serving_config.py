"""What the controller is told: each of upstream's keys under upstream's spelling, with all that holds."""

import re
from typing import Any

import pytest
import yaml

from components.images.pull_secret import ImagePullSecret
from components.installation.serving_config import Metrics, PayloadProcessor, Resources, RestProxy, ScaleToZero
from components.upstream.documents import text
from tests.unit.stack.upstream_tree import tree
from tests.unit.stack.worlds import config, images

QUANTITIES = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "2Gi"}}
SIZED = Resources(**QUANTITIES)

# Upstream's keys, nested ones with dots, each with a field that differs from upstream's default and what is then told.
KEYS: list[tuple[str, dict[str, Any], Any]] = [
    ("inferenceServiceName", {"service_name": "models"}, "models"),
    ("inferenceServicePort", {"service_port": 9000}, 9000),
    ("headlessService", {"headless": False}, False),
    ("podsPerRuntime", {"pods_per_runtime": 3}, 3),
    ("storageSecretName", {"storage_secret_name": "stores"}, "stores"),
    ("serviceAccountName", {"service_account_name": "modelmesh"}, "modelmesh"),
    ("enableAccessLogging", {"access_logging": True}, True),
    ("grpcMaxMessageSizeBytes", {"max_message_bytes": 2**25}, 2**25),
    ("metrics.enabled", {"metrics": Metrics(enabled=False)}, False),
    ("metrics.port", {"metrics": Metrics(port=9100)}, 9100),
    ("metrics.scheme", {"metrics": Metrics(scheme="http")}, "http"),
    ("metrics.disablePrometheusOperatorSupport", {"metrics": Metrics(service_monitor=False)}, True),
    ("scaleToZero.enabled", {"scale_to_zero": ScaleToZero(enabled=False)}, False),
    ("scaleToZero.gracePeriodSeconds", {"scale_to_zero": ScaleToZero(grace_period_seconds=5)}, 5),
    ("restProxy.enabled", {"rest_proxy": RestProxy(enabled=False)}, False),
    ("restProxy.port", {"rest_proxy": RestProxy(port=8009)}, 8009),
    ("restProxy.image.name", {"images": images(**{"rest-proxy": "mirror/proxy:2"})}, "mirror/proxy"),
    ("restProxy.image.tag", {"images": images(**{"rest-proxy": "mirror/proxy:2"})}, "2"),
    ("restProxy.resources", {"rest_proxy": RestProxy(resources=SIZED)}, QUANTITIES),
    ("modelMeshImage.name", {"images": images(modelmesh="mirror/mesh:2")}, "mirror/mesh"),
    (
        "modelMeshImage.digest",
        {"images": images(modelmesh=f"mirror/mesh@sha256:{'a' * 64}")},
        f"sha256:{'a' * 64}",
    ),
    ("modelMeshResources", {"mesh_resources": SIZED}, QUANTITIES),
    (
        "storageHelperImage.name",
        {"images": images(**{"modelmesh-runtime-adapter": "mirror/adapter:2"})},
        "mirror/adapter",
    ),
    ("storageHelperImage.command", {"puller_command": ["/pull"]}, ["/pull"]),
    ("storageHelperResources", {"adapter_resources": SIZED}, QUANTITIES),
    ("runtimePodLabels", {"pod_labels": {"team": "Red"}}, {"team": "Red"}),
    ("runtimePodAnnotations", {"pod_annotations": {"example.com/x": "true"}}, {"example.com/x": "true"}),
    ("imagePullSecrets", {"image_pull_secrets": [ImagePullSecret(name="pull")]}, [{"name": "pull"}]),
    ("allowAnyPVC", {"allow_any_pvc": True}, True),
    ("builtInServerTypes", {"built_in_server_types": ["mlserver"]}, ["mlserver"]),
    (
        "payloadProcessors",
        {"payload_processors": [PayloadProcessor(scheme="logger")]},
        ["logger:///?*#*"],
    ),
    (
        "internalModelMeshEnvVars",
        {"mesh_environment": {"TAS_TRACE": "1"}},
        [{"name": "MEM_LIMIT_MB", "value": "448"}, {"name": "TAS_TRACE", "value": "1"}],
    ),
    ("modelMeshEndpoint", {"management_endpoint": "localhost:8033"}, "localhost:8033"),
]


def told(**changes: Any) -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load(config(**changes).render())
    return parsed


@pytest.mark.parametrize(("key", "changes", "expected"), KEYS, ids=[key for key, _, _ in KEYS])
def test_each_key_has_its_field(key: str, changes: dict[str, Any], expected: object) -> None:
    found: Any = told(**changes)
    for part in key.split("."):
        found = found[part]
    assert found == expected


def test_no_key_of_upstreams_is_forgotten() -> None:
    """Its documentation and its defaults name all but three, which stand in its source alone."""
    documented = re.findall(r"^\| `(\w+)", (tree() / "docs/configuration/README.md").read_text("utf-8"), re.MULTILINE)
    defaults = yaml.safe_load((tree() / "config/default/config-defaults.yaml").read_text("utf-8"))
    assert len(set(documented)) > 15
    named = {*documented, *defaults, "payloadProcessors", "internalModelMeshEnvVars", "modelMeshEndpoint"}
    assert named - {"tls"} == {key.split(".")[0] for key, _, _ in KEYS}, "tls is told by whoever has the secret"


@pytest.mark.parametrize(("client_auth", "expected"), [(None, {}), ("require", {"clientAuth": "require"})])
def test_tls_is_told_by_whoever_has_the_secret(client_auth: str | None, expected: dict[str, str]) -> None:
    assert "tls" not in told()
    rendered = config().render(tls_secret="mesh-tls", client_auth=client_auth)  # noqa: S106  a name
    assert yaml.safe_load(rendered)["tls"] == {"secretName": "mesh-tls", **expected}


def test_all_but_what_is_empty_is_always_told() -> None:
    empty = {"imagePullSecrets", "modelMeshEndpoint", "payloadProcessors", "runtimePodAnnotations", "runtimePodLabels"}
    assert told().keys() == {key.split(".")[0] for key, _, _ in KEYS} - empty
    assert told()["scaleToZero"] == {"enabled": True, "gracePeriodSeconds": 60}
    assert told()["metrics"].keys() == {"enabled", "port", "scheme", "disablePrometheusOperatorSupport"}


def test_by_default_what_upstream_ships_holds() -> None:
    shipped = yaml.safe_load(text("default/config-defaults.yaml"))
    found = {key: value for key, value in told().items() if key in shipped}
    assert found | {"metrics": {"enabled": found["metrics"]["enabled"]}} == shipped


def test_the_same_settings_give_the_same_text() -> None:
    one = config(mesh_environment={"B": "1", "A": "2"}, pod_labels={"b": "1", "a": "2"}).render()
    assert one == config(mesh_environment={"A": "2", "B": "1"}, pod_labels={"a": "2", "b": "1"}).render()


@pytest.mark.parametrize(
    ("largest", "memory"),
    [(1, "448Mi"), (2**24, "448Mi"), (17_242_000, "512Mi"), (2**25, "576Mi"), (2**26, "832Mi"), (2**28, "1984Mi")],
)
def test_the_meshs_memory_grows_with_the_largest_message(largest: int, memory: str) -> None:
    found = told(max_message_bytes=largest)
    assert (
        found["modelMeshResources"]["limits"]["memory"] == found["modelMeshResources"]["requests"]["memory"] == memory
    )
    assert {"name": "MEM_LIMIT_MB", "value": memory.removesuffix("Mi")} in found["internalModelMeshEnvVars"]


def test_the_memory_that_the_start_script_divides_is_the_containers_own_unless_it_is_named() -> None:
    assert told(mesh_resources=SIZED)["internalModelMeshEnvVars"] == [{"name": "MEM_LIMIT_MB", "value": "2048"}]
    assert "internalModelMeshEnvVars" not in told(mesh_resources=Resources(requests={}, limits={}))
    named = told(mesh_environment={"MEM_LIMIT_MB": "400"})
    assert named["internalModelMeshEnvVars"] == [{"name": "MEM_LIMIT_MB", "value": "400"}]


def test_pod_labels_are_left_out_where_there_are_none() -> None:
    assert told(pod_labels={"team": "red"})["runtimePodLabels"] == {"team": "red"}
    assert "runtimePodLabels" not in told()


@pytest.mark.parametrize(
    ("processor", "expected"),
    [
        (PayloadProcessor(scheme="logger", model_id="m", method="p.S/M"), "logger:///?m#p.S/M"),
        (PayloadProcessor(scheme="http", host="drift", port=8080, path="/v1/in"), "http://drift:8080/v1/in?*#*"),
        (PayloadProcessor(scheme="http", host="drift"), "http://drift/?*#*"),
    ],
)
def test_payload_processors_are_told_as_uris(processor: PayloadProcessor, expected: str) -> None:
    assert processor.uri() == expected
