"""Golden predictions to vary."""

import copy
import json
from pathlib import Path
from typing import Any

from components.services.golden_predictions import GoldenPredictions

IMAGE = f"registry.example/server@sha256:{'a' * 64}"
PREDICTION: dict[str, Any] = {
    "request": {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [2], "data": ["good", "bad"]}]},
    "response": {
        "outputs": [
            {"name": "compound", "datatype": "FP32", "shape": [2], "data": [0.4404, -0.5423]},
            {"name": "label", "datatype": "BYTES", "shape": [2], "data": ["positive", "negative"]},
        ]
    },
    "tolerance": {"compound": 0.001},
}


def prediction(*path: str | int, value: Any = None) -> dict[str, Any]:
    """The prediction with another value at a path; without the field there if the value is None."""
    changed = copy.deepcopy(PREDICTION)
    place: Any = changed
    for part in path[:-1]:
        place = place[part]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return changed


def golden(folder: Path, **files: Any) -> GoldenPredictions:
    """Predictions of a folder with these files, by their names without suffix; texts are written as they are."""
    for name, content in (files or {"words": PREDICTION}).items():
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
    return GoldenPredictions(folder=folder, image=IMAGE)
