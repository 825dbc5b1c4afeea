"""Reads VADER lexicons strictly: every line is right, or the error says which one is not.

It owns the two file formats of the vaderSentiment package. Its own reader stops with a bare "could not convert string
to float" at a bad line and takes a cut-off file for a short one. No scoring here, and no import of the server, so that
a lexicon can be checked before it is published.

A lexicon line is `token<TAB>score`, an emoji line is `emoji<TAB>description`; further columns are ignored, blank lines
are skipped and of two lines for one token the last counts, all as in the package.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LEXICON_FILE = "vader_lexicon.txt"
EMOJI_FILE = "emoji_utf8_lexicon.txt"
MAX_BYTES = 16 * 2**20
"""Of one file. In memory a lexicon takes a dozen times as much; VADER's own has not half a MiB."""

MAX_DESCRIPTION = 200
"""Of an emoji, in characters: a text grows by as many for each. VADER's own has 54 at the most."""


class LexiconError(ValueError):
    """A lexicon cannot be used; the message is `file:line: reason` or `file: reason`."""


@dataclass(frozen=True)
class VaderLexicon:
    """What a model is.

    Attributes:
        scores: valence by lower-case token, usually -4 (most negative) to 4.
        emojis: English description by emoji; empty where the model has none.
    """

    scores: dict[str, float]
    emojis: dict[str, str]


def read_lexicon(path: Path) -> VaderLexicon:
    """Read a model from a lexicon file, or from a directory with `vader_lexicon.txt` and, if wanted, the emoji file.

    Raises:
        LexiconError: a file is missing, empty or has a bad line.
        OSError: a file cannot be read.
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
    for number, token, field in _entries(path):
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
    for number, emoji, text in _entries(path):
        if len(text) > MAX_DESCRIPTION:
            raise LexiconError(f"{path.name}:{number}: expected a description of {MAX_DESCRIPTION} characters at the "
                               f"most, got {len(text)}")  # fmt: skip
        emojis[emoji] = text
    return emojis


def _entries(path: Path) -> Iterator[tuple[int, str, str]]:
    """Line number, first and second column of every line that is not blank."""
    if (size := path.stat().st_size) > MAX_BYTES:
        raise LexiconError(f"{path.name}: expected {MAX_BYTES >> 20} MiB at the most, got {size / 2**20:.1f} MiB")
    for number, raw in enumerate(path.read_bytes().split(b"\n"), start=1):
        try:
            line = raw.decode()
        except UnicodeDecodeError as error:
            raise LexiconError(f"{path.name}:{number}: expected UTF-8, got {_short(raw)}") from error
        if not line.strip():
            continue
        match line.strip().split("\t"):
            case [token, field, *_]:
                yield number, token, field
            case _:
                raise LexiconError(f"{path.name}:{number}: expected two columns with a tab between, got {_short(line)}")


def _short(text: str | bytes) -> str:
    return repr(text if len(text) <= 60 else text[:60]) + ("" if len(text) <= 60 else " …")
