"""Which image references are refused, wherever one stands."""

import pytest

from policies.rules.images import IMAGES_BY_DIGEST, IMAGES_PINNED, OWN_IMAGES_BY_DIGEST
from tests.unit.policies.resources import (
    CONFIGURATION,
    DIGEST,
    IMAGE,
    PLACES,
    SERVING_CONFIG,
    found,
    making_pods,
    resource,
    spoilt,
)

RUNTIME = "serving.kserve.io/v1alpha1:ServingRuntime"
OWN = ("modelmesh:index:ServingRuntime", "modelmesh:index:ClusterServingRuntime", "modelmesh:index:ModelArtifact")


@pytest.mark.parametrize("token", PLACES)
@pytest.mark.parametrize("several", ["containers", "initContainers"])
def test_an_image_called_latest_is_refused_in_every_kind_of_pod(token: str, several: str) -> None:
    place = PLACES[token]
    one = resource(token, spoilt(making_pods(token), (*place, several, 0, "image"), "server:latest"))
    assert found(IMAGES_PINNED, one) == [
        f"{'.'.join(place)}.{several}[0].image: 'server:latest', expected a digest, or a tag other than latest"
    ]


@pytest.mark.parametrize(
    "image", ["server", "registry.example:5000/server", "server:", "server@sha256:abc", "server:1@sha256:abc", ""]
)
def test_an_image_that_pins_nothing_is_refused(image: str) -> None:
    one = resource(RUNTIME, spoilt(making_pods(RUNTIME), ("spec", "containers", 0, "image"), image))
    message = f"spec.containers[0].image: {image!r}, expected a digest, or a tag other than latest"
    assert found(IMAGES_PINNED, one) == [message]


@pytest.mark.parametrize(
    "image", ["server:1", "registry.example:5000/a/server:v1.2-x", f"server:latest@{DIGEST}", IMAGE]
)
def test_a_tag_or_a_digest_pins_an_image(image: str) -> None:
    one = resource(RUNTIME, spoilt(making_pods(RUNTIME), ("spec", "containers", 0, "image"), image))
    assert found(IMAGES_PINNED, one) == []


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("kserve/modelmesh, digest", "modelMeshImage"),
        ("kserve/modelmesh-runtime-adapter, digest", "storageHelperImage"),
        ("kserve/rest-proxy, digest", "restProxy.image"),
    ],
)
def test_images_in_modelmeshs_configuration_count(written: str, path: str) -> None:
    name = written.partition(",")[0]
    told = SERVING_CONFIG.replace(f'{written}: "{DIGEST}"', f"{name}, tag: latest")
    one = resource("core/v1:ConfigMap", spoilt(CONFIGURATION, ("data", "config.yaml"), told))
    assert found(IMAGES_PINNED, one) == [
        f"data[config.yaml].{path}: '{name}:latest', expected a digest, or a tag other than latest"
    ]
    assert found(IMAGES_BY_DIGEST, one) == [
        f"data[config.yaml].{path}: '{name}:latest', expected a digest: a tag can be pushed again"
    ]


def test_an_image_that_nothing_runs_is_let_pass() -> None:
    told = SERVING_CONFIG.replace(f'digest: "{DIGEST}"}}}}', "tag: latest}}")
    for enabled, problems in (("true", 1), ("false", 0)):
        written = told.replace("enabled: true", f"enabled: {enabled}")
        one = resource("core/v1:ConfigMap", spoilt(CONFIGURATION, ("data", "config.yaml"), written))
        assert len(found(IMAGES_PINNED, one)) == len(found(IMAGES_BY_DIGEST, one)) == problems


def test_configuration_that_is_no_yaml_is_for_the_controller_to_refuse() -> None:
    one = resource("core/v1:ConfigMap", spoilt(CONFIGURATION, ("data", "config.yaml"), "a: [b"))
    assert found(IMAGES_PINNED, one) == []


@pytest.mark.parametrize("component", OWN)
def test_what_the_stack_builds_or_promotes_goes_by_digest(component: str) -> None:
    tagged = spoilt(making_pods(RUNTIME), ("spec", "containers", 0, "image"), "registry.example/server:1")
    one = resource(RUNTIME, tagged, within=component)
    assert found(OWN_IMAGES_BY_DIGEST, one) == [
        "spec.containers[0].image: 'registry.example/server:1', expected a digest: the stack builds or promotes it"
    ]
    assert found(IMAGES_BY_DIGEST, one) == []


def test_what_others_publish_is_only_advised_to() -> None:
    tagged = spoilt(making_pods(RUNTIME), ("spec", "containers", 0, "image"), "upstream/server:1")
    one = resource(RUNTIME, tagged, within="modelmesh:index:ModelMeshServing")
    assert found(OWN_IMAGES_BY_DIGEST, one) == []
    assert found(IMAGES_BY_DIGEST, one) == [
        "spec.containers[0].image: 'upstream/server:1', expected a digest: a tag can be pushed again"
    ]
    assert IMAGES_BY_DIGEST.level == "advisory"
    assert OWN_IMAGES_BY_DIGEST.level == IMAGES_PINNED.level == "mandatory"


@pytest.mark.parametrize(
    ("by_tag", "passes"),
    [
        ("mirror.example/server", True),
        ("mirror.example/", True),
        ("mirror.example", False),
        ("mirror.example/serv", False),
        ("", False),
    ],
)
def test_repositories_whose_tags_never_move_can_be_named(by_tag: str, passes: bool) -> None:
    tagged = spoilt(making_pods(RUNTIME), ("spec", "containers", 0, "image"), "mirror.example/server:1")
    one = resource(RUNTIME, tagged, within=OWN[0])
    assert (found(OWN_IMAGES_BY_DIGEST, one, byTag=[by_tag]) == []) is passes
