"""The scores are the vaderSentiment package's own, to four digits, on every line of a corpus that tries its rules."""

from typing import Any

import pytest

from tests.runtime.conftest import EXAMPLE
from tests.runtime.corpus import corpus
from tests.runtime.v2_client import V2Client
from tests.runtime.ways import WAYS, Row, Way, package_scores


@pytest.fixture(scope="module")
def lines() -> list[str]:
    return corpus()


@pytest.fixture(scope="module")
def expected(lines: list[str]) -> list[Row]:
    return package_scores(lines)


def test_corpus_is_the_same_every_time(lines: list[str]) -> None:
    assert lines == corpus()


def test_corpus_is_large_and_various(lines: list[str], expected: list[Row]) -> None:
    assert len({*lines}) > 3500
    assert len({row["compound"] for row in expected}) > 1500
    for label in ("positive", "neutral", "negative"):
        assert sum(row["label"] == label for row in expected) > 300


@pytest.mark.parametrize("ask", WAYS, ids=lambda way: way.__name__.replace("_", " "))
def test_every_line_has_the_packages_score(client: V2Client, lines: list[str], expected: list[Row], ask: Way) -> None:
    assert _wrong(lines, expected, ask(client, EXAMPLE, lines)) == []


def test_every_line_has_it_alone_as_well(client: V2Client, lines: list[str], expected: list[Row]) -> None:
    # One by one, so that few texts take the way for few texts.
    chosen = slice(0, None, 10)
    scored = [WAYS[0](client, EXAMPLE, [line])[0] for line in lines[chosen]]
    assert _wrong(lines[chosen], expected[chosen], scored) == []


def _wrong(lines: list[str], expected: list[Row], scored: list[Row]) -> list[Any]:
    return [each for each in zip(lines, expected, scored, strict=True) if each[1] != each[2]]
