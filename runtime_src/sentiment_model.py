"""Scores the sentiment of texts with VADER, over the lexicons of the model it is given.

It owns the model's outputs. The rules (negation, intensifiers, capitals, punctuation) are the vaderSentiment package's
own, the words and their valences are the model's files: data, of which nothing is unpickled or executed.

Input: `text` BYTES [N]. Outputs, all [N]: `compound` FP32, -1 (most negative) to 1; `pos`, `neu`, `neg` FP32, the
proportions of the text, which sum to 1 (or are 0 for a text without words); `label` BYTES, one of positive, neutral,
negative.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlserver.types import Datatype, InferenceRequest, MetadataTensor, Parameters, ResponseOutput, TensorData
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

import text_tensor
from custom_model import CustomMLModel
from vader_lexicon import VaderLexicon, read_lexicon

SCORES = ("compound", "pos", "neu", "neg")
LABEL = "label"
LABEL_PARAMETERS = Parameters(content_type=text_tensor.CONTENT_TYPE)
# The thresholds that VADER's authors recommend.
POSITIVE, NEGATIVE = 0.05, -0.05


class LexiconAnalyzer(SentimentIntensityAnalyzer):
    """The package's analyzer over a lexicon in memory; its own constructor reads files, and less strictly."""

    def __init__(self, lexicon: VaderLexicon) -> None:
        self.lexicon = lexicon.scores
        self.emojis = lexicon.emojis


class SentimentModel(CustomMLModel):
    """A VADER model: a directory with `vader_lexicon.txt` and `emoji_utf8_lexicon.txt`, or one lexicon file."""

    def _load_model_from_file(self, file_uri: str) -> None:
        self._score: Callable[[str], dict[str, float]] = LexiconAnalyzer(read_lexicon(Path(file_uri))).polarity_scores
        self.inputs = [text_tensor.METADATA]
        self.outputs = [
            *(MetadataTensor(name=name, datatype=Datatype.FP32, shape=[-1]) for name in SCORES),
            MetadataTensor(name=LABEL, datatype=Datatype.BYTES, shape=[-1], parameters=LABEL_PARAMETERS),
        ]

    def _check_request(self, payload: InferenceRequest) -> InferenceRequest:
        texts = text_tensor.read_texts(payload)
        payload.inputs[0].data = TensorData(root=texts)
        return payload

    def _predict_outputs(self, payload: InferenceRequest) -> list[ResponseOutput]:
        scores = [self._score(text) for text in payload.inputs[0].data]
        labels = [_label(score["compound"]).encode() for score in scores]
        return [
            *(_tensor(name, Datatype.FP32, [score[name] for score in scores]) for name in SCORES),
            _tensor(LABEL, Datatype.BYTES, labels, LABEL_PARAMETERS),
        ]


def _tensor(name: str, datatype: Datatype, data: list[Any], parameters: Parameters | None = None) -> ResponseOutput:
    root = TensorData(root=data)
    return ResponseOutput(name=name, datatype=datatype, shape=[len(data)], data=root, parameters=parameters)


def _label(compound: float) -> str:
    if compound >= POSITIVE:
        return "positive"
    return "negative" if compound <= NEGATIVE else "neutral"
