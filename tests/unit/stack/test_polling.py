"""The loop of every wait for the cluster, on a clock of its own."""

import asyncio
from collections.abc import Iterator

import pytest

from components.core.polling import poll


class Clock:
    """Moves on while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


def wait(looks: Iterator[str | Exception], timeout: float = 10) -> tuple[float, list[str]]:
    """How long the wait took and what it reported."""
    clock, reports = Clock(), list[str]()

    async def look() -> str:
        found = next(looks)
        if isinstance(found, Exception):
            raise found
        return found

    asyncio.run(
        poll(
            look, timeout_seconds=timeout, interval_seconds=2, report=reports.append, expired=TimeoutError,
            clock=lambda: clock.now, sleep=clock.sleep,
        )
    )  # fmt: skip
    return clock.now, reports


def test_it_ends_when_nothing_is_missing_and_reports_each_state_once() -> None:
    assert wait(iter(["a", "a", "b", "a", ""])) == (8, ["a", "b", "a"])


def test_what_is_there_already_is_not_waited_for() -> None:
    assert wait(iter([""])) == (0, [])


def test_after_the_timeout_the_error_says_what_is_missing() -> None:
    with pytest.raises(TimeoutError, match="still this"):
        wait(iter(["first", "first", "first", "first", "first", "still this"]))


def test_there_is_a_last_look_after_the_last_sleep() -> None:
    assert wait(iter(["a", ""]), timeout=1) == (2, ["a"])


def test_an_api_server_that_does_not_answer_is_waited_for() -> None:
    _, reports = wait(iter([ConnectionError("refused"), ""]))
    assert reports == ["no answer from the API server, trying again: refused"]
    with pytest.raises(TimeoutError, match="refused"):
        wait(iter([ConnectionError("refused")] * 9))


def test_any_other_error_ends_the_wait() -> None:
    with pytest.raises(ValueError, match="permanent"):
        wait(iter(["a", ValueError("permanent")]))
