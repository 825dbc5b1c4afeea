"""Reads VADER lexicons strictly: an error names the first invalid line.

This module defines the two file formats of the vaderSentiment package. The package's reader fails with a bare "could
not convert string to float" at an invalid line, and accepts a truncated file. The server is not imported, so that a
lexicon can be checked before it is published.

A lexicon line is `token<TAB>score`, optionally with a deviation and a list of ratings, an emoji line is
`emoji<TAB>description`. Blank lines are skipped, and the last of several lines for one token counts, as in the package.
More columns are an error: they are two lines without the line break between them, of which the package loses one.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LEXICON_FILE = "vader_lexicon.txt"
EMOJI_FILE = "emoji_utf8_lexicon.txt"
MAX_BYTES = 16 * 2**20
"""Largest size of a file. A lexicon takes about twelve times as much in memory; VADER's has less than half a MiB."""

MAX_DESCRIPTION = 200
"""Largest length of an emoji's description, by which texts grow. VADER's descriptions have up to 54 characters."""


class LexiconError(ValueError):
    """A lexicon cannot be used; the message is `file:line: reason` or `file: reason`."""


@dataclass(frozen=True)
class VaderLexicon:
    """Content of a lexicon."""

    scores: dict[str, float]
    """Valence by lower-case token, usually -4 (most negative) to 4."""
    emojis: dict[str, str]
    """English description by emoji; empty if the model has none."""


def read_lexicon(path: Path) -> VaderLexicon:
    """Read a model from a lexicon file, or from a directory with `vader_lexicon.txt` and optionally the emoji file.

    Raises:
        LexiconError: A file is missing or empty, or has an invalid line.
        OSError: A file cannot be read.
    """
    if not path.is_dir():
        return VaderLexicon(scores=_read_scores(path), emojis={})
    if not (path / LEXICON_FILE).is_file():
        found = ", ".join(sorted(entry.name for entry in path.iterdir())) or "nothing"
        found = found if len(found) <= 300 else f"{found[:300]} …"
        raise LexiconError(f"{LEXICON_FILE}: expected in the model's directory, which holds {found}")
    emoji_file = path / EMOJI_FILE
    return VaderLexicon(
        scores=_read_scores(path / LEXICON_FILE),
        emojis=_read_emojis(emoji_file) if emoji_file.is_file() else {},
    )


def _read_scores(path: Path) -> dict[str, float]:
    scores: dict[str, float] = {}
    for number, token, field in _entries(path, columns=4):
        try:
            score = float(field)
        except ValueError:
            score = math.nan
        if not math.isfinite(score):
            raise LexiconError(f"{path.name}:{number}: expected a number after the tab, got {_short(field)}")
        scores[token] = score
    if not scores:
        raise LexiconError(f"{path.name}: expected lines of token, tab, score; the file has none")
    return scores


def _read_emojis(path: Path) -> dict[str, str]:
    emojis: dict[str, str] = {}
    for number, emoji, text in _entries(path, columns=2):
        if len(text) > MAX_DESCRIPTION:
            raise LexiconError(f"{path.name}:{number}: expected a description of at most {MAX_DESCRIPTION} "
                               f"characters, got {len(text)}")  # fmt: skip
        emojis[emoji] = text
    return emojis


def _entries(path: Path, columns: int) -> Iterator[tuple[int, str, str]]:
    """Line number, first and second column of every line that is not blank and has no more than these columns."""
    if (size := path.stat().st_size) > MAX_BYTES:
        raise LexiconError(f"{path.name}: expected at most {MAX_BYTES >> 20} MiB, got {size / 2**20:.1f} MiB")
    for number, raw in enumerate(path.read_bytes().split(b"\n"), start=1):
        try:
            line = raw.decode()
        except UnicodeDecodeError as error:
            raise LexiconError(f"{path.name}:{number}: expected UTF-8, got {_short(raw)}") from error
        if not line.strip():
            continue
        match line.strip().split("\t"):
            case [token, field, *more] if len(more) <= columns - 2:
                yield number, token, field
            case [_, _, *more]:
                raise LexiconError(f"{path.name}:{number}: expected at most {columns} columns, got {len(more) + 2}; "
                                   "a line break may be missing")  # fmt: skip
            case _:
                raise LexiconError(f"{path.name}:{number}: expected two columns with a tab between, got {_short(line)}")


def _short(text: str | bytes) -> str:
    return repr(text if len(text) <= 60 else text[:60]) + ("" if len(text) <= 60 else " …")
