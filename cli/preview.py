"""Preview of an `up`: the changes to the stack's state, or to an empty state if it can't be read.

The backend of a stack may be unreachable or require a login, its secrets may not be decryptable here, or the stack may
not exist yet; a stack of the embedded node has no state before the node's first start. The configuration can be
checked and the resources can be shown nevertheless.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from cli import engine
from cli.events import Events, read
from cli.scratch import NODE_NOT_STARTED, scratch
from cli.shortening import RESOURCE, shortened, without_colours
from cli.stack import Stack
from project.progress import say

LONGEST_START_SECONDS = 60
LONGEST_RESOURCE_LINES = 200


@dataclass(frozen=True, kw_only=True)
class Preview:
    """Result of a preview: the engine's exit code, its events, and its output and messages without colours.

    If the state was not read, `unread` has the reason.
    """

    stack: str
    code: int
    shown: str = ""
    messages: str = ""
    unread: str = ""
    events: Events = field(default_factory=Events)


def preview(stack: Stack) -> Preview:
    """Have the engine preview `stack` and show its output, without questions and changes."""
    if stack.embedded:
        return _run(stack)
    found = _run(stack, may_be_unread=True)
    if _has_begun(found.code, found.shown):
        return found
    return _run_unread(stack, _reason(found))


def preview_without_node(stack: Stack) -> Preview:
    """Preview a stack whose embedded node has never been started; `stack` has no node."""
    reason = "the embedded node was never started: placeholders stand for its cluster, registry and images"
    return _run_unread(stack, reason, NODE_NOT_STARTED)


def _run_unread(stack: Stack, reason: str, node: dict[str, Any] | None = None) -> Preview:
    say(f"▸ The state of {stack.name} can't be read here ({reason}), so everything shows as new")
    with scratch(stack, node) as throwaway:
        return replace(_run(throwaway), unread=reason)


def _run(stack: Stack, *, may_be_unread: bool = False) -> Preview:
    """One run of the engine; with `may_be_unread`, its output is held back until the state was read."""
    colour = "always" if sys.stdout.isatty() and "NO_COLOR" not in os.environ else "never"
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as errors,
        tempfile.NamedTemporaryFile(prefix="modelmesh-events-") as log,
    ):
        process = stack.with_environment(engine.event_log(Path(log.name))).started(
            "preview", "--diff", "--non-interactive", "--suppress-progress", "--color", colour,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
        )  # fmt: skip
        # The engine may retry for minutes if its backend is unreachable.
        limit = threading.Timer(LONGEST_START_SECONDS, process.terminate)
        assert process.stdout
        try:
            if may_be_unread:
                limit.start()
            shown = _shown(process.stdout, limit, held=may_be_unread)
            code = process.wait()
        finally:
            limit.cancel()
            # Interrupting a preview loses nothing, and its folder is deleted.
            process.terminate()
            process.wait()
        errors.seek(0)
        messages = errors.read()
        events = read(Path(log.name))
    if may_be_unread and code == 0 and RESOURCE not in shown:
        print(shown, end="", flush=True)
    if not may_be_unread or _has_begun(code, shown):
        print(messages, end="", file=sys.stderr, flush=True)
    return Preview(
        stack=stack.name,
        code=code,
        shown=without_colours(shown),
        messages=without_colours(messages),
        events=events,
    )


def _shown(output: IO[str], limit: threading.Timer, *, held: bool) -> str:
    """The whole output, which is shown as it arrives; if `held`, only from the first resource on."""
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
    """Whether the program has started: the stack itself is the first resource."""
    return code == 0 or RESOURCE in shown


def _reason(unread: Preview) -> str:
    """First line of the engine's first error, or its exit."""
    if found := re.search(r"^error: (.+)", unread.messages, re.MULTILINE):
        return found[1].strip()
    if unread.code == -signal.SIGTERM:
        return f"no answer within {LONGEST_START_SECONDS} s"
    return f"the engine ended with exit code {unread.code}"
