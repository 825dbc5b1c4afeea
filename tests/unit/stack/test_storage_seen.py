"""Which running pods have to be told of a changed storage Secret."""

from typing import Any

import pytest

from components.waiting.storage_seen import ANNOTATION, stale_pods

SECRET = {
    "resourceVersion": "7",
    "managedFields": [{"time": "2026-01-01T10:00:00Z"}, {"time": "2026-01-01T12:00:00Z"}],
}


def pod(created: str, seen: str | None = None) -> dict[str, Any]:
    annotations = {"annotations": {ANNOTATION: seen}} if seen else {}
    return {"metadata": {"name": "pod", "creationTimestamp": created, **annotations}}


@pytest.mark.parametrize(
    ("found", "stale"),
    [
        (pod("2026-01-01T11:00:00Z"), True),
        (pod("2026-01-01T12:00:00Z"), True),
        (pod("2026-01-01T12:00:01Z"), False),
        (pod("2026-01-01T11:00:00Z", seen="6"), True),
        (pod("2026-01-01T11:00:00Z", seen="7"), False),
    ],
)
def test_a_pod_older_than_the_change_is_told_once(found: dict[str, Any], stale: bool) -> None:
    assert stale_pods([found], SECRET) == ({"pod": "7"} if stale else {})


def test_where_nobody_knows_when_it_changed_every_pod_is_told() -> None:
    assert stale_pods([pod("2026-01-01T11:00:00Z")], {"resourceVersion": "7"}) == {"pod": "7"}
