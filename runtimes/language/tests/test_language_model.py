"""Languages of texts, from the model's file and the words in the package beside the class."""

from pathlib import Path

import pytest
from modelmesh_runtime import ModelLoadError
from modelmesh_runtime.testing import LoadedModel

from language_model import LanguageModel

MODEL = Path(__file__).parents[1] / "model"


def languages(model: LoadedModel, *texts: str) -> list[str]:
    """The languages of some texts."""
    answer = model(text=texts)
    assert all(0 < share <= 1 for share in answer["share"])
    return [each.decode() for each in answer["language"]]


def test_each_text_gets_the_language_whose_words_it_has() -> None:
    model = LoadedModel(LanguageModel, MODEL)
    texts = ("What is the answer to all of that?", "Das ist nicht die Antwort auf alles.", "Ce n'est pas la réponse.")
    assert languages(model, *texts) == ["en", "de", "fr"]


def test_only_the_languages_of_the_model_are_candidates(tmp_path: Path) -> None:
    (tmp_path / "languages.txt").write_text("de fr")
    assert languages(LoadedModel(LanguageModel, tmp_path), "What is in the bag?") == ["de"]


def test_a_language_without_words_is_refused(tmp_path: Path) -> None:
    (tmp_path / "languages.txt").write_text("en tlh")
    with pytest.raises(ModelLoadError, match="expected languages out of de, en, fr, got 'tlh'"):
        LoadedModel(LanguageModel, tmp_path)
