"""Models, images and restarts of a run, as a reviewer reads them."""

import json
import re
from typing import Any

import pytest
import yaml

from cli import changes
from tests.unit.cli.engine_events import NOT_KNOWN_YET, events, step
from tests.unit.stack.conftest import config, workplace
from tests.unit.stack.engine import run_stack

__all__ = ["config", "workplace"]

OLD, NEW = "0123456789ab" + "c" * 52, "ba9876543210" + "d" * 52
SERVICE = "serving.kserve.io/v1beta1:InferenceService"
RUNTIME = "serving.kserve.io/v1alpha1:ServingRuntime"
DEPLOYMENT = "apps/v1:Deployment"


def service(path: str, **more: Any) -> dict[str, Any]:
    return {"spec": {"predictor": {"model": {"storage": {"path": path}, **more}}}}


def pods(image: str, **more: Any) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": image}]}}, **more}}


def configuration(**config: Any) -> dict[str, Any]:
    return {"metadata": {"name": "model-serving-config"}, "data": {"config.yaml": yaml.safe_dump(config)}}


def test_models_are_added_changed_and_removed_with_their_digests() -> None:
    run = events(
        step(SERVICE, "new", None, service("a/b", runtime="r")),
        step(SERVICE, "changed", service(f"m/{OLD}"), service(f"m/{NEW}")),
        step(SERVICE, "same", service(f"m/{OLD}"), service(f"m/{OLD}"), operation="same"),
        step(SERVICE, "moved", service("a", runtime="r"), service("a", runtime="s")),
        step(SERVICE, "later", service(f"m/{OLD}"), service(NOT_KNOWN_YET)),
        step(SERVICE, "all later", None, {"spec": {"predictor": NOT_KNOWN_YET}}),
        step(SERVICE, "gone", {"spec": {"predictor": {"onnx": {"storageUri": "s3://b/m"}}}}),
    )
    assert list(changes.models(run)) == [
        "+ all later: known after the update",
        "~ changed: m/0123456789ab → m/ba9876543210",
        "- gone: s3://b/m",
        "~ later: m/0123456789ab → known after the update",
        "~ moved: a on r → a on s",
        "+ new: a/b on r",
    ]


def test_models_of_a_table_are_listed_one_by_one() -> None:
    def table(**services: dict[str, Any] | str) -> dict[str, Any]:
        data = {f"{name}.json": text if isinstance(text, str) else json.dumps(text) for name, text in services.items()}
        return {"metadata": {"name": "more-models", "labels": {"modelmesh.pulumi.com/services": "x"}}, "data": data}

    old = table(one=service("a"), two=service("b"), three=service("c"))
    new = table(one=service("a"), two=service("d"), four=NOT_KNOWN_YET)
    assert list(changes.models(events(step("core/v1:ConfigMap", "more-models", old, new)))) == [
        "+ four: known after the update",
        "- three: c",
        "~ two: b → d",
    ]


def test_models_that_move_to_another_part_of_their_table_have_not_changed() -> None:
    def part(name: str, label: str = "x") -> dict[str, Any]:
        metadata = {"name": name, "labels": {"modelmesh.pulumi.com/services": label}}
        return {"metadata": metadata, "data": {"one.json": json.dumps(service("a"))}}

    token = "core/v1:ConfigMap"  # noqa: S105  a type
    moved = step(token, "more-0", part("more-0")), step(token, "more-1", None, part("more-1"))
    assert list(changes.models(events(*moved))) == []
    other = step(token, "other", None, part("other", "y"))
    assert list(changes.models(events(*moved, other))) == ["+ one: a"]


@pytest.mark.usefixtures("workplace")
def test_the_models_of_a_stack_are_found_in_its_resources(config: dict[str, str]) -> None:
    run = run_stack(config | {"modelmesh:models": '[{"name": "one", "path": "some/path"}]'})
    made = [
        step(each.token.removeprefix("kubernetes:"), each.name, None, each.inputs)
        for each in run.resources
        if each.token.startswith("kubernetes:")
    ]
    first, second = changes.models(events(*made))
    assert first == "+ one: some/path on custom-runtime-0.x"
    assert re.fullmatch(r"\+ sentiment-analyzer: sentiment/[0-9a-f]{12} on custom-runtime-0\.x", second)


