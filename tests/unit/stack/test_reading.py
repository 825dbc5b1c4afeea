"""Access to documents in which anything may stand anywhere, and what arguments become in them."""

from typing import Any

import pytest
from pulumi_kubernetes.core import v1

from components.core.reading import at, column, entries, number, requested, text
from components.core.rendering import KNOWN_LATER, document


@pytest.mark.parametrize(
    ("value", "expected"),
    [({"a": {"b": 1}}, 1), ({"a": {"b": 0}}, 0), ({"a": {}}, None), ({"a": "b"}, None), ([], None), (None, None)],
)
def test_a_value_is_read_by_its_path_or_is_none(value: Any, expected: Any) -> None:
    assert at(value, "a", "b") == expected


@pytest.mark.parametrize("value", [KNOWN_LATER, {"a": KNOWN_LATER}, {"a": {"b": KNOWN_LATER}}])
def test_what_is_below_a_value_that_is_known_later_is_known_later(value: Any) -> None:
    assert at(value, "a", "b") is KNOWN_LATER


@pytest.mark.parametrize(
    ("value", "read", "names"),
    [
        ([{"name": "a"}, "b", {}], [(0, {"name": "a"}), (2, {})], ["a", None, None]),
        (KNOWN_LATER, [], [KNOWN_LATER]),
        ({"name": "a"}, [], []),
        (None, [], []),
    ],
)
def test_a_list_is_read_where_it_has_mappings(value: Any, read: Any, names: Any) -> None:
    assert entries(value) == read
    assert column(value, "name") == names


@pytest.mark.parametrize(
    ("value", "as_text", "as_number"),
    [("a", "a", None), ("", "", None), (KNOWN_LATER, None, None), (1, None, 1), (0.5, None, 0.5), (True, None, None)],
)
def test_only_known_values_of_its_type_are_read(value: Any, as_text: str | None, as_number: float | None) -> None:
    assert text(value) == as_text
    assert number(value) is as_number


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({"requests": {"cpu": "1"}, "limits": {"cpu": "2"}}, "1"),
        ({"requests": {"memory": "1Gi"}, "limits": {"cpu": "2"}}, "2"),
        ({"requests": {"cpu": 0}, "limits": {"cpu": "2"}}, 0),
        ({}, None),
    ],
)
def test_a_limit_is_also_a_request(resources: dict[str, Any], expected: Any) -> None:
    assert requested({"resources": resources}, "cpu") == expected


def test_arguments_become_documents_with_the_names_of_kubernetes_and_without_none() -> None:
    container = v1.ContainerArgs(name="a", image_pull_policy="Always", args=["b"], env=[v1.EnvVarArgs(name="C")])
    found = document({"containers": (container, None), "data": b"d", "absent": None, "empty": {}, "zero": 0})
    expected = {"name": "a", "imagePullPolicy": "Always", "args": ["b"], "env": [{"name": "C"}]}
    assert found == {"containers": [expected, None], "data": b"d", "empty": {}, "zero": 0}
