"""Tests of the model, with the checks of the server but without one."""

from pathlib import Path

import pytest
from modelmesh_runtime import InferenceError, ModelLoadError
from modelmesh_runtime.testing import LoadedModel

from skeleton_model import SkeletonModel

MODEL = Path(__file__).parents[1] / "model"


def test_keywords_are_counted_whatever_their_case() -> None:
    model = LoadedModel(SkeletonModel, MODEL)
    assert model(text=["What a wonderful day, I LOVE it!", "A day."]) == {"count": [2, 0]}


def test_other_inputs_are_refused() -> None:
    with pytest.raises(InferenceError, match='expected "text", got "txt"'):
        LoadedModel(SkeletonModel, MODEL)(txt=["A day."])


def test_a_folder_without_keywords_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError, match=r"keywords\.txt"):
        LoadedModel(SkeletonModel, tmp_path)
