"""Tests of the model, with the checks of the server but without one."""

from pathlib import Path

import pytest
from modelmesh_runtime import ModelLoadError
from modelmesh_runtime.testing import LoadedModel

from sentiment_model import SentimentModel


def test_texts_are_scored_with_the_words_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "vader_lexicon.txt").write_text("good\t1.9\nbad\t-2.5\n")
    answer = LoadedModel(SentimentModel, tmp_path)(text=["A good day.", "A bad day.", "A day."])
    assert answer["compound"] == pytest.approx([0.4404, -0.5423, 0], abs=5e-4)
    assert answer["label"] == [b"positive", b"negative", b"neutral"]


def test_a_line_that_is_no_word_is_told(tmp_path: Path) -> None:
    (tmp_path / "vader_lexicon.txt").write_text("good\tvery\n")
    with pytest.raises(ModelLoadError, match=r"vader_lexicon\.txt:1: expected a number after the tab, got 'very'"):
        LoadedModel(SentimentModel, tmp_path)
