"""Counts keywords in texts; replace the tensors and both methods by those of your model."""

import re
from pathlib import Path
from typing import Any

from mlserver.types import InferenceRequest
from modelmesh_runtime import TEXT, CustomMLModel, Datatype, Tensor


class SkeletonModel(CustomMLModel):
    """Keyword list: a folder with `keywords.txt`, one word per line."""

    INPUTS = (Tensor(name="text", datatype=Datatype.BYTES, shape=("N",), content_type=TEXT),)
    OUTPUTS = (Tensor(name="count", datatype=Datatype.INT64, shape=("N",)),)

    def _load_model_from_file(self, file_uri: str) -> None:
        self._keywords = Path(file_uri, "keywords.txt").read_text(encoding="utf-8").casefold().split()

    def _predict_outputs(self, payload: InferenceRequest) -> dict[str, Any]:
        words = [re.findall(r"\w+", text.casefold()) for text in self.values(payload, "text")]
        return {"count": [sum(word in self._keywords for word in each) for each in words]}
