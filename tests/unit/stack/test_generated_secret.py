"""Generated values that a stack keeps, and the field manager that its objects are applied under."""

import base64
from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest

from components.core.component import Component
from components.stores.generated_secret import GeneratedSecret, GeneratedSecretArgs
from tests.unit.stack.engine import Resource, Run, run

SECRET = "kubernetes:core/v1:Secret"  # noqa: S105  a type
MANAGER, FORCE = "pulumi.com/patchFieldManager", "pulumi.com/patchForce"


def generated(value: str, kept: dict[str, object] | None = None) -> Run:
    def program() -> None:
        args = GeneratedSecretArgs(namespace="models", secret_name="password", values={"password": value})  # noqa: S106
        pulumi.export("value", GeneratedSecret("password", args).value("password"))

    return run(program, preview=False, kept=kept)


def test_a_later_run_applies_the_values_of_the_first_one() -> None:
    later = generated("fresh", kept={"password": {"password": "first"}})
    assert later.one(SECRET).inputs["data"] == {"password": base64.b64encode(b"first").decode()}
    assert later.outputs["value"] == "first"


def test_a_secret_that_somebody_changed_is_not_left_so() -> None:
    assert generated("first").one(SECRET).ignore_changes == ()


def test_values_are_secret_wherever_they_are_kept() -> None:
    made = generated("first")
    assert made.one("pulumi:index:Stash").secrets == ("first",)
    assert made.one("pulumi:index:Stash").ignore_changes == ("input",)
    assert made.one(SECRET).secrets == (base64.b64encode(b"first").decode(),)


def applied(token: str, metadata: Callable[[], Any]) -> Resource:
    def program() -> None:
        component = Component("modelmesh:index:Test", "test")
        inner = Component("modelmesh:index:Inner", "inner", {}, pulumi.ResourceOptions(parent=component))
        pulumi.CustomResource(token, "object", {"metadata": metadata()}, pulumi.ResourceOptions(parent=inner))

    return run(program, preview=False).one(token)


OWN = {MANAGER: "pulumi/organization/modelmesh/dev", FORCE: "true"}


@pytest.mark.parametrize(
    "metadata",
    [
        lambda: {"name": "a", "annotations": {"b": "c"}},
        lambda: kubernetes.meta.v1.ObjectMetaArgs(name="a", annotations={"b": "c"}),
        lambda: pulumi.Output.from_input({"name": "a", "annotations": {"b": "c"}}),
        lambda: {"name": "a", "annotations": pulumi.Output.from_input({"b": "c"})},
    ],
    ids=["dict", "args", "output", "output inside"],
)
def test_an_object_of_the_stack_overrides_other_managers(metadata: Callable[[], Any]) -> None:
    assert applied("kubernetes:core/v1:Namespace", metadata).inputs["metadata"] == {
        "name": "a",
        "annotations": {"b": "c", **OWN},
    }


def test_a_patch_of_somebody_elses_object_overrides_nobody() -> None:
    annotations = applied("kubernetes:core/v1:NamespacePatch", lambda: {"name": "a"}).inputs["metadata"]["annotations"]
    assert annotations == {MANAGER: OWN[MANAGER]}


def test_a_definition_keeps_its_field_manager_since_the_provider_replaces_it() -> None:
    annotations = applied("kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition", lambda: {"name": "a"}).inputs[
        "metadata"
    ]["annotations"]
    assert annotations == {FORCE: "true"}
