"""Pipelines that scikit-learn has fitted and skops has saved, from the file to the answer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from modelmesh_runtime import InferenceError, ModelLoadError
from modelmesh_runtime.testing import LoadedModel
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from pipeline_model import PipelineModel

FEATURES, CLASSES = load_iris(return_X_y=True)
SPECIES = np.array(["setosa", "versicolor", "virginica"])[CLASSES]

Load = Callable[[Any], LoadedModel]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """The model of a file with a pipeline."""

    def loaded(pipeline: Any) -> LoadedModel:
        skops.io.dump(pipeline, tmp_path / "iris.skops")
        return LoadedModel(PipelineModel, tmp_path)

    return loaded


def predicted(model: LoadedModel, rows: Any) -> tuple[str, list[int], Any]:
    """Datatype and shape in the metadata, and the prediction for some rows, with texts as str."""
    (output,) = model.model.outputs or []
    values = np.array(model(features=rows)["prediction"])
    return str(output.datatype), output.shape, (values.astype(str) if values.dtype.kind == "S" else values).tolist()


@pytest.mark.parametrize(("classes", "datatype"), [(CLASSES, "INT64"), (SPECIES, "BYTES"), (CLASSES > 0, "BOOL")])
def test_classes_are_predicted_as_by_scikit_learn(load: Load, classes: Any, datatype: str) -> None:
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(FEATURES, classes)
    assert predicted(load(pipeline), FEATURES) == (datatype, [-1], pipeline.predict(FEATURES).tolist())


@pytest.mark.parametrize(
    ("classes", "datatype"), [([CLASSES, CLASSES % 2], "INT64"), ([SPECIES, SPECIES[::-1]], "BYTES")]
)
def test_several_classes_for_each_row_are_predicted_as_by_scikit_learn(load: Load, classes: Any, datatype: str) -> None:
    classifier = MultiOutputClassifier(LogisticRegression())
    pipeline = make_pipeline(StandardScaler(), classifier).fit(FEATURES, np.transpose(classes))
    assert predicted(load(pipeline), FEATURES) == (datatype, [-1, 2], pipeline.predict(FEATURES).tolist())


def test_numbers_are_predicted_as_by_scikit_learn(load: Load) -> None:
    regression = LinearRegression().fit(FEATURES[:, :3], FEATURES[:, 3])
    datatype, shape, values = predicted(load(regression), FEATURES[:5, :3])
    assert (datatype, shape) == ("FP64", [-1])
    assert np.allclose(values, regression.predict(FEATURES[:5, :3]))


def test_several_numbers_for_each_row_are_predicted_as_by_scikit_learn(load: Load) -> None:
    regression = LinearRegression().fit(FEATURES[:, :2], FEATURES[:, 2:])
    datatype, shape, values = predicted(load(regression), FEATURES[:5, :2])
    assert (datatype, shape) == ("FP64", [-1, 2])
    assert np.allclose(values, regression.predict(FEATURES[:5, :2]))


def test_a_pipeline_for_which_zeros_are_no_features_is_served(load: Load) -> None:
    codes = np.array([[1.0], [2.0], [3.0]])
    pipeline = make_pipeline(OneHotEncoder(), LogisticRegression()).fit(codes, ["a", "b", "c"])
    assert predicted(load(pipeline), codes) == ("BYTES", [-1], ["a", "b", "c"])


def test_several_numbers_of_a_pipeline_for_which_zeros_are_no_features_are_served(load: Load) -> None:
    codes = np.array([[1.0], [2.0], [3.0]])
    pipeline = make_pipeline(OneHotEncoder(), LinearRegression()).fit(codes, np.eye(3)[:, :2])
    datatype, shape, values = predicted(load(pipeline), codes)
    assert (datatype, shape) == ("FP64", [-1, 2])
    assert np.allclose(values, pipeline.predict(codes))


def test_rows_of_another_width_are_refused(load: Load) -> None:
    model = load(LinearRegression().fit(FEATURES[:, :3], FEATURES[:, 3]))
    with pytest.raises(InferenceError, match=r'input "features": expected shape \[N, 3\]'):
        predicted(model, FEATURES[:5])


def test_a_file_with_code_in_it_is_not_loaded(load: Load) -> None:
    evil = FunctionTransformer(test_rows_of_another_width_are_refused).fit(FEATURES)
    with pytest.raises(ModelLoadError, match="UntrustedTypesFoundException"):
        load(evil)
