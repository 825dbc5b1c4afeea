"""Shortens previews of long new resources: two CRDs of ModelMesh alone have 20,000 lines.

Changed resources are not shortened, since the engine only prints their changes.
"""

import re
from collections.abc import Iterable, Iterator

RESOURCE = "[urn="
"""Text in the line after the head of each resource, which is indented like its properties."""
_HEAD = re.compile(r"[ +~-]*[\w.-]+:[\w./-]+:\w+: \(")
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_WHOLE = ("(create)", "(delete)")


def shortened(lines: Iterable[str], longest: int) -> Iterator[str]:
    """Lines of a preview, with only the first `longest` lines of the properties of each new resource."""
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
    """Text without a terminal's escape sequences."""
    return _ANSI.sub("", text)


def _margin(line: str) -> int:
    return len(line) - len(line.lstrip(" +-~"))
