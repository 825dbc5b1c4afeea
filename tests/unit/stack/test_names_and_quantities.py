"""Shapes of names and sizes, as Kubernetes takes them."""

from decimal import Decimal

import pytest

from components.core.names_and_quantities import (
    choice_problems,
    duplicate_problems,
    is_subdomain,
    object_name,
    quantity,
    quantity_problems,
)
from components.core.problem import ROOT
from components.core.rendering import Unknown


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1Gi", 2**30), ("500m", Decimal("0.5")), ("1e3", 1000), ("2E", 2 * 10**18), (".5", Decimal("0.5")), (3, 3)],
)
def test_quantities_are_read_as_the_api_server_does(text: object, expected: Decimal) -> None:
    assert quantity(text) == expected


@pytest.mark.parametrize("text", ["1 Gi", " 1Gi", "1Gi\n", "", "Gi", "1GB", "1_0", "NaN", "Infinity", True, None])
def test_what_the_api_server_takes_for_no_quantity_is_none(text: object) -> None:
    assert quantity(text) is None
    assert list(quantity_problems(ROOT / "size", text))


def test_what_is_known_later_is_not_judged() -> None:
    later = Unknown("(known later)")
    assert quantity(later) is None
    assert not [
        *quantity_problems(ROOT / "size", later),
        *choice_problems(ROOT / "kind", later, ("a",)),
        *duplicate_problems(ROOT / "names", [later, later]),
    ]


def test_what_stands_twice_is_told_with_both_places() -> None:
    found = list(map(str, duplicate_problems(ROOT / "names", ["a", None, "b", "a", None], "name")))
    assert found == ["names[3].name: 'a', expected each value once; [0] has it already"]


@pytest.mark.parametrize("name", ["runtime", "custom-runtime-0.x", "a" * 54])
def test_a_name_that_kubernetes_takes_stays(name: str) -> None:
    assert object_name(name) == name


@pytest.mark.parametrize("name", ["a" * 55, "a" * 44 + "-b" * 40, "My_Runtime", "a..b", "-", "..", "größer", "0" * 300])
def test_another_is_changed_and_told_apart(name: str) -> None:
    made_up = f"{object_name(name)}-1234abcd"
    assert is_subdomain(made_up)
    assert len(made_up) <= 63
    assert object_name(name) == object_name(name) != object_name(name + "x")
