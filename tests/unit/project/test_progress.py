"""One line stays below the others on a terminal, and log files get plain lines."""

import io
import sys
import threading

import pytest

from project import progress


class _Screen(io.StringIO):
    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


def _shown(monkeypatch: pytest.MonkeyPatch, *, terminal: bool) -> str:
    """Standard error of a block with a live line `half`, in which another line is printed."""
    screen = _Screen(terminal=terminal)
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(progress, "LIVE_SECONDS", (0.001, 60) if terminal else (60, 0.001))
    calls = iter(range(2, 10**9))
    again = threading.Event()

    def line() -> str:
        if next(calls) > 2:  # the first state has been printed
            again.set()
        return "half"

    with progress.live(line):
        assert again.wait(10)
        progress.say("a step ended")
    progress.say("all ended")
    return screen.getvalue()


def test_a_terminal_shows_the_latest_state_below_the_other_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    text = _shown(monkeypatch, terminal=True)
    assert text.startswith("\r\033[Khalf")
    assert "\r\033[Ka step ended\nhalf" in text
    assert text.endswith("\r\033[Kall ended\n")


def test_a_log_gets_whole_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    text = _shown(monkeypatch, terminal=False)
    assert text.startswith("half\n")
    assert text.endswith(("a step ended\nall ended\n", "a step ended\nhalf\nall ended\n"))
    assert "\033" not in text
    assert "\r" not in text
