"""Shapes of names and sizes, as Kubernetes takes them."""

from decimal import Decimal
from typing import Any

import pytest

from components.core.names_and_quantities import (
    choice_problems,
    duplicate_problems,
    is_subdomain,
    label_problems,
    object_name,
    quantity,
    quantity_problems,
    range_problems,
    secret_key_problems,
    subdomain_problems,
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
        *label_problems(ROOT / "name", later),
        *subdomain_problems(ROOT / "name", later),
        *quantity_problems(ROOT / "size", later),
        *choice_problems(ROOT / "kind", later, ("a",)),
        *duplicate_problems(ROOT / "names", [later, later]),
    ]


def test_what_stands_twice_is_told_with_both_places() -> None:
    found = list(map(str, duplicate_problems(ROOT / "names", ["a", None, "b", "a", None], "name")))
    assert found == ["names[3].name: 'a', expected each value once; [0] has it already"]


LABELS = ["a", "a-1", "0" * 63]
KEYS = ["a", "A.b_c-1", "a" * 253]


@pytest.mark.parametrize(
    ("check", "right", "wrong"),
    [
        (label_problems, LABELS, ["", "A", "a.b", "-a", "0" * 64, 1, None]),
        (subdomain_problems, [*LABELS, "a.b", "a" * 253], ["", "A", "a..b", "a.-b", "a" * 254, 1, None]),
        (secret_key_problems, KEYS, ["", "a/b", "a" * 254]),
        (quantity_problems, ["1", "1m", 0.5], ["0", 0, "-1", "x"]),
        (lambda path, value: choice_problems(path, value, ("a", "b")), ["a", "b"], ["c", "", None]),
        (lambda path, value: range_problems(path, value, 1, 3), [1, 3], [0, 4]),
    ],
    ids=["label", "subdomain", "key", "quantity", "choice", "range"],
)
def test_each_wrong_value_has_one_problem_at_its_path(check: Any, right: list[object], wrong: list[object]) -> None:
    path = ROOT / "field"
    assert {value: list(check(path, value)) for value in right} == {value: [] for value in right}
    found = {value: [(problem.path, problem.given) for problem in check(path, value)] for value in wrong}
    assert found == {value: [(path, value)] for value in wrong}


def test_choices_are_told_in_words() -> None:
    def expected(*allowed: str) -> str:
        (problem,) = choice_problems(ROOT / "kind", "x", allowed)
        return problem.expected

    assert (expected("a", "b"), expected("a", "b", "c")) == ("a or b", "one of a, b, c")


@pytest.mark.parametrize("name", ["runtime", "custom-runtime-0.x", "a" * 54])
def test_a_name_that_kubernetes_takes_stays(name: str) -> None:
    assert object_name(name) == name


def test_a_changed_name_is_the_same_in_every_version() -> None:
    """A cluster holds objects by these names."""
    assert object_name("My_Runtime") == "my-runtime-5be4efae"
    assert object_name("a" * 55) == "{}-9f4390f8".format("a" * 45)
    assert object_name("..") == "5ec1f7e7"


@pytest.mark.parametrize("name", ["a" * 55, "a" * 44 + "-b" * 40, "My_Runtime", "a..b", "-", "..", "größer", "0" * 300])
def test_another_is_changed_and_told_apart(name: str) -> None:
    made_up = f"{object_name(name)}-1234abcd"
    assert is_subdomain(made_up)
    assert len(made_up) <= 63
    assert object_name(name) == object_name(name) != object_name(name + "x")
