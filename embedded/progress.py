"""Progress lines on standard error: one when a step starts, one with its seconds when it ends.

Standard output stays free for what a command prints to be read by another program (`config`, `env`). Steps may overlap:
each line is written whole and names its step.
"""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()


def say(text: str) -> None:
    """Print one line (or several, kept together)."""
    with _lock:
        print(text, file=sys.stderr, flush=True)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Announce `title`, run the body, and print how long it took; a failure is marked and passed on."""
    say(f"  … {title}")
    start = time.monotonic()
    try:
        yield
    except BaseException:
        say(f"  ✗ {title} ({time.monotonic() - start:.1f} s)")
        raise
    say(f"  ✓ {title} ({time.monotonic() - start:.1f} s)")
