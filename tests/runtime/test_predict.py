"""Scores: the vaderSentiment package's own, over every way that a request can take."""

import struct
from typing import Any

import numpy
import pytest
from tritonclient.grpc import InferenceServerClient, InferInput
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from tests.runtime.conftest import EXAMPLE
from tests.runtime.v2_client import V2Client

SPECIAL = [
    "What a wonderful day, I love it!",
    "The food was awful and the staff were rude.",
    "At least it isn't a horrible book.",
    "The plot was good, but the characters are uncompelling and the dialog is not great.",
    "Today only kinda sux! But I'll get by, lol",
    "Make sure you :) or :D today!",
    "Catch utf-8 emoji such as 💘 and 💋 and 😁",
    "👨‍👩‍👧 🏳️‍🌈 ❤️",
    "Das Essen war großartig — très bien, ですね",
    "no no no",
    "the bomb",
    "without doubt the least terrible",
    "",
    "   \t\n ",
    "?!?!?!",
    "x" * 5000,
]
TEXTS = SPECIAL + [
    f"The {noun} was {degree}{word}{end}"
    for noun in ("book", "SERVICE", "hotel room")
    for degree in ("", "not ", "VERY ", "never so ", "kind of ")
    for word, end in (("good", "."), ("TERRIBLE", "!!!"), ("okay", " 😁"))
]


@pytest.fixture(scope="module")
def expected() -> list[dict[str, Any]]:
    package = SentimentIntensityAnalyzer()
    scores = [package.polarity_scores(text) for text in TEXTS]
    for score in scores:
        score["label"] = (
            "positive" if score["compound"] >= 0.05 else "negative" if score["compound"] <= -0.05 else "neutral"
        )
    return scores


def typed(texts: list[str]) -> dict[str, Any]:
    contents = {"bytes_contents": [text.encode() for text in texts]}
    return {"name": "text", "datatype": "BYTES", "shape": [len(texts)], "contents": contents}


def rows(columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    digits = {"compound": 4, "pos": 3, "neu": 3, "neg": 3}
    rounded = {name: [round(value, digits[name]) for value in columns[name]] for name in digits}
    names = ["neg", "neu", "pos", "compound"]
    labels = columns["label"]
    return [
        dict(zip(names, values, strict=True)) | {"label": label}
        for *values, label in zip(*(rounded[name] for name in names), labels, strict=True)
    ]


def test_corpus_has_all_labels(expected: list[dict[str, Any]]) -> None:
    assert len(TEXTS) > 60
    assert {score["label"] for score in expected} == {"positive", "neutral", "negative"}


def test_grpc_with_typed_contents(client: V2Client, expected: list[dict[str, Any]]) -> None:
    answer = client.call("ModelInfer", model_name=EXAMPLE, id="a-1", inputs=[typed(TEXTS)])
    assert (answer.model_name, answer.id) == (EXAMPLE, "a-1")
    assert [list(output.shape) for output in answer.outputs] == [[len(TEXTS)]] * 5
    columns: dict[str, list[Any]] = {output.name: list(output.contents.fp32_contents) for output in answer.outputs}
    columns["label"] = [label.decode() for label in answer.outputs[4].contents.bytes_contents]
    assert rows(columns) == expected


def test_grpc_with_raw_contents(client: V2Client, expected: list[dict[str, Any]]) -> None:
    raw = b"".join(struct.pack("<I", len(text.encode())) + text.encode() for text in TEXTS)
    tensor = {"name": "text", "datatype": "BYTES", "shape": [len(TEXTS)]}
    answer = client.call("ModelInfer", model_name=EXAMPLE, inputs=[tensor], raw_input_contents=[raw])
    columns: dict[str, list[Any]] = {
        output.name: list(struct.unpack(f"<{len(TEXTS)}f", data))
        for output, data in zip(answer.outputs[:4], answer.raw_output_contents[:4], strict=True)
    }
    labels, data = [], answer.raw_output_contents[4]
    while data:
        (size,) = struct.unpack_from("<I", data)
        labels.append(data[4 : 4 + size].decode())
        data = data[4 + size :]
    assert rows(columns | {"label": labels}) == expected


def test_a_common_client(client: V2Client, expected: list[dict[str, Any]]) -> None:
    tensor = InferInput("text", [len(TEXTS)], "BYTES")
    tensor.set_data_from_numpy(numpy.array([text.encode() for text in TEXTS], dtype=object))
    with InferenceServerClient(client.grpc_address) as triton:
        answer = triton.infer(EXAMPLE, [tensor])
    columns = {name: answer.as_numpy(name).tolist() for name in ("compound", "pos", "neu", "neg")}
    assert rows(columns | {"label": [label.decode() for label in answer.as_numpy("label")]}) == expected


def test_rest(client: V2Client, expected: list[dict[str, Any]]) -> None:
    tensor = {"name": "text", "datatype": "BYTES", "shape": [len(TEXTS)], "data": TEXTS}
    status, answer = client.rest(f"/v2/models/{EXAMPLE}/infer", {"id": "a-1", "inputs": [tensor]})
    assert (status, answer["model_name"], answer["id"]) == (200, EXAMPLE, "a-1")
    assert rows({output["name"]: output["data"] for output in answer["outputs"]}) == expected


def test_column_of_texts_as_mlservers_own_codec_sends_it(client: V2Client) -> None:
    tensor = typed(["good", "bad"]) | {"shape": [2, 1], "parameters": {"content_type": {"string_param": "str"}}}
    answer = client.call("ModelInfer", model_name=EXAMPLE, inputs=[tensor])
    assert list(answer.outputs[4].contents.bytes_contents) == [b"positive", b"negative"]


def test_no_texts_give_no_scores(client: V2Client) -> None:
    raw = {"name": "text", "datatype": "BYTES", "shape": [0]}
    for fields in ({"inputs": [typed([])]}, {"inputs": [raw], "raw_input_contents": [b""]}):
        answer = client.call("ModelInfer", model_name=EXAMPLE, **fields)
        assert [list(output.shape) for output in answer.outputs] == [[0]] * 5
    status, answer = client.rest(f"/v2/models/{EXAMPLE}/infer", {"inputs": [raw | {"data": []}]})
    assert status == 200
    assert [output["data"] for output in answer["outputs"]] == [[]] * 5


def test_only_the_outputs_asked_for_come_back(client: V2Client) -> None:
    outputs = [{"name": "label"}, {"name": "compound"}]
    answer = client.call("ModelInfer", model_name=EXAMPLE, inputs=[typed(["good"])], outputs=outputs)
    assert [output.name for output in answer.outputs] == ["label", "compound"]
