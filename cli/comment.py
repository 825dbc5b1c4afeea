"""A preview as a Markdown comment for a pull request: its summary, and the diff in a collapsed section.

The engine's output cannot break out of its code block, and the text fits into one comment.
"""

import re

from cli.preview import LONGEST_RESOURCE_LINES, Preview
from cli.shortening import shortened
from cli.summary import findings, summary

LONGEST = 60_000
"""Maximum number of characters; GitHub's limit is 65,536."""
_LONGEST_OPEN = 20_000
_SHORT_RESOURCE_LINES = 25
_CUT = "… cut here: a comment cannot be longer; `make preview` shows the rest"


def markdown(preview: Preview) -> str:
    """Text of the comment, of at most LONGEST characters."""
    failed = preview.code != 0
    reported = findings(preview.events) if failed else summary(preview.events, compared=not preview.unread)
    opened = [
        f"### Preview of stack {_code(preview.stack)}{' failed' if failed else ''}",
        _basis(preview),
        _fenced(_end_of(preview.messages.strip(), _LONGEST_OPEN)) if failed else "",
        _fenced(_marked(_start_of("\n".join(reported), _LONGEST_OPEN)), "diff"),
    ]
    text = "\n\n".join(part for part in opened if part)
    difference = _difference(preview, LONGEST_RESOURCE_LINES)
    if not difference:
        return f"{text}\n"
    head, tail = "\n\n<details><summary>What would change</summary>\n\n", "\n\n</details>\n"
    fence = len(_fence(difference))
    room = LONGEST - len(text) - len(head) - len(tail) - 2 * fence - len("diff\n\n")
    if len(difference) > room:
        difference = _difference(preview, _SHORT_RESOURCE_LINES)
    return f"{text}{head}{_fenced(_start_of(_marked(difference), room), 'diff')}{tail}"


def _basis(preview: Preview) -> str:
    if preview.unread:
        return f"Not compared with the stack's state, which can't be read here ({_code(preview.unread)}): all is new."
    return "Compared with the stack's state." if preview.shown else ""


def _difference(preview: Preview, longest: int) -> str:
    """Output of the engine, with its messages unless they are errors, which are shown separately."""
    shown = "".join(shortened(preview.shown.splitlines(keepends=True), longest))
    return shown.strip() if preview.code else f"{shown}\n{preview.messages}".strip()


def _marked(difference: str) -> str:
    """The diff with the engine's marks at the start of lines, as in a `diff` code block; ! is a change."""
    return re.sub(
        r"^( +)([-+~]{1,2})(?= )", lambda found: found[2].replace("~", "!") + found[1], difference, flags=re.MULTILINE
    )


def _start_of(text: str, room: int) -> str:
    if len(text) <= room:
        return text
    return f"{text[: max(0, room - len(_CUT) - 1)].rpartition(chr(10))[0]}\n{_CUT}"


def _end_of(text: str, room: int) -> str:
    """End of the text, since errors come last."""
    return text if len(text) <= room else f"…\n{text[-room:].partition(chr(10))[2]}"


def _fenced(text: str, language: str = "") -> str:
    fence = _fence(text)
    return f"{fence}{language}\n{text}\n{fence}" if text else ""


def _fence(text: str) -> str:
    """Code fence that is longer than any in the text."""
    return "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))


def _code(text: str) -> str:
    ticks = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    space = " " if "`" in text else ""
    return f"{ticks}{space}{text}{space}{ticks}"
