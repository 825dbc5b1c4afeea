"""Files that are no model: what the mesh is told of them, word for word; nothing is loaded, and the server lives on."""

import gzip
import time

import pytest

from tests.runtime.adapter.pod import AdapterPod, Files, lines, package_compound

GOOD = {"bull": 3.0, "bear": -3.0}
LEXICON = lines(GOOD)
BY_SERVER = "Failed to load Model due to MLServer runtime error: rpc error: code = FailedPrecondition desc = "

# Name of the case: (files, reason).
UNUSABLE: dict[str, tuple[Files, str]] = {
    "cut in a word": (LEXICON + b"ra", "model.txt:3: expected two columns with a tab between, got 'ra'"),
    "cut before the number": (
        LEXICON + b"rally\t",
        "model.txt:3: expected two columns with a tab between, got 'rally\\t'",
    ),
    "cut in a number": (LEXICON + b"rally\t-", "model.txt:3: expected a number after the tab, got '-'"),
    "cut in a character": (LEXICON + b"caf\xc3", "model.txt:3: expected UTF-8, got b'caf\\xc3'"),
    "Latin-1": (LEXICON + b"caf\xe9\t1.0\n", "model.txt:3: expected UTF-8, got b'caf\\xe9\\t1.0'"),
    "UTF-16": ("a\t1".encode("utf-16"), "model.txt:1: expected UTF-8, got b'\\xff\\xfea\\x00\\t\\x001\\x00'"),
    "no number": (b"bull\tNaN\n", "model.txt:1: expected a number after the tab, got 'NaN'"),
    "only blank lines": (b"\n \n", "model.txt: expected lines of token, tab, score; the file has none"),
    "a long line": (b"x" * 1000, f"model.txt:1: expected two columns with a tab between, got '{'x' * 60}' …"),
    "another file name": (
        {"lexicon.txt": LEXICON, "LICENSE.txt": b"free"},
        "vader_lexicon.txt: expected in the model's directory, which holds LICENSE.txt, lexicon.txt",
    ),
    "an empty lexicon, which the puller leaves out": (
        {"vader_lexicon.txt": b"", "LICENSE.txt": b"free"},
        "vader_lexicon.txt: expected in the model's directory, which holds LICENSE.txt",
    ),
    "a bad emoji line": (
        {"vader_lexicon.txt": LEXICON, "emoji_utf8_lexicon.txt": "😀\tgrinning face\n😁".encode()},
        "emoji_utf8_lexicon.txt:2: expected two columns with a tab between, got '😁'",
    ),
    "a folder in the lexicon's place": (
        {"vader_lexicon.txt/part": LEXICON},
        "vader_lexicon.txt: expected in the model's directory, which holds vader_lexicon.txt",
    ),
}


@pytest.mark.parametrize(("files", "reason"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_unusable_files_are_named_in_the_load_error(pod: AdapterPod, model: str, files: Files, reason: str) -> None:
    path = pod.put(f"{model}/model.txt" if isinstance(files, bytes) else model, files)
    message = f"{BY_SERVER}Model {model} cannot be loaded: {reason}"
    assert pod.refusal(model, path) == ("FAILED_PRECONDITION", message)
    assert pod.state(model) == "NOT_FOUND"
    pod.unload(model)
    assert pod.files() == set()


def test_a_compressed_lexicon_is_refused_at_its_first_line(pod: AdapterPod, model: str) -> None:
    code, message = pod.refusal(model, pod.put(f"{model}.txt", gzip.compress(LEXICON, mtime=0)))
    assert code == "FAILED_PRECONDITION"
    assert f"{model}.txt:1: expected UTF-8, got b'\\x1f\\x8b" in message
    pod.unload(model)


@pytest.mark.parametrize("size", [-1, 100_000], ids=["by one byte", "at the end of a line"])
def test_a_file_that_was_cut_off_is_told_by_the_manifest(
    pod: AdapterPod, model: str, example_files: dict[str, bytes], size: int
) -> None:
    whole = example_files["vader_lexicon.txt"]
    cut = whole[:size] if size < 0 else whole[: whole.index(b"\n", size) + 1]
    path = pod.put(model, example_files | {"vader_lexicon.txt": cut})
    code, message = pod.refusal(model, path)
    assert code == "FAILED_PRECONDITION"
    assert f"vader_lexicon.txt: expected bytes {len(whole)} as in manifest.json, got {len(cut)}" in message
    pod.put(model, example_files)
    pod.load(model, path)
    assert pod.compound(model, "great") > 0.5
    pod.unload(model)


def test_a_file_without_content_is_not_even_pulled(pod: AdapterPod, model: str) -> None:
    path = pod.put(f"{model}.txt", b"")
    place = f"/models/{model}/{path}"
    reason = f"Failed to load Model due to adapter error: Error calling stat on {place}: stat {place}: "
    assert pod.refusal(model, path) == ("UNKNOWN", f"{reason}no such file or directory")
    pod.unload(model)


def test_a_huge_file_is_refused_before_it_is_read(pod: AdapterPod, model: str) -> None:
    pod.put(f"{model}.txt", b"bull\t3.0\n" * (2 * 2**20))
    before = pod.resident()
    code, message = pod.refusal(model, f"{model}.txt")
    assert code == "FAILED_PRECONDITION"
    assert message.endswith(f"{model}.txt: expected at most 16 MiB, got 18.0 MiB")
    assert pod.resident() - before < 2**24
    pod.unload(model)
    pod.bucket.delete(f"{model}.txt")


def test_a_model_of_more_than_100_files_misses_those_that_the_puller_leaves_out(pod: AdapterPod, model: str) -> None:
    many = {f"{number:03}.txt": b"more" for number in range(100)}
    code, message = pod.refusal(model, pod.put(model, many | {"vader_lexicon.txt": LEXICON}))
    assert code == "FAILED_PRECONDITION"
    assert "vader_lexicon.txt: expected in the model's directory, which holds 000.txt, 001.txt, " in message
    assert len(message) < 1000
    pod.unload(model)


def test_a_large_model_does_not_keep_the_others_from_answering(pod: AdapterPod, model: str) -> None:
    pod.load(model, pod.put(f"{model}.txt", LEXICON))
    large = f"large-{model}"
    content = lines({f"word{number}": 1.5 for number in range(600_000)})
    path = pod.put(f"{large}.txt", content)
    loading = pod.begin_load(large, path)
    pod.settles(large, "LOADING")
    answered, slowest = 0, 0.0
    while not loading.done():
        started = time.perf_counter()
        assert pod.compound(model, "a bull") == package_compound(GOOD, "a bull")
        slowest = max(slowest, time.perf_counter() - started)
        answered += 1
    print(
        f"{answered} requests answered while {len(content):,} bytes were loaded, the slowest in {slowest * 1000:.0f} ms"
    )
    loading.result()
    assert answered > 5
    assert pod.compound(large, "word7") > 0
    for each in (model, large):
        pod.unload(each)
    pod.bucket.delete(path)
