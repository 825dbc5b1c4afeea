"""The three ways in which a request for scores can come, as functions of the same form.

Each returns a row a text, in the package's names and digits, with its label; or raises Refused with what the server
said, once it has been made sure that the status is the one for a bad request.
"""

import struct
from collections.abc import Callable, Sequence
from typing import Any

import grpc
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from tests.runtime.v2_client import V2Client

Row = dict[str, Any]
Way = Callable[[V2Client, str, Sequence[str]], list[Row]]

SCORES = ("neg", "neu", "pos", "compound")


class Refused(Exception):  # noqa: N818  (it is an answer)
    """The server's message for a request that it did not take."""


def package_scores(texts: Sequence[str]) -> list[Row]:
    """What the vaderSentiment package itself says, with the label that its authors recommend."""
    package = SentimentIntensityAnalyzer()
    return [labelled(package.polarity_scores(text)) for text in texts]


def labelled(row: Row) -> Row:
    compound = row["compound"]
    return row | {"label": "positive" if compound >= 0.05 else "negative" if compound <= -0.05 else "neutral"}


def packed(texts: Sequence[str]) -> bytes:
    return b"".join(struct.pack("<I", len(data)) + data for data in (text.encode() for text in texts))


def unpacked(raw: bytes) -> list[bytes]:
    elements = []
    while raw:
        (size,) = struct.unpack_from("<I", raw)
        elements.append(raw[4 : 4 + size])
        raw = raw[4 + size :]
    return elements


def typed(texts: Sequence[str]) -> dict[str, Any]:
    contents = {"bytes_contents": [text.encode() for text in texts]}
    return {"name": "text", "datatype": "BYTES", "shape": [len(texts)], "contents": contents}


def grpc_typed(client: V2Client, model: str, texts: Sequence[str]) -> list[Row]:
    answer = _call(client, model_name=model, inputs=[typed(texts)])
    columns: dict[str, Sequence[Any]] = {output.name: output.contents.fp32_contents for output in answer.outputs}
    return _rows(len(texts), columns | {"label": [each.decode() for each in answer.outputs[4].contents.bytes_contents]})


def grpc_raw(client: V2Client, model: str, texts: Sequence[str]) -> list[Row]:
    tensor = {"name": "text", "datatype": "BYTES", "shape": [len(texts)]}
    answer = _call(client, model_name=model, inputs=[tensor], raw_input_contents=[packed(texts)])
    columns: dict[str, Sequence[Any]] = {
        output.name: struct.unpack(f"<{len(raw) // 4}f", raw)
        for output, raw in zip(answer.outputs[:4], answer.raw_output_contents[:4], strict=True)
    }
    return _rows(len(texts), columns | {"label": [each.decode() for each in unpacked(answer.raw_output_contents[4])]})


def rest(client: V2Client, model: str, texts: Sequence[str]) -> list[Row]:
    tensor = {"name": "text", "datatype": "BYTES", "shape": [len(texts)], "data": texts}
    status, answer = client.rest(f"/v2/models/{model}/infer", {"inputs": [tensor]})
    if status != 200:
        assert (status, [*answer]) == (400, ["error"])
        raise Refused(answer["error"])
    return _rows(len(texts), {output["name"]: output["data"] for output in answer["outputs"]})


WAYS: tuple[Way, ...] = (grpc_typed, grpc_raw, rest)


def _call(client: V2Client, **fields: Any) -> Any:
    try:
        answer = client.call("ModelInfer", **fields)
    except grpc.RpcError as error:
        if error.code() != grpc.StatusCode.INVALID_ARGUMENT:
            raise
        raise Refused(error.details()) from error
    assert [output.name for output in answer.outputs] == ["compound", "pos", "neu", "neg", "label"]
    return answer


def _rows(count: int, columns: dict[str, Sequence[Any]]) -> list[Row]:
    assert {len(column) for column in columns.values()} == {count}
    return [
        # FP32 keeps seven digits, of which the package gives four.
        {name: round(columns[name][index], 4) for name in SCORES} | {"label": columns["label"][index]}
        for index in range(count)
    ]
