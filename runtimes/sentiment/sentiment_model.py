"""Scores the sentiment of texts with VADER, using the lexicons of the loaded model.

This module defines the outputs and labels. The words and their valences are the model's files: data, which is not
unpickled or executed.

Input: `text` BYTES [N]. Outputs, all [N]: `compound` FP32, -1 (most negative) to 1; `pos`, `neu`, `neg` FP32, the
proportions of the text, which sum to 1 (or are 0 for a text without words); `label` BYTES, one of positive, neutral,
negative.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlserver.types import Datatype, InferenceRequest, MetadataModelResponse, Parameters
from modelmesh_runtime import TEXT, CustomMLModel, Tensor
from modelmesh_runtime.manifest import Manifest, read_manifest

from vader_analyzer import LexiconAnalyzer
from vader_lexicon import EMOJI_FILE, LEXICON_FILE, read_lexicon

FORMAT = "vader-lexicon"
SCORES = ("compound", "pos", "neu", "neg")
# Thresholds recommended by VADER's authors.
POSITIVE, NEGATIVE = 0.05, -0.05


class SentimentModel(CustomMLModel):
    """A VADER model: a directory with `vader_lexicon.txt` and `emoji_utf8_lexicon.txt`, or one lexicon file."""

    INPUTS = (Tensor(name="text", datatype=Datatype.BYTES, shape=("N",), content_type=TEXT),)
    OUTPUTS = (
        *(Tensor(name=name, datatype=Datatype.FP32, shape=("N",)) for name in SCORES),
        Tensor(name="label", datatype=Datatype.BYTES, shape=("N",), content_type=TEXT),
    )
    # About 20 microseconds per sentence, so 5 ms in all. A thread would compete with the event loop for the interpreter
    # lock, which costs up to a fifth of the throughput: benchmarks/results/settings.md.
    INLINE_ITEMS = 256

    _manifest: Manifest | None = None  # metadata may be requested before the model is loaded

    def _load_model_from_file(self, file_uri: str) -> None:
        path = Path(file_uri)
        self._manifest = read_manifest(path, FORMAT, reads=[LEXICON_FILE, EMOJI_FILE])
        self._scores: Callable[[str], dict[str, float]] = LexiconAnalyzer(read_lexicon(path)).scores

    async def metadata(self) -> MetadataModelResponse:
        """Tensors of the model, and the lexicon's name and version from its manifest."""
        metadata = await super().metadata()
        metadata.platform = "vader_lexicon"
        if self._manifest:
            # `versions` stays empty: it lists versions that a request may name.
            lexicon = {"lexicon": self._manifest.name, "lexicon_version": self._manifest.version}
            metadata.parameters = Parameters.model_validate(lexicon)
        return metadata

    def _predict_outputs(self, payload: InferenceRequest) -> dict[str, Any]:
        scores = [self._scores(text) for text in self.values(payload, "text")]
        labels = [_label(score["compound"]) for score in scores]
        return {name: [score[name] for score in scores] for name in SCORES} | {"label": labels}


def _label(compound: float) -> str:
    if compound >= POSITIVE:
        return "positive"
    return "negative" if compound <= NEGATIVE else "neutral"
