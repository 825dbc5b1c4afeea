"""What is right, and what nobody knows yet, is let pass by every policy, in production as elsewhere."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from policies.rules import POLICIES
from policies.rules.reading import UNKNOWN
from tests.unit.policies.resources import GOOD, found, resource, spoilt

OBJECTS: list[tuple[str, Mapping[str, Any]]] = [
    (token, properties) for token, several in GOOD.items() for properties in several
]

BLANK: list[Mapping[str, Any]] = [{}, {"spec": None, "data": None}, {"spec": [], "data": []}, {"spec": UNKNOWN}]


@pytest.mark.parametrize(("token", "properties"), OBJECTS)
@pytest.mark.parametrize("stack", ["dev", "prod"])
@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
def test_a_good_resource_violates_nothing(policy: Any, stack: str, token: str, properties: Mapping[str, Any]) -> None:
    assert found(policy, resource(token, properties, stack=stack)) == []


@pytest.mark.parametrize(("token", "properties"), OBJECTS)
def test_no_value_that_is_not_known_yet_is_a_violation(token: str, properties: Mapping[str, Any]) -> None:
    for place in _places(properties):
        hidden = spoilt(properties, place, UNKNOWN)
        for policy in POLICIES:
            one = resource(token, hidden, stack="prod", within="modelmesh:index:ServingRuntime")
            assert found(policy, one) == [], (policy.name, place)


@pytest.mark.parametrize("token", GOOD)
def test_a_resource_of_which_nothing_is_said_is_for_the_cluster_to_refuse(token: str) -> None:
    for policy in POLICIES:
        if policy.name != "production":
            for properties in BLANK:
                assert found(policy, resource(token, properties)) == []


def test_what_is_no_kubernetes_object_is_let_pass() -> None:
    one = resource("core/v1:Pod", {"spec": {"hostNetwork": True}})
    other = replace(one, token="other:core/v1:Pod")  # noqa: S106  a type
    assert [violation for policy in POLICIES for violation in found(policy, other)] == []


def test_policies_have_names_of_their_own_and_say_what_can_be_set() -> None:
    assert len({policy.name for policy in POLICIES}) == len(POLICIES)
    for policy in POLICIES:
        for setting in policy.settings.values():
            assert setting.schema() == {
                "type": "array",
                "items": {"type": "string"},
                "description": setting.description,
                "default": list(setting.default),
            }


def _places(value: Any, above: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place in a document that has a value."""
    if isinstance(value, Mapping):
        below: list[tuple[str | int, Any]] = list(value.items())
    elif isinstance(value, list):
        below = list(enumerate(value))
    else:
        below = []
    for key, entry in below:
        yield (*above, key)
        yield from _places(entry, (*above, key))
