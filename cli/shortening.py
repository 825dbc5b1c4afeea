"""Leaves out most of what a preview prints of long new resources: two definitions of ModelMesh alone are 20,000 lines.

A changed resource is never shortened: of it, the engine prints what changes.
"""

import re
from collections.abc import Iterable, Iterator

RESOURCE = "[urn="
"""In the line that follows the head of each resource, at the margin of its properties."""
_HEAD = re.compile(r"[ +~-]*[\w.-]+:[\w./-]+:\w+: \(")
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_WHOLE = ("(create)", "(delete)")


def shortened(lines: Iterable[str], longest: int) -> Iterator[str]:
    """The lines of a preview, with the first `longest` of what stands inside the properties of a whole resource."""
    whole, margin, inside = False, 0, 0
    for line in lines:
        plain = without_colours(line)
        is_head = bool(_HEAD.match(plain))
        if whole and not is_head and _margin(plain) > margin:
            inside += 1
            if inside > longest:
                continue
        elif inside > longest:
            yield f"{' ' * margin}… {inside - longest} lines more\n"
            inside = 0
        if is_head:
            whole, margin, inside = any(word in plain for word in _WHOLE), len(plain), 0
        elif RESOURCE in plain:
            margin = _margin(plain)
        yield line


def without_colours(text: str) -> str:
    """The text without a terminal's escape sequences."""
    return _ANSI.sub("", text)


def _margin(line: str) -> int:
    return len(line) - len(line.lstrip(" +-~"))
