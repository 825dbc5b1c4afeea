"""Checks the relative links and anchors of the documentation; `make lint` runs it. It asks no network."""

import re
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

_FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\]\(([^()\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+?)\s*$", re.MULTILINE)


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives a page's headings."""
    headings = (heading.replace("`", "").lower() for heading in _HEADING.findall(_FENCE.sub("", text)))
    return {
        "".join("-" if c == " " else c for c in heading if c in " -_" or unicodedata.category(c)[0] in "LN")
        for heading in headings
    }


def broken(page: Path) -> Iterator[str]:
    """Each link of a page that leads nowhere, with the page's name."""
    text = page.read_text(encoding="utf-8")
    for link in _LINK.findall(_CODE.sub("", _FENCE.sub("", text))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists():
            yield f"{page}: {link}: {path} does not exist"
        elif anchor and anchor not in anchors(target.read_text(encoding="utf-8")):
            yield f"{page}: {link}: no such heading in {target.name}"


def main() -> int:
    """Print the broken links of the pages that are named; 1 if there are any."""
    found = [problem for page in sys.argv[1:] for problem in broken(Path(page))]
    print("\n".join(found), end="\n" if found else "")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
