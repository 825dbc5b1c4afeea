"""What all components have in common, and the parts that need no resource."""

import dataclasses
import importlib
import inspect
import pkgutil
import typing

import pulumi
import pytest

import components
from components.core.component import Component
from components.core.problem import InvalidSpecError
from components.images.images import ImageRef, Images, parse_ref
from components.stores.generated_secret import GeneratedSecret, GeneratedSecretArgs
from tests.unit.stack.engine import run


def is_component(thing: object) -> bool:
    return inspect.isclass(thing) and issubclass(thing, Component) and thing is not Component


MODULES = [
    importlib.import_module(module.name)
    for module in pkgutil.walk_packages(components.__path__, "components.")
    if ".publisher" not in module.name
]
COMPONENTS = sorted(
    {thing for module in MODULES for thing in vars(module).values() if is_component(thing) and thing is not Component},
    key=lambda component: component.__name__,
)
PRIVATE = {
    "Certificate", "GeneratedSecret", "GoldenGate", "RefreshTypeConstraints", "StorageConfig", "WebhookCertificate"
}  # fmt: skip
"""Components that only other components use."""

TOKENS = {"GeneratedSecret": "KeptSecret", "RefreshTypeConstraints": "ConstraintsSeen"}
"""Last part of the type token of a component whose class has been renamed since."""


def test_every_component_is_public_or_used_by_components_alone() -> None:
    exported = {name for module in (components, *MODULES) for name in getattr(module, "__all__", ())}
    assert {component.__name__ for component in COMPONENTS} - exported == PRIVATE


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda component: component.__name__)
class TestEveryComponent:
    def test_takes_a_name_one_frozen_record_and_options(self, component: type[pulumi.ComponentResource]) -> None:
        parameters = list(inspect.signature(component).parameters.values())
        assert [parameter.name for parameter in parameters] == ["name", "args", "opts"]
        assert parameters[2].default is None
        annotation = typing.get_type_hints(component.__init__)["args"]
        records = typing.get_args(annotation) or [annotation]
        assert len(records) > 1 or records[0].__name__ == f"{component.__name__}Args"
        for record in records:
            assert record.__dataclass_params__.frozen
            assert all(field.kw_only for field in dataclasses.fields(record))

    def test_has_a_token_of_its_own_name_and_registers_its_outputs_last(
        self, component: type[pulumi.ComponentResource]
    ) -> None:
        source = inspect.getsource(component.__init__)
        assert f'"modelmesh:index:{TOKENS.get(component.__name__, component.__name__)}"' in source
        assert "self.register_outputs(" in source.strip().splitlines()[-1]

    def test_never_merges_the_callers_options_into_its_children(
        self, component: type[pulumi.ComponentResource]
    ) -> None:
        source = inspect.getsource(component)
        assert source.count("opts)") == 1, "only the component itself gets `opts`"


def test_a_generated_secret_is_read_back_from_the_resource_not_from_what_was_generated() -> None:
    def program() -> None:
        args = GeneratedSecretArgs(namespace="models", secret_name="kept", values={"key": "välue"})  # noqa: S106
        pulumi.export("value", GeneratedSecret("kept", args).value("key"))

    assert run(program).outputs["value"] == "välue"


def test_records_do_not_print_what_is_secret() -> None:
    args = GeneratedSecretArgs(namespace="models", secret_name="kept", values={"key": "hidden"})  # noqa: S106
    assert "hidden" not in repr(args)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kserve/modelmesh:v0.12.0", ImageRef("kserve/modelmesh", "v0.12.0", "")),
        ("10.0.0.1:5000/etcd:3.4", ImageRef("10.0.0.1:5000/etcd", "3.4", "")),
        (f"10.0.0.1:5000/etcd@sha256:{'0' * 64}", ImageRef("10.0.0.1:5000/etcd", "", f"sha256:{'0' * 64}")),
        (f"etcd:3.4@sha256:{'0' * 64}", ImageRef("etcd", "3.4", f"sha256:{'0' * 64}")),
        (f"etcd:latest@sha256:{'0' * 64}", ImageRef("etcd", "latest", f"sha256:{'0' * 64}")),
        ("[::1]:5000/team/my_server--2:V1", ImageRef("[::1]:5000/team/my_server--2", "V1", "")),
        ("Registry.example/etcd:1", ImageRef("Registry.example/etcd", "1", "")),
    ],
)
def test_image_references_are_split(text: str, expected: ImageRef) -> None:
    assert parse_ref(text) == expected
    assert str(expected) == text
    parts = {"name": expected.name, "tag": expected.tag, "digest": expected.digest}
    assert expected.as_config() == {key: part for key, part in parts.items() if part}


@pytest.mark.parametrize(
    "text",
    [
        *("etcd", "etcd:latest", "10.0.0.1:5000/etcd", "etcd@sha256:12", "", "a b:1"),
        *("https://registry.example/etcd:1", "registry.example/Team/etcd:1", "etcd:"),
    ],
)
def test_references_that_pin_nothing_are_refused(text: str) -> None:
    assert parse_ref(text) is None
    with pytest.raises(InvalidSpecError, match=r"overrides\.etcd: .*, expected repository:tag"):
        Images.of({"etcd": text})


def test_images_are_overridden_by_key() -> None:
    images = Images.of({"rest-proxy": "mirror/rest-proxy:2"})
    assert str(images.rest_proxy) == "mirror/rest-proxy:2"
    assert str(images.controller) == "kserve/modelmesh-controller:v0.12.0"
