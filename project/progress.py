"""Progress lines on standard error: one when a step starts, and one with its duration when it ends.

Standard output is reserved for output that other programs read (`facts`, `env`). Steps may overlap, so each line is
written atomically and names its step. `live` keeps one more line below them.
"""

import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Seconds between two states of a live line: on a terminal, and as lines of a log.
LIVE_SECONDS = (1.0, 30.0)
_ERASE = "\r\033[K"

_lock = threading.Lock()
_live_line = ""


def say(text: str) -> None:
    """Print one line, or several lines without interleaving."""
    with _lock:
        if _live_line:
            print(f"{_ERASE}{text}\n{_live_line}", end="", file=sys.stderr, flush=True)
        else:
            print(text, file=sys.stderr, flush=True)


@contextmanager
def live(line: Callable[[], str]) -> Iterator[None]:
    """Show the current `line()` while the body runs: in place on a terminal, elsewhere every half minute."""
    on_terminal, over = sys.stderr.isatty(), threading.Event()

    def follow() -> None:
        ended = False
        while not ended:
            if on_terminal:
                _redraw(line()[: shutil.get_terminal_size().columns - 1])
            else:
                say(line())
            ended = over.wait(LIVE_SECONDS[0] if on_terminal else LIVE_SECONDS[1])

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        if on_terminal:
            _redraw("")


def _redraw(text: str) -> None:
    global _live_line  # noqa: PLW0603  a process has one terminal, with one last line
    with _lock:
        _live_line = text
        print(f"{_ERASE}{text}", end="", file=sys.stderr, flush=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Announce `title`, run the body and print its duration; a failure is marked and re-raised."""
    say(f"  … {title}")
    start = time.monotonic()
    try:
        yield
    except BaseException:
        say(f"  ✗ {title} ({time.monotonic() - start:.1f} s)")
        raise
    say(f"  ✓ {title} ({time.monotonic() - start:.1f} s)")
