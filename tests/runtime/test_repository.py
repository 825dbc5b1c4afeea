"""Loading and unloading as the adapter does it; what goes wrong with a model's files stays with that model."""

import hashlib
import json
import os

import grpc
import pytest

from tests.runtime.conftest import EXAMPLE
from tests.runtime.server import RuntimeServer
from tests.runtime.v2_client import V2Client

LEXICON = b"bull\t3.0\nbear\t-3.0\n"
MANIFEST = {
    "format": "vader-lexicon",
    "formatVersion": 1,
    "name": "finance",
    "version": "2",
    "files": {"vader_lexicon.txt": {"bytes": len(LEXICON), "sha256": hashlib.sha256(LEXICON).hexdigest()}},
}
EVIL = b"raise SystemExit('code from the bucket was run')\n"


def compound(client: V2Client, model: str, text: str) -> float:
    contents = {"bytes_contents": [text.encode()]}
    tensor = {"name": "text", "datatype": "BYTES", "shape": [1], "contents": contents}
    answer = client.call("ModelInfer", model_name=model, inputs=[tensor], outputs=[{"name": "compound"}])
    return round(float(answer.outputs[0].contents.fp32_contents[0]), 4)


def load_error(server: RuntimeServer, model: str) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        server.load(model)
    return caught.value.code(), caught.value.details() or ""


def test_model_is_served_from_load_to_unload(server: RuntimeServer, client: V2Client, model: str) -> None:
    server.lay_out(model, {"vader_lexicon.txt": LEXICON, "LICENSE.txt": b"free"})
    server.load(model)
    assert client.call("ModelReady", name=model).ready
    assert model in {each.name for each in client.call("RepositoryIndex", ready=True).models}
    assert compound(client, model, "bull") > 0.5

    client.call("RepositoryModelUnload", model_name=model)
    with pytest.raises(grpc.RpcError) as caught:
        compound(client, model, "bull")
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND


def test_model_may_bring_a_manifest(server: RuntimeServer, client: V2Client, model: str) -> None:
    server.lay_out(model, {"vader_lexicon.txt": LEXICON, "manifest.json": json.dumps(MANIFEST).encode()})
    server.load(model)
    assert compound(client, model, "bear") < -0.5
    metadata = client.call("ModelMetadata", name=model)
    said = {name: each.string_param for name, each in metadata.parameters.items()}
    assert said == {"lexicon": "finance", "lexicon_version": "2"}


def test_model_may_be_one_file(server: RuntimeServer, client: V2Client, model: str) -> None:
    server.lay_out(model, {"finance.txt": LEXICON})
    server.load(model)
    assert compound(client, model, "bear") < -0.5


def test_loading_again_takes_the_new_files(server: RuntimeServer, client: V2Client, model: str) -> None:
    adapted = server.lay_out(model, {"finance.txt": LEXICON})
    server.load(model)
    (adapted / "finance.txt").write_bytes(b"bull\t-3.0\n")
    server.load(model)
    assert compound(client, model, "bull") < -0.5


def test_models_share_no_state(server: RuntimeServer, client: V2Client, model: str) -> None:
    server.lay_out(model, {"finance.txt": LEXICON})
    server.load(model)
    assert compound(client, model, "a bear market") < 0 == compound(client, EXAMPLE, "a bear market")
    assert compound(client, model, "I love it 😁") == 0 < compound(client, EXAMPLE, "I love it 😁")


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (
            {"vader_lexicon.txt": b"good\t1.9\nbad\toops\n", "LICENSE.txt": b""},
            "vader_lexicon.txt:2: expected a number after the tab, got 'oops'",
        ),
        (
            {"emoji_utf8_lexicon.txt": b"", "LICENSE.txt": b""},
            "vader_lexicon.txt: expected in the model's directory, which holds LICENSE.txt, emoji_utf8_lexicon.txt",
        ),
        ({"finance.txt": b""}, "finance.txt: expected lines of token, tab, score; the file has none"),
        (
            {"vader_lexicon.txt": LEXICON[:-4], "manifest.json": json.dumps(MANIFEST).encode()},
            "vader_lexicon.txt: expected bytes 19 as in manifest.json, got 15",
        ),
        (
            {
                "vader_lexicon.txt": LEXICON,
                "emoji_utf8_lexicon.txt": "😀\tgood\n".encode(),
                "manifest.json": json.dumps(MANIFEST).encode(),
            },
            "emoji_utf8_lexicon.txt: expected among the files of manifest.json, which does not list it",
        ),
        (
            {"vader_lexicon.txt": LEXICON, "manifest.json": json.dumps(MANIFEST | {"formatVersion": 2}).encode()},
            "manifest.json: expected formatVersion 1, got 2",
        ),
        (
            {"vader_lexicon.txt": LEXICON, "manifest.json": json.dumps(MANIFEST | {"name": "\ud800"}).encode()},
            (
                "manifest.json: expected JSON in UTF-8: 'utf-8' codec can't encode character '\\ud800' in position 57: "
                "surrogates not allowed"
            ),
        ),
    ],
    ids=["bad line", "no lexicon", "empty file", "cut off", "not listed", "later format", "half a character"],
)
def test_unusable_files_are_named_in_the_load_error(
    server: RuntimeServer, client: V2Client, model: str, files: dict[str, bytes], reason: str
) -> None:
    server.lay_out(model, files)
    code, message = load_error(server, model)
    assert (code, message) == (grpc.StatusCode.FAILED_PRECONDITION, f"Model {model} cannot be loaded: {reason}")
    assert client.call("ServerReady").ready
    assert compound(client, EXAMPLE, "good") > 0


