"""Progress lines on standard error: one when a step starts, and one with its duration when it ends.

Standard output is reserved for output that other programs read (`facts`, `env`). Steps may overlap, so each line is
written atomically and names its step.
"""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()


def say(text: str) -> None:
    """Print one line, or several lines without interleaving."""
    with _lock:
        print(text, file=sys.stderr, flush=True)


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
