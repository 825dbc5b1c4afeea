"""Reading lexicons: as the vaderSentiment package does where it can, and with a reason where it cannot."""

from pathlib import Path

import pytest
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from models.sentiment import make
from runtimes.sentiment.vader_lexicon import EMOJI_FILE, LEXICON_FILE, LexiconError, read_lexicon


def test_packaged_lexicons_read_as_the_package_reads_them(tmp_path: Path) -> None:
    make(tmp_path / "sentiment")
    package = SentimentIntensityAnalyzer()
    lexicon = read_lexicon(tmp_path / "sentiment")
    assert lexicon.scores == package.lexicon
    assert lexicon.emojis == package.emojis


def test_blank_lines_other_columns_and_line_ends_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "lexicon.txt"
    path.write_bytes("good\t1.9\t0.9\t[2, 2]\r\n\n  \nwörd\t-2\n:(\t-1\ngood\t2".encode())
    lexicon = read_lexicon(path)
    assert lexicon.scores == {"good": 2.0, "wörd": -2.0, ":(": -1.0}
    assert lexicon.emojis == {}


def test_directory_may_do_without_emojis(tmp_path: Path) -> None:
    (tmp_path / LEXICON_FILE).write_text("good\t1.9\n")
    assert read_lexicon(tmp_path).emojis == {}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"good\t1.9\nbad\n", "lexicon.txt:2: expected two columns with a tab between, got 'bad'"),
        (b"good\t1.9\nbad -2.5\n", "lexicon.txt:2: expected two columns with a tab between, got 'bad -2.5'"),
        (
            b"good\t1.9\t0.9\t[2, 2]bad\t-2\t0.5\t[-2]",
            "lexicon.txt:1: expected at most 4 columns, got 7; a line break may be missing",
        ),
        (b"good\tfine\n", "lexicon.txt:1: expected a number after the tab, got 'fine'"),
        (b"good\tnan\n", "lexicon.txt:1: expected a number after the tab, got 'nan'"),
        (b"good\t-inf\n", "lexicon.txt:1: expected a number after the tab, got '-inf'"),
        (b"good\t\t1.9\n", "lexicon.txt:1: expected a number after the tab, got ''"),
        (b"\n\ncaf\xe9\t1\n", "lexicon.txt:3: expected UTF-8, got b'caf\\xe9\\t1'"),
        (b"x" * 70, f"lexicon.txt:1: expected two columns with a tab between, got '{'x' * 60}' …"),
        (b"\n", "lexicon.txt: expected lines of token, tab, score; the file has none"),
    ],
)
def test_bad_line_is_named_with_its_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "lexicon.txt"
    path.write_bytes(content)
    with pytest.raises(LexiconError) as caught:
        read_lexicon(path)
    assert str(caught.value) == reason


def test_bad_emoji_line_is_named_too(tmp_path: Path) -> None:
    (tmp_path / LEXICON_FILE).write_text("good\t1.9\n")
    (tmp_path / EMOJI_FILE).write_text("😀\tgrinning face\n😁\n")
    with pytest.raises(LexiconError, match=r"emoji_utf8_lexicon\.txt:2: expected two columns"):
        read_lexicon(tmp_path)


def test_an_emoji_line_without_its_line_break_is_named(tmp_path: Path) -> None:
    (tmp_path / LEXICON_FILE).write_text("good\t1.9\n")
    (tmp_path / EMOJI_FILE).write_text("😀\tgrinning face😁\tbeaming face\n")
    with pytest.raises(LexiconError, match=r"emoji_utf8_lexicon\.txt:1: expected at most 2 columns, got 3"):
        read_lexicon(tmp_path)


def test_a_description_that_would_make_texts_grow_is_refused(tmp_path: Path) -> None:
    (tmp_path / LEXICON_FILE).write_text("good\t1.9\n")
    (tmp_path / EMOJI_FILE).write_text(f"😀\tgrinning face\n😁\t{'x' * 201}\n")
    with pytest.raises(
        LexiconError, match=r"emoji_utf8_lexicon\.txt:2: expected a description of at most 200 char.*got 201"
    ):
        read_lexicon(tmp_path)


def test_directory_without_a_lexicon_says_what_it_holds(tmp_path: Path) -> None:
    with pytest.raises(LexiconError, match=r"expected in the model's directory, which holds nothing"):
        read_lexicon(tmp_path)
    (tmp_path / "models.py").touch()
    with pytest.raises(LexiconError, match=r"which holds models\.py"):
        read_lexicon(tmp_path)
