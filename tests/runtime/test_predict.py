"""Scores: defined for every text and number of texts, and the same by every way that a request can take."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import numpy
import pytest
from tritonclient.grpc import InferenceServerClient, InferInput

from tests.runtime.conftest import EXAMPLE
from tests.runtime.server import RuntimeServer
from tests.runtime.v2_client import V2Client
from tests.runtime.ways import SCORES, WAYS, Refused, Way, grpc_typed, package_scores, typed

MAX_BYTES = 2**20
MESSAGE_BYTES, ELEMENT_BYTES = 4 * 2**20, 64  # of gRPC's messages; of what an element counts at least
UNSCORED = {"neg": 0.0, "neu": 0.0, "pos": 0.0, "compound": 0.0, "label": "neutral"}
NEUTRAL = UNSCORED | {"neu": 1.0}

# Texts that one might expect trouble of, with the score where it is easily told; the package's own in any case.
SPECIAL: dict[str, tuple[str, dict[str, Any] | None]] = {
    "plain": ("What a wonderful day, I love it!", None),
    "empty": ("", UNSCORED),
    "spaces": ("   ", UNSCORED),
    "white space": (" \t\r\n\v\f\u00a0\u2003\u3000 ", UNSCORED),
    "only punctuation": ("?!?!?!", NEUTRAL),
    "one character": ("x", NEUTRAL),
    "one word of the lexicon": ("good", None),
    "capitals": ("GOOD", None),
    "emoticons": ("Make sure you :) or :D today!", None),
    "emoji": ("Catch utf-8 emoji such as 💘 and 💋 and 😁", None),
    "only an emoji": ("😁", None),
    "emoji without spaces": ("fine😁fine", None),
    "emoji of several code points": ("👨‍👩‍👧 🏳️‍🌈 ❤️ 👍🏽 🇩🇪", None),
    "a whole text that is such an emoji": ("👁️‍🗨️", None),
    "half an emoji of several": ("\u200d\ufe0f", NEUTRAL),
    "other scripts": ("Das Essen war großartig — très bien, ですね, отлично, رائع", None),
    "right to left marks": ("\u202egood\u202c", None),
    "combining characters": ("go\u0301od good", None),
    "capitals that lower to more": ("İ LOVE İT", None),
    "beyond the basic plane": ("\U0001d4f0\U0001d4f8\U0001d4f8\U0001d4ed \U0010ffff", NEUTRAL),
    "NUL": ("\x00", NEUTRAL),
    "NUL between": ("good\x00bad", NEUTRAL),
    "NUL beside words": ("good \x00 day", None),
    "control characters": ("good\x01\x1b[31m bad\x7f", None),
    "byte order mark": ("\ufeffgood", NEUTRAL),
    "line ends": ("good\nbad\r\ngood\u2028good", None),
    "tabs": ("good\t1.9", None),
    "one long word": ("x" * 5000, NEUTRAL),
    "JSON": ('{"text": "good"}', None),
    "a template": ("%s {0} ${x} good", None),
}
# Of 1 MiB each; the package's own rules would take most of an hour for the words.
LONG: dict[str, tuple[str, dict[str, Any]]] = {
    "one word": ("x" * MAX_BYTES, NEUTRAL),
    "space": (" " * MAX_BYTES, UNSCORED),
    "NUL": ("\x00" * MAX_BYTES, NEUTRAL),
    "emoji": (("😁" + "x" * 12) * (MAX_BYTES // 16), {"neg": 0.0, "compound": 1.0}),
    "words": (
        ("the good " * (MAX_BYTES // 9)).ljust(MAX_BYTES),
        {"neg": 0.0, "neu": 0.256, "pos": 0.744, "compound": 1.0, "label": "positive"},
    ),
    "words around but": (
        ("the good " * (MAX_BYTES // 20) + "but " + "no bad day " * (MAX_BYTES // 22)).ljust(MAX_BYTES),
        {"label": "positive"},
    ),
}


@pytest.fixture(params=WAYS, ids=lambda way: way.__name__.replace("_", " "))
def ask(request: pytest.FixtureRequest) -> Way:
    way: Way = request.param
    return way


@pytest.mark.parametrize(("text", "known"), SPECIAL.values(), ids=SPECIAL.keys())
def test_any_text_has_the_packages_score(client: V2Client, ask: Way, text: str, known: dict[str, Any] | None) -> None:
    (scored,) = ask(client, EXAMPLE, [text])
    assert [scored] == package_scores([text])
    assert known is None or scored == known


def test_a_text_has_the_same_score_among_others(client: V2Client, ask: Way) -> None:
    texts = [text for text, _ in SPECIAL.values()]
    assert ask(client, EXAMPLE, texts) == package_scores(texts)


@pytest.mark.parametrize(("text", "known"), LONG.values(), ids=LONG.keys())
def test_a_text_of_1_mb_is_scored(client: V2Client, text: str, known: dict[str, Any]) -> None:
    assert len(text.encode()) == MAX_BYTES
    (scored,) = grpc_typed(client, EXAMPLE, [text])
    assert scored | known == scored


def test_a_text_of_1_mb_is_taken_by_every_way(client: V2Client, ask: Way) -> None:
    text, known = LONG["one word"]
    assert ask(client, EXAMPLE, [text]) == [known]


def test_a_text_of_many_words_has_the_packages_score(client: V2Client) -> None:
    texts = [
        "the good " * 700,
        "the good but " * 500,
        "never so good, without doubt the best " * 200,
        "fun " * 800 + "but" + " rude" * 800,
        "no bad day, BUT not the least fun, at least kind of " * 150,
    ]
    assert grpc_typed(client, EXAMPLE, texts) == package_scores(texts)


def test_no_text_has_no_score(client: V2Client, ask: Way) -> None:
    assert ask(client, EXAMPLE, []) == []


@pytest.mark.parametrize("count", [1, 31, 32, 33, 10_000, 16_384])
def test_texts_keep_their_order(client: V2Client, ask: Way, count: int) -> None:
    texts = ["good", "a bad day", "", "so what", "GREAT!"]
    expected = package_scores(texts)
    assert ask(client, EXAMPLE, (texts * count)[:count]) == (expected * count)[:count]


def test_more_texts_than_a_message_may_take_in_memory_are_refused(client: V2Client, ask: Way) -> None:
    texts = ["x"] * (MESSAGE_BYTES // ELEMENT_BYTES + 1)
    with pytest.raises(Refused) as refused:
        ask(client, EXAMPLE, texts)
    assert str(refused.value) == (
        f'input "text": expected at most {MESSAGE_BYTES} bytes in a request, got {len(texts) * ELEMENT_BYTES}; '
        "MLSERVER_GRPC_MAX_MESSAGE_LENGTH sets the limit, in a stack by the key modelmesh:maxMessageBytes"
    )


def test_labels_change_at_the_thresholds_of_the_authors(
    server: RuntimeServer, client: V2Client, model: str, ask: Way
) -> None:
    server.lay_out(model, {"edges.txt": b"pro\t0.1939\nmaybe\t0.1935\nperhaps\t-0.1935\ncontra\t-0.1939\n"})
    server.load(model)
    scored = ask(client, model, ["pro", "maybe", "perhaps", "contra"])
    assert [(row["compound"], row["label"]) for row in scored] == [
        (0.05, "positive"), (0.0499, "neutral"), (-0.0499, "neutral"), (-0.05, "negative"),
    ]  # fmt: skip


def test_emojis_of_several_characters_are_never_found_as_in_the_package(
    server: RuntimeServer, client: V2Client, model: str
) -> None:
    files = {"vader_lexicon.txt": b"love\t3.2\n", "emoji_utf8_lexicon.txt": b"(y)\tlove\n+\tlove\n"}
    server.lay_out(model, files)
    server.load(model)
    scored = grpc_typed(client, model, ["(y)", "fine (y)", "+", "1+"])
    assert [row["label"] for row in scored] == ["neutral", "neutral", "positive", "positive"]


def test_the_server_answers_others_while_it_scores_a_long_text(client: V2Client) -> None:
    text, _ = LONG["words"]
    scoring = client.start("ModelInfer", model_name=EXAMPLE, inputs=[typed([text])])
    answered = 0
    while not scoring.done():
        client.call("ServerLive")
        answered += not scoring.done()
    assert len(scoring.result().outputs) == 5
    assert answered > 2


def test_the_server_answers_others_while_it_scores_long_texts_in_rows(client: V2Client) -> None:
    text, known = LONG["words"]
    data = [[text[: MAX_BYTES // 2]]] * 4
    body = {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [4, 1], "data": data}]}
    with ThreadPoolExecutor(1) as pool:
        scoring = pool.submit(client.rest, f"/v2/models/{EXAMPLE}/infer", body)
        answered = 0
        while not scoring.done():
            client.call("ServerLive")
            answered += not scoring.done()
    status, answer = scoring.result()
    assert (status, answer["outputs"][4]["data"]) == (200, [known["label"]] * 4)
    # A server that scores on its event loop answers a few of them before it begins.
    assert answered > 20


def test_a_common_client(client: V2Client) -> None:
    texts = [text for text, _ in SPECIAL.values()]
    tensor = InferInput("text", [len(texts)], "BYTES")
    tensor.set_data_from_numpy(numpy.array([text.encode() for text in texts], dtype=object))
    with InferenceServerClient(client.grpc_address) as triton:
        answer = triton.infer(EXAMPLE, [tensor])
    expected = package_scores(texts)
    for name in SCORES:
        assert [round(value, 4) for value in answer.as_numpy(name).tolist()] == [row[name] for row in expected]
    assert [label.decode() for label in answer.as_numpy("label")] == [row["label"] for row in expected]


def test_column_of_texts_as_mlservers_own_codec_sends_it(client: V2Client) -> None:
    tensor = typed(["good", "bad"]) | {"shape": [2, 1], "parameters": {"content_type": {"string_param": "str"}}}
    answer = client.call("ModelInfer", model_name=EXAMPLE, inputs=[tensor])
    assert list(answer.outputs[4].contents.bytes_contents) == [b"positive", b"negative"]


def test_compressed_requests_are_read(client: V2Client) -> None:
    with grpc.insecure_channel(client.grpc_address, compression=grpc.Compression.Gzip) as channel:
        infer: Any = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        request = client.message("ModelInferRequest", model_name=EXAMPLE, inputs=[typed(["good " * 1000])])
        answer = client.message.of("ModelInferResponse").FromString(infer(request.SerializeToString(), timeout=30))
    assert list(answer.outputs[4].contents.bytes_contents) == [b"positive"]
