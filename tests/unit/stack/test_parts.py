"""How many services are split into parts, by their sizes and the hashes of their names."""

from itertools import count, islice

import pytest

from components.core.problem import ROOT
from components.services.parts import parts, size_problems, slot


def named(number: int, *, together: int) -> list[str]:
    """Names of so many services that are together as long as there are no more than so many parts."""
    return list(islice((name for name in map("model-{}".format, count()) if slot(name) % together == 0), number))


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({}, 1),
        ({"one": 120_000}, 1),
        (dict.fromkeys(named(10, together=1), 50_000), 1),
        (dict.fromkeys(named(10, together=1), 50_001), 2),
        (dict.fromkeys(named(21, together=1), 50_000), 4),
        (dict.fromkeys(named(9, together=4), 100_000), 2),
        (dict.fromkeys(named(9, together=4), 100_001), 8),
        (dict.fromkeys(named(1000, together=64), 120_000), 256),
    ],
)
def test_there_are_as_many_parts_as_hold_the_services(sizes: dict[str, int], expected: int) -> None:
    split = parts(sizes)
    assert [(part.number, part.count) for part in split] == [(number, expected) for number in range(expected)]
    assert sorted(name for part in split for name in part.services) == sorted(sizes)


def test_each_slot_is_one_of_some_name() -> None:
    assert {slot(name) for name in named(5000, together=1)} == set(range(256))


def test_the_selector_of_a_part_is_that_of_its_slots() -> None:
    assert [part.selector for part in parts({"one": 1})] == [""]
    for part in parts(dict.fromkeys(named(12, together=1), 100_000)):
        slots = part.selector.removeprefix(",modelmesh.pulumi.com/slot in (").removesuffix(")").split(",")
        assert sorted(map(int, slots)) == [each for each in range(256) if each % part.count == part.number]
        assert {str(slot(name)) for name in part.services} <= set(slots)


def test_services_for_which_a_config_map_is_too_small_are_a_problem() -> None:
    assert not [*size_problems(ROOT, dict.fromkeys(named(9, together=256), 100_000))]
    (problem,) = size_problems(ROOT, dict.fromkeys(named(9, together=256), 100_001))
    assert str(problem).endswith("900,009 bytes, expected services that fit into 256 ConfigMaps")
    (problem,) = size_problems(ROOT / "services", {"one": 120_000, "two": 120_001})
    assert str(problem) == "services.two: 120,001 bytes, expected at most 120,000"
