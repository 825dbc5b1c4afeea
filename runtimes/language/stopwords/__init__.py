"""The commonest words of some languages, from the data files of this package."""

import re
from importlib.resources import files

_WORD = re.compile(r"\w+")


def words_of(language: str) -> frozenset[str]:
    """The commonest words of a language.

    Raises:
        ValueError: There is no file for it.
    """
    known = sorted(file.name.removesuffix(".txt") for file in files(__name__).iterdir() if file.name.endswith(".txt"))
    if language not in known:
        raise ValueError(f"expected languages out of {', '.join(known)}, got {language[:60]!r}")
    return frozenset(files(__name__).joinpath(f"{language}.txt").read_text(encoding="utf-8").split())


def share_of(text: str, words: frozenset[str]) -> float:
    """Share of a text's words that are among `words`."""
    found = _WORD.findall(text.casefold())
    return sum(word in words for word in found) / max(len(found), 1)
