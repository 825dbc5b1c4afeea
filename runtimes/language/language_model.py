"""Guesses the language of texts by their commonest words: code, a package and data files, without a library.

Input: `text` BYTES [N]. Outputs, both [N]: `language` BYTES, a code such as `en`; `share` FP32, the words of the text
that are among that language's commonest.
"""

from pathlib import Path
from typing import Any

from mlserver.types import InferenceRequest
from modelmesh_runtime import TEXT, CustomMLModel, Datatype, Tensor

from stopwords import share_of, words_of


class LanguageModel(CustomMLModel):
    """A file `languages.txt` with the codes of the languages to choose from, or a folder with it."""

    INPUTS = (Tensor(name="text", datatype=Datatype.BYTES, shape=("N",), content_type=TEXT),)
    OUTPUTS = (
        Tensor(name="language", datatype=Datatype.BYTES, shape=("N",), content_type=TEXT),
        Tensor(name="share", datatype=Datatype.FP32, shape=("N",)),
    )

    def _load_model_from_file(self, file_uri: str) -> None:
        file = next(Path(file_uri).glob("languages.txt"), Path(file_uri))
        self._words = {code: words_of(code) for code in file.read_text(encoding="utf-8").split()}

    def _predict_outputs(self, payload: InferenceRequest) -> dict[str, Any]:
        texts = self.values(payload, "text")
        shares = [{code: share_of(text, words) for code, words in self._words.items()} for text in texts]
        languages = [max(each, key=each.__getitem__) for each in shares]
        return {"language": languages, "share": [max(each.values()) for each in shares]}
