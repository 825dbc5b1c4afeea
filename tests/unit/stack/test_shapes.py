"""Shapes of names and sizes, as Kubernetes takes them."""

from decimal import Decimal

import pytest

from components.rendering import Unknown
from components.shapes import again, choice, quantity, quantity_problems


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1Gi", 2**30), ("500m", Decimal("0.5")), ("1e3", 1000), ("2E", 2 * 10**18), (".5", Decimal("0.5")), (3, 3)],
)
def test_quantities_are_read_as_the_api_server_does(text: object, expected: Decimal) -> None:
    assert quantity(text) == expected


@pytest.mark.parametrize("text", ["1 Gi", " 1Gi", "1Gi\n", "", "Gi", "1GB", "1_0", "NaN", "Infinity", True, None])
def test_what_the_api_server_takes_for_no_quantity_is_none(text: object) -> None:
    assert quantity(text) is None
    assert list(quantity_problems("size", text))


def test_what_is_known_later_is_not_judged() -> None:
    later = Unknown("(known later)")
    assert quantity(later) is None
    assert not [*quantity_problems("size", later), *choice("kind", later, ("a",)), *again("names", [later, later])]


def test_what_stands_twice_is_told_with_both_places() -> None:
    found = list(again("names", ["a", None, "b", "a", None], ".name"))
    assert found == ["names[3].name: 'a' again, expected another than that of names[0]"]
