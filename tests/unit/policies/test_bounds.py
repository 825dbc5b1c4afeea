"""The bill of a stack stays within the bounds of its policy config."""

import pytest

from policies.rules.bounds import BOUNDED_BILL
from tests.unit.policies.resources import SIZES, resource

STACK = [
    resource(
        "apps/v1:Deployment",
        {"spec": {"replicas": 3.0, "template": {"spec": {"containers": [{"resources": SIZES}]}}}},
    )
]


def violations(*hard: str) -> list[str]:
    return list(BOUNDED_BILL.violations(STACK, {"hard": hard}))


def test_without_bounds_any_bill_is_accepted() -> None:
    assert list(BOUNDED_BILL.violations(STACK)) == []


def test_a_bill_may_be_as_large_as_its_bounds() -> None:
    sizes = "requests.cpu=150m", "requests.memory=192Mi", "limits.cpu=3", "limits.memory=192Mi"
    assert violations("pods=3", *sizes) == []


@pytest.mark.parametrize(
    ("bound", "violation"),
    [
        ("pods=2", "pods: 3, expected at most 2"),
        ("requests.cpu=149m", "requests.cpu: 0.15, expected at most 149m"),
        ("limits.memory=191Mi", "limits.memory: 201326592, expected at most 191Mi"),
    ],
)
def test_each_item_above_its_bound_is_named(bound: str, violation: str) -> None:
    assert violations(bound) == [violation]


@pytest.mark.parametrize("bound", ["cpu=1", "pods", "pods=many", "=1", ""])
def test_a_bound_that_means_nothing_is_named(bound: str) -> None:
    items = "pods, requests.cpu, requests.memory, limits.cpu, limits.memory"
    assert violations(bound) == [f"hard: {bound!r}, expected <item>=<quantity> with one of {items}"]
