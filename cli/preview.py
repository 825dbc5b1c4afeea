"""What `up` would change in a stack: the difference from its own state, or from nothing where that can't be read.

A stack of one's own cluster may belong to a backend that this machine is not logged in to or can't reach, have secrets
that can't be decrypted here, or not be made yet; one of the embedded node has no state before there is a node. Its spec
can be checked and shown all the same.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import IO, Any

from cli.scratch import NODE_NOT_STARTED, scratch
from cli.shortening import RESOURCE, shortened, without_colours
from cli.stack import Stack
from project.progress import say

LONGEST_START_SECONDS = 60
LONGEST_RESOURCE_LINES = 200


@dataclass(frozen=True, kw_only=True)
class Preview:
    """A preview that has ended: the engine's exit code, what it printed, and its messages, both without colours.

    `unread` says why the stack's own state was not looked at; empty where it was.
    """

    stack: str
    code: int
    shown: str = ""
    messages: str = ""
    unread: str = ""


def preview(stack: Stack) -> Preview:
    """Have the engine preview `stack` and show what it prints; nothing is asked and nothing changed.

    Raises:
        CommandError: there is no engine, or it can't make a throwaway stack.
    """
    if stack.embedded:
        return _run(stack)
    found = _run(stack, may_be_unread=True)
    if _has_begun(found.code, found.shown):
        return found
    return _run_unread(stack, _reason(found))


def preview_without_node(stack: Stack) -> Preview:
    """Likewise of a stack whose embedded node has never been started; `stack` is it on no node.

    Raises:
        CommandError: there is no engine, or it can't make a throwaway stack.
    """
    reason = "the embedded node was never started: placeholders stand for its cluster, registry and images"
    return _run_unread(stack, reason, NODE_NOT_STARTED)


def _run_unread(stack: Stack, reason: str, node: dict[str, Any] | None = None) -> Preview:
    say(f"▸ The state of {stack.name} can't be read here ({reason}), so everything shows as new")
    with scratch(stack, node) as throwaway:
        return replace(_run(throwaway), unread=reason)


def _run(stack: Stack, *, may_be_unread: bool = False) -> Preview:
    """One run of the engine; where it `may_be_unread`, nothing is shown until it is clear that the state was read."""
    colour = "always" if sys.stdout.isatty() and "NO_COLOR" not in os.environ else "never"
    with tempfile.TemporaryFile("w+", encoding="utf-8") as errors:
        process = stack.started(
            "preview", "--diff", "--non-interactive", "--suppress-progress", "--color", colour,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
        )  # fmt: skip
        # A backend out of reach may keep the engine trying for minutes.
        limit = threading.Timer(LONGEST_START_SECONDS, process.terminate)
        assert process.stdout
        try:
            if may_be_unread:
                limit.start()
            shown = _shown(process.stdout, limit, held=may_be_unread)
            code = process.wait()
        finally:
            limit.cancel()
            # Nothing is lost with a preview that somebody interrupts, and its folder goes.
            process.terminate()
            process.wait()
        errors.seek(0)
        messages = errors.read()
    if may_be_unread and code == 0 and RESOURCE not in shown:
        print(shown, end="", flush=True)
    if not may_be_unread or _has_begun(code, shown):
        print(messages, end="", file=sys.stderr, flush=True)
    return Preview(stack=stack.name, code=code, shown=without_colours(shown), messages=without_colours(messages))


def _shown(output: IO[str], limit: threading.Timer, *, held: bool) -> str:
    """All that comes; it is shown as it comes, or from when the first resource has come where it is `held`."""
    lines, waiting = list[str](), list[str]()

    def recorded() -> Iterator[str]:
        for line in output:
            lines.append(line)
            yield line

    for line in shortened(recorded(), LONGEST_RESOURCE_LINES):
        waiting.append(line)
        if RESOURCE in line:
            held = False
            limit.cancel()
        if not held:
            print(*waiting, sep="", end="", flush=True)
            waiting.clear()
    return "".join(lines)


def _has_begun(code: int, shown: str) -> bool:
    """Whether the program was run: the first resource is the stack itself, before the program does anything."""
    return code == 0 or RESOURCE in shown


def _reason(unread: Preview) -> str:
    """The first line of the engine's first error, or how it ended without any."""
    if found := re.search(r"^error: (.+)", unread.messages, re.MULTILINE):
        return found[1].strip()
    if unread.code == -signal.SIGTERM:
        return f"no answer within {LONGEST_START_SECONDS} s"
    return f"the engine ended with exit code {unread.code}"
