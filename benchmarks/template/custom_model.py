"""The example's model in the style of the tutorial's template: three hooks, all on the event loop, without checks.

The runtime is compared to it, so it contains what a first version of such a file would contain, and no more.
"""

from pathlib import Path
from typing import Any

from mlserver import MLModel, types
from mlserver.codecs import StringCodec
from mlserver.utils import get_model_uri
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

_analyzer: Any = SentimentIntensityAnalyzer  # has no types


class CustomMLModel(MLModel):
    """VADER with the lexicons of a directory."""

    async def load(self) -> bool:
        """Load the model that the settings name."""
        self._load_model_from_file(await get_model_uri(self.settings))
        self.ready = True
        return self.ready

    async def predict(self, payload: types.InferenceRequest) -> types.InferenceResponse:
        """Answer one request."""
        payload = self._check_request(payload)
        return types.InferenceResponse(
            model_name=self.name, model_version=self.version, outputs=self._predict_outputs(payload)
        )

    def _load_model_from_file(self, file_uri: str) -> None:
        lexicon, emojis = (str(Path(file_uri) / name) for name in ("vader_lexicon.txt", "emoji_utf8_lexicon.txt"))
        self._analyzer = _analyzer(lexicon, emojis)

    def _check_request(self, payload: types.InferenceRequest) -> types.InferenceRequest:
        return payload

    def _predict_outputs(self, payload: types.InferenceRequest) -> list[types.ResponseOutput]:
        texts = StringCodec.decode_input(payload.inputs[0])
        scores = [self._analyzer.polarity_scores(text) for text in texts]
        shape = [len(scores)]
        outputs = [
            types.ResponseOutput(
                name=name,
                datatype=types.Datatype.FP32,
                shape=shape,
                data=types.TensorData(root=[each[name] for each in scores]),
            )
            for name in ("compound", "pos", "neu", "neg")
        ]
        labels = StringCodec.encode_output("label", [_label(each["compound"]) for each in scores])
        return [*outputs, labels]


def _label(compound: float) -> str:
    if compound >= 0.05:
        return "positive"
    return "negative" if compound <= -0.05 else "neutral"
