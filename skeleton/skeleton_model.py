"""Counts keywords in texts; replace the tensors and the three methods by those of your model.

Input: `text` BYTES [N]. Output: `count` INT64 [N], the number of words of each text that are keywords.
"""

import re
from pathlib import Path

from mlserver.errors import InferenceError
from mlserver.types import Datatype, InferenceRequest, ResponseOutput

from modelmesh_runtime import TEXT, CustomMLModel, Tensor

KEYWORDS_FILE = "keywords.txt"
WORD = re.compile(r"\w+")


class SkeletonModel(CustomMLModel):
    """Keyword list: a folder with `keywords.txt`, one word per line, or one such file."""

    INPUTS = (Tensor(name="text", datatype=Datatype.BYTES, shape=("N",), content_type=TEXT),)
    OUTPUTS = (Tensor(name="count", datatype=Datatype.INT64, shape=("N",)),)

    def _load_model_from_file(self, file_uri: str) -> None:
        path = Path(file_uri)
        file = path / KEYWORDS_FILE if path.is_dir() else path
        words = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
        for number, word in enumerate(words, start=1):
            # A ValueError for invalid files ends up in the InferenceService's status.
            if word and not WORD.fullmatch(word):
                raise ValueError(f"{file.name}:{number}: expected one word, got {word[:60]!r}")
        self._keywords = {word.casefold() for word in words if word}

    def _check_request(self, payload: InferenceRequest) -> InferenceRequest:
        # The base class checks everything that INPUTS declares; add checks of the model here.
        checked = super()._check_request(payload)
        for index, text in enumerate(self.values(checked, "text")):
            if not WORD.search(text):
                raise InferenceError(f'input "text": element {index}: expected at least one word')
        return checked

    def _predict_outputs(self, payload: InferenceRequest) -> list[ResponseOutput]:
        texts = self.values(payload, "text")
        counts = [sum(word in self._keywords for word in WORD.findall(text.casefold())) for text in texts]
        return [self.output("count", counts)]
