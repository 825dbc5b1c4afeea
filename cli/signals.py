"""Ends of this process that the engine has to follow: it finishes what it has begun and records it in the state."""

import ctypes
import os
import signal
import sys
from types import FrameType

_PR_SET_PDEATHSIG = 1
"""An option of prctl(2)."""
_LIBC = ctypes.CDLL(None)  # loaded here, as a new process must not wait for a lock that a thread held


class TerminatedError(KeyboardInterrupt):
    """This process was asked to end by a signal that only this process has received."""

    def __init__(self, number: int) -> None:
        super().__init__(f"ended by {signal.Signals(number).name}")
        self.exit_code = 128 + number


def raise_on_termination() -> None:
    """Let SIGTERM and SIGHUP end this process by an exception, unless it was started to ignore them."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _terminate)


def in_foreground() -> bool:
    """Whether a terminal sends its Ctrl-C to this process and its children, and lets them read answers."""
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except OSError:  # no terminal
        return False


def follow_parent() -> None:
    """To run in a child before its program: it is interrupted when its parent is killed, and only then.

    A terminal that is closed sends SIGHUP to all its processes; the parent interrupts the child after that, once.
    """
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


def _terminate(number: int, _frame: FrameType | None) -> None:
    raise TerminatedError(number)
