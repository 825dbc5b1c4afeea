"""Languages of texts, from the model's file and the words in the package beside the class."""

import asyncio
from pathlib import Path

import pytest
from mlserver.settings import ModelParameters, ModelSettings
from mlserver.types import InferenceRequest, RequestInput
from modelmesh_runtime import ModelLoadError

from language_model import LanguageModel


def loaded(folder: Path, codes: str) -> LanguageModel:
    """The model of a file with these codes."""
    (folder / "languages.txt").write_text(codes)
    parameters = ModelParameters(uri=str(folder))
    model = LanguageModel(ModelSettings(name="language", implementation=LanguageModel, parameters=parameters))
    assert asyncio.run(model.load())
    return model


def languages(model: LanguageModel, *texts: str) -> list[str]:
    """The languages of some texts."""
    given = RequestInput(name="text", datatype="BYTES", shape=[len(texts)], data=[*texts])
    output, shares = asyncio.run(model.predict(InferenceRequest(inputs=[given]))).outputs
    assert all(0 < share <= 1 for share in shares.data.root)
    return [each.decode() for each in output.data.root]


def test_each_text_gets_the_language_whose_words_it_has(tmp_path: Path) -> None:
    model = loaded(tmp_path, "en de fr")
    texts = ("What is the answer to all of that?", "Das ist nicht die Antwort auf alles.", "Ce n'est pas la réponse.")
    assert languages(model, *texts) == ["en", "de", "fr"]


def test_only_the_languages_of_the_model_are_candidates(tmp_path: Path) -> None:
    assert languages(loaded(tmp_path, "de fr"), "What is in the bag?") == ["de"]


def test_a_language_without_words_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError, match="expected languages out of de, en, fr, got 'tlh'"):
        loaded(tmp_path, "en tlh")
