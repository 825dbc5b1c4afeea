"""Termination of this process; the engine finishes the operations in progress and records them in the state."""

import ctypes
import os
import signal
import sys
from types import FrameType

_PR_SET_PDEATHSIG = 1
"""Option number in prctl(2)."""
_LIBC = ctypes.CDLL(None)  # loaded here, since a forked process must not wait for a lock of another thread


class TerminatedError(KeyboardInterrupt):
    """A signal, which only this process has received, asked it to terminate."""

    def __init__(self, number: int) -> None:
        super().__init__(f"ended by {signal.Signals(number).name}")
        self.exit_code = 128 + number


def raise_on_termination() -> None:
    """Convert SIGTERM and SIGHUP to an exception, unless they were ignored when this process was started."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _terminate)


def in_foreground() -> bool:
    """Whether a terminal sends Ctrl-C to this process and its children, and lets them read input."""
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except OSError:  # no terminal
        return False


def follow_parent() -> None:
    """Interrupt this child process if its parent is killed; for use as `preexec_fn`.

    A closing terminal sends SIGHUP to all its processes; the parent interrupts the child after that, once.
    """
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


def _terminate(number: int, _frame: FrameType | None) -> None:
    raise TerminatedError(number)