def test_models_and_containers_are_told_apart_by_resource_and_not_by_name() -> None:
    def named(kind: str, resource: str, old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
        return step(kind, resource, {"metadata": {"name": "m"}, **old}, {"metadata": {"name": "m"}, **new})

    run = events(
        named(SERVICE, "a", service("x"), service("y")),
        named(SERVICE, "b", service("x"), service("x")),
        named(DEPLOYMENT, "a", pods("x:1"), pods("x:2")),
        named(DEPLOYMENT, "b", pods("x:1"), pods("x:1")),
    )
    assert list(changes.models(run)) == ["~ m: x → y"]
    renamed = {"metadata": {"name": "publish-1"}, **pods("x:1")}, {"metadata": {"name": "publish-2"}, **pods("x:2")}
    job = events(step("batch/v1:Job", "publish", *renamed, operation="replace"))
    assert list(changes.images(job)) == ["~ x:1 → x:2 (publish-2/c)"]
    assert list(changes.images(run)) == ["~ x:1 → x:2 (m/c)"]


def test_an_image_is_listed_once_with_all_its_containers() -> None:
    run = events(
        step(DEPLOYMENT, "b", pods("x:1"), pods("x:2")),
        step(DEPLOYMENT, "a", pods("x:1"), pods("x:2")),
        step(RUNTIME, "r", {"spec": {"containers": [{"name": "c", "image": NOT_KNOWN_YET}]}}),
        step(DEPLOYMENT, "same", pods("x:1"), pods("x:1"), operation="same"),
        step(
            "core/v1:ConfigMap",
            "config",
            configuration(modelMeshImage={"name": "mesh", "tag": "v1"}),
            configuration(modelMeshImage={"name": "mesh", "tag": "v1", "digest": f"sha256:{NEW}"}),
        ),
    )
    assert list(changes.images(run)) == [
        "- known after the update (r/c)",
        "~ mesh:v1 → mesh@sha256:ba9876543210 (all runtimes/mm)",
        "~ x:1 → x:2 (a/c, b/c)",
    ]


def test_the_image_of_the_rest_proxy_counts_where_there_is_one() -> None:
    def images(enabled: bool) -> list[str]:
        proxy = {"enabled": enabled, "image": {"name": "proxy", "tag": "v1"}}
        return list(changes.images(events(step("core/v1:ConfigMap", "config", None, configuration(restProxy=proxy)))))

    assert images(True) == ["+ proxy:v1 (all runtimes/rest-proxy)"]
    assert images(False) == []


def test_pods_roll_if_their_template_changes_and_not_if_only_their_number_does() -> None:
    image, replicas = "spec.template.spec.containers[0].image", "spec.replicas"
    run = events(
        step(DEPLOYMENT, "rolls", pods("x:1"), pods("x:2"), changes=[image, replicas]),
        step(DEPLOYMENT, "grows", pods("x:1"), pods("x:1", replicas=2), changes=[replicas]),
        step(DEPLOYMENT, "new", None, pods("x:1")),
        step(RUNTIME, "sized", {"spec": {}}, {"spec": {}}, changes=["spec.containers[0].resources", replicas]),
        step(RUNTIME, "grows", {"spec": {}}, {"spec": {}}, changes=[replicas]),
        step("batch/v1:Job", "runs", pods("x:1"), pods("x:2"), operation="replace", changes=[image]),
    )
    assert list(changes.restarts(run)) == [
        "~ Deployment rolls: its pods roll (containers[0].image)",
        "~ ServingRuntime sized: its pods roll (containers[0].resources)",
    ]


def test_the_steps_of_a_replacement_are_one_change() -> None:
    run = events(
        step(DEPLOYMENT, "a", pods("x:1"), pods("x:2"), operation="create-replacement"),
        step(DEPLOYMENT, "a", pods("x:1"), pods("x:2"), operation="replace"),
        step(DEPLOYMENT, "a", pods("x:1"), None, operation="delete-replaced"),
    )
    assert list(changes.restarts(run)) == ["~ Deployment a: replaced, its pods stop and start"]
    assert list(changes.images(run)) == ["~ x:1 → x:2 (a/c)"]


def test_the_configuration_of_all_runtimes_rolls_them_if_their_pods_depend_on_it() -> None:
    def restarts(**config: Any) -> list[str]:
        old, new = configuration(podsPerRuntime=1, grpcMaxMessageSizeBytes=1), configuration(**config)
        return list(changes.restarts(events(step("core/v1:ConfigMap", "config", old, new))))

    assert restarts(podsPerRuntime=2, grpcMaxMessageSizeBytes=1) == []
    assert restarts(podsPerRuntime=1, grpcMaxMessageSizeBytes=2, tls={"secretName": "x"}) == [
        "~ ConfigMap model-serving-config: all pods of runtimes roll (grpcMaxMessageSizeBytes, tls)"
    ]


def test_golden_predictions_are_asked_by_jobs_that_are_new_or_replaced() -> None:
    def asking(service: str, runtime: str, old: dict[str, Any] | None, operation: str) -> dict[str, Any]:
        variables = [{"name": "SERVICE", "value": service}, {"name": "RUNTIME", "value": runtime}]
        job = {"spec": {"template": {"spec": {"containers": [{"name": "ask", "env": variables}]}}}}
        made = step("batch/v1:Job", service, old, job, operation=operation)
        metadata = made["resourcePreEvent"]["metadata"]
        metadata["urn"] = metadata["urn"].replace("kubernetes:", "modelmesh:index:GoldenGate$kubernetes:")
        return made

    run = events(
        asking("new", "", None, "create"),
        asking("changed", "custom", {}, "replace"),
        asking("same", "", {}, "same"),
        step("batch/v1:Job", "another", None, {}),
    )
    assert list(changes.golden(run)) == ["~ new", "~ changed on a candidate of custom"]