def test_a_file_name_that_is_no_utf_8_is_told_all_the_same(server: RuntimeServer, model: str) -> None:
    adapted = server.lay_out(model, {"LICENSE.txt": b"", "model-settings.json": b"{}"})
    (adapted / os.fsdecode(b"\xff.txt")).touch()
    code, message = load_error(server, model)
    assert code == grpc.StatusCode.FAILED_PRECONDITION
    assert message.endswith("which holds LICENSE.txt, model-settings.json, \\udcff.txt")


def test_a_link_to_nowhere_among_the_files_does_no_harm(server: RuntimeServer, client: V2Client, model: str) -> None:
    adapted = server.lay_out(model, {"vader_lexicon.txt": LEXICON, "LICENSE.txt": b"free"})
    (adapted / "content/more.txt").symlink_to("nowhere.txt")
    server.load(model)
    assert compound(client, model, "bull") > 0.5


@pytest.mark.parametrize("uri", ["//[", "x" * 100_000, "../" * 10_000])
def test_a_uri_that_is_none_is_told_and_hides_no_other_model(
    server: RuntimeServer, client: V2Client, model: str, uri: str
) -> None:
    adapted = server.lay_out(model, {"finance.txt": LEXICON})
    (adapted / "model-settings.json").write_text(json.dumps({"name": model, "parameters": {"uri": uri}}))
    code, message = load_error(server, model)
    assert code == grpc.StatusCode.FAILED_PRECONDITION
    assert message.startswith(f"Model {model} cannot be loaded: ")
    assert EXAMPLE in {each.name for each in client.call("RepositoryIndex", ready=True).models}


def test_failed_reload_leaves_the_old_model_serving(server: RuntimeServer, client: V2Client, model: str) -> None:
    adapted = server.lay_out(model, {"finance.txt": LEXICON})
    server.load(model)
    (adapted / "finance.txt").write_bytes(b"bull")
    assert load_error(server, model)[0] == grpc.StatusCode.FAILED_PRECONDITION
    assert compound(client, model, "bull") > 0.5


def test_repaired_model_loads(server: RuntimeServer, client: V2Client, model: str) -> None:
    adapted = server.lay_out(model, {"finance.txt": b"bull"})
    load_error(server, model)
    (adapted / "finance.txt").write_bytes(LEXICON)
    server.load(model)
    assert compound(client, model, "bull") > 0.5


def test_code_among_the_models_files_is_not_run(server: RuntimeServer, client: V2Client, model: str) -> None:
    settings = json.dumps({"parameters": {"uri": "vader_lexicon.txt"}}).encode()
    files = {"vader_lexicon.txt": LEXICON, "sentiment_model.py": EVIL, "custom_model.py": EVIL}
    server.lay_out(model, files | {"model-settings.json": settings})
    server.load(model)
    assert compound(client, model, "bull") > 0.5


def test_settings_that_name_code_are_refused(server: RuntimeServer, client: V2Client, model: str) -> None:
    server.lay_out(model, {"evil.py": EVIL, "model-settings.json": b'{"implementation": "evil.Model"}'})
    code, message = load_error(server, model)
    assert code == grpc.StatusCode.FAILED_PRECONDITION
    assert "names implementation evil.Model; this server only runs sentiment_model.SentimentModel" in message
    assert client.call("ServerReady").ready


@pytest.mark.parametrize("name", ["nobody", "..", "", "../_mlserver_models/x"])
def test_model_without_files_is_not_found(server: RuntimeServer, name: str) -> None:
    assert load_error(server, name)[0] == grpc.StatusCode.NOT_FOUND


def test_unloading_what_is_not_loaded_is_not_found(client: V2Client) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        client.call("RepositoryModelUnload", model_name="nobody")
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
