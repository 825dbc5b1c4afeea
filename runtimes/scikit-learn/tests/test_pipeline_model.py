"""Pipelines that scikit-learn has fitted and skops has saved, from the file to the answer."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from mlserver.settings import ModelParameters, ModelSettings
from mlserver.types import InferenceRequest, RequestInput
from modelmesh_runtime import InferenceError, ModelLoadError
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from pipeline_model import PipelineModel

FEATURES, CLASSES = load_iris(return_X_y=True)


def loaded(pipeline: Any, folder: Path) -> PipelineModel:
    """The model of a file with that pipeline."""
    skops.io.dump(pipeline, folder / "iris.skops")
    parameters = ModelParameters(uri=str(folder))
    model = PipelineModel(ModelSettings(name="iris", implementation=PipelineModel, parameters=parameters))
    assert asyncio.run(model.load())
    return model


def predicted(model: PipelineModel, rows: Any) -> tuple[str, list[Any]]:
    """Datatype and values of the prediction for some rows."""
    data = np.asarray(rows).ravel().tolist()
    features = RequestInput(name="features", datatype="FP64", shape=[*np.shape(rows)], data=data)
    (output,) = asyncio.run(model.predict(InferenceRequest(inputs=[features]))).outputs
    return str(output.datatype.value), [*output.data.root]


@pytest.mark.parametrize(
    ("classes", "datatype"), [(CLASSES, "INT64"), (np.array(["setosa", "versicolor", "virginica"])[CLASSES], "BYTES")]
)
def test_classes_are_predicted_as_by_scikit_learn(tmp_path: Path, classes: Any, datatype: str) -> None:
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(FEATURES, classes)
    given, values = predicted(loaded(pipeline, tmp_path), FEATURES)
    texts = [each.decode() if isinstance(each, bytes) else each for each in values]
    assert (given, texts) == (datatype, pipeline.predict(FEATURES).tolist())


def test_numbers_are_predicted_as_by_scikit_learn(tmp_path: Path) -> None:
    regression = LinearRegression().fit(FEATURES[:, :3], FEATURES[:, 3])
    datatype, values = predicted(loaded(regression, tmp_path), FEATURES[:5, :3])
    assert datatype == "FP64"
    assert np.allclose(values, regression.predict(FEATURES[:5, :3]))


def test_rows_of_another_width_are_refused(tmp_path: Path) -> None:
    model = loaded(LinearRegression().fit(FEATURES[:, :3], FEATURES[:, 3]), tmp_path)
    with pytest.raises(InferenceError, match=r'input "features": expected shape \[N, 3\]'):
        predicted(model, FEATURES[:5])


def test_a_file_with_code_in_it_is_not_loaded(tmp_path: Path) -> None:
    evil = FunctionTransformer(loaded).fit(FEATURES)
    with pytest.raises(ModelLoadError, match="UntrustedTypesFoundException"):
        loaded(evil, tmp_path)
