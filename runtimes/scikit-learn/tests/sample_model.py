"""Makes a sample model, a classifier of iris flowers: `python tests/sample_model.py FOLDER`."""

import sys
from pathlib import Path

import skops.io
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def main(folder: str) -> None:
    """Fit a pipeline and save it in a new folder."""
    iris = load_iris()
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit(iris.data, iris.target_names[iris.target])
    Path(folder).mkdir(parents=True)
    skops.io.dump(pipeline, Path(folder, "iris.skops"))


if __name__ == "__main__":
    main(*sys.argv[1:])
