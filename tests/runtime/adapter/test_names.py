"""Names that lead elsewhere, and settings that do: nothing outside of a model's folder is read, written or run."""

import json
from collections.abc import Iterator

import pytest

from tests.runtime.adapter.pod import AdapterPod, lines, package_compound

LEXICON = lines({"bull": 3.0})
EVIL = b"raise SystemExit('code from the bucket was run')\n"
BY_SERVER = "Failed to load Model due to MLServer runtime error: rpc error: code = "
BAD_COMPONENTS = 'XMinioInvalidResourceName: Resource name contains bad components such as ".." or ".".'
BAD_CHARACTERS = "XMinioInvalidObjectName: Object name contains unsupported characters."


@pytest.fixture(autouse=True)
def nothing_changes_outside(pod: AdapterPod) -> Iterator[None]:
    """Beside the models' folder, which these names try to leave, all is as it was."""

    def beside() -> set[str]:
        return {path.name for path in pod.models.parent.iterdir()} - {pod.models.name}

    before = beside()
    yield
    assert beside() == before


@pytest.mark.parametrize(
    "name", ["..", "../x", "../../x", "a/../../b", "/etc/x", "a/b", "a/", ".", "", "../mlserver.log", "..\\x/.."]
)
def test_a_model_id_that_is_a_path_is_no_model(pod: AdapterPod, model: str, name: str) -> None:
    pod.load(model, pod.put("good.txt", LEXICON))
    message = f"{BY_SERVER}NotFound desc = Model {name} not found"
    assert pod.refusal(name, "good.txt") == ("NOT_FOUND", message)
    pod.unload(name)
    assert pod.compound(model, "bull") == package_compound({"bull": 3.0}, "bull")
    pod.unload(model)


@pytest.mark.parametrize(("name", "reason"), [("nul\0", "invalid argument"), ("n" * 300, "file name too long")])
def test_a_model_id_that_can_be_no_file_name_is_refused(pod: AdapterPod, name: str, reason: str) -> None:
    pod.put("good.txt", LEXICON)
    code, message = pod.refusal(name, "good.txt")
    assert (code, message[-len(reason) :]) == ("UNKNOWN", reason)
    assert pod.state(name) == "NOT_FOUND"


@pytest.mark.parametrize(
    "name", ["ünï-😀", "a b", "…", "-x", "%2e%2e", "model-settings.json", "n" * 255, "a\\b", "$(id)"]
)
def test_a_model_id_may_be_any_file_name(pod: AdapterPod, name: str) -> None:
    pod.load(name, pod.put("good.txt", LEXICON))
    assert pod.index() == {name: "READY"}
    assert pod.compound(name, "bull") > 0
    pod.unload(name)
    assert (pod.state(name), pod.files()) == ("NOT_FOUND", set())


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("..", BAD_COMPONENTS),
        ("good/..", BAD_COMPONENTS),
        ("../../../../etc/passwd", BAD_COMPONENTS),
        ("./good.txt", BAD_COMPONENTS),
        ("//good.txt", BAD_CHARACTERS),
        ("nul\0", BAD_CHARACTERS),
    ],
)
def test_a_model_path_that_the_store_does_not_take_is_told_in_its_words(
    pod: AdapterPod, model: str, path: str, reason: str
) -> None:
    pod.put("good.txt", LEXICON)
    message = f"Failed to pull model from storage due to error: unable to list objects in bucket 'models': {reason}"
    assert pod.refusal(model, path) == ("UNKNOWN", f"{message}\n\tstatus code: 400, request id: *, host id: *")
    pod.unload(model)
    assert pod.files() == set()


@pytest.mark.parametrize("path", ["/etc/passwd", "p" * 300, "$(id)", "ü😀"])
def test_a_model_path_is_looked_for_in_the_store_only(pod: AdapterPod, model: str, path: str) -> None:
    place = f"/models/{model}/{path.rpartition('/')[2]}"
    message = f"Failed to load Model due to adapter error: Error calling stat on {place}: stat {place}: "
    assert pod.refusal(model, path) == ("UNKNOWN", f"{message}no such file or directory")
    pod.unload(model)


def with_settings(pod: AdapterPod, model: str, settings: bytes) -> str:
    """Store a model with settings of its own, which the adapter hands on, and code beside them."""
    code = {"sentiment_model.py": EVIL, "custom_model.py": EVIL, "evil.py": EVIL}
    return pod.put(model, code | {"vader_lexicon.txt": LEXICON, "model-settings.json": settings})


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"name": "another", "parameters": {"uri": "vader_lexicon.txt"}},
        {"parameters": {"uri": "./vader_lexicon.txt", "version": "7"}},
        {"parameters": {"environment_tarball": "/etc/passwd", "extra": {"anything": 10}}},
        {"implementation": "sentiment_model.SentimentModel"},
        {"inputs": [{"name": "other", "datatype": "FP32", "shape": [1]}]},
    ],
    ids=["none", "name", "version", "environment", "this implementation", "inputs"],
)
def test_code_beside_a_models_own_settings_is_not_run(pod: AdapterPod, model: str, settings: dict[str, object]) -> None:
    path = with_settings(pod, model, json.dumps(settings).encode())
    for _ in range(2):
        pod.load(model, path)
        assert pod.index() == {model: "READY"}
        assert pod.compound(model, "bull") == package_compound({"bull": 3.0}, "bull")
    pod.unload(model)
    assert pod.state(model) == "NOT_FOUND"


OUTSIDE = "parameters.uri {} is outside the model's directory"

# Name of the case: (model-settings.json, reason). NaN is JSON to Python but not to the adapter, which then hands a file
# on as it is, with names and paths of the bucket's choice.
REFUSED: dict[str, tuple[str, str]] = {
    "other code": (
        '{"implementation": "evil.Model"}',
        (
            "model-settings.json names implementation evil.Model; "
            "this server only runs sentiment_model.SentimentModel: remove the line"
        ),
    ),
    "file of this machine": (
        '{"name": "MODEL", "x": NaN, "parameters": {"uri": "/etc/passwd"}}',
        OUTSIDE.format("/etc/passwd"),
    ),
    "URL of this machine": (
        '{"name": "MODEL", "x": NaN, "parameters": {"uri": "file:///etc/passwd"}}',
        OUTSIDE.format("file:///etc/passwd"),
    ),
    "folder above": ('{"name": "MODEL", "x": NaN, "parameters": {"uri": "../other"}}', OUTSIDE.format("../other")),
    "name of another model": ('{"name": "other", "x": NaN}', "expected the name MODEL, got other"),
    "no name": ('{"x": NaN}', "expected the name MODEL, got dummy-model"),
    "no JSON": ("hello", "expected JSON: Expecting value: line 1 column 1 (char 0)"),
    "no JSON object": ("[]", "expected a JSON object, got list"),
    "no settings": ('{"implementation": 7}', "implementation: Input should be a valid string"),
}


@pytest.mark.parametrize(("settings", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_settings_that_lead_elsewhere_are_refused(pod: AdapterPod, model: str, settings: str, reason: str) -> None:
    path = with_settings(pod, model, settings.replace("MODEL", model).encode())
    where = "" if reason.startswith("model-settings") else "model-settings.json: "
    message = f"{BY_SERVER}FailedPrecondition desc = Model {model} cannot be loaded: {where}{reason}"
    assert pod.refusal(model, path) == ("FAILED_PRECONDITION", message.replace("MODEL", model))
    assert pod.state(model) == "NOT_FOUND"
    pod.unload(model)


@pytest.mark.parametrize("uri", ["/etc/passwd", "../../../../../etc/passwd"])
def test_a_path_in_a_models_settings_counts_from_its_own_directory(pod: AdapterPod, model: str, uri: str) -> None:
    path = with_settings(pod, model, json.dumps({"parameters": {"uri": uri}}).encode())
    place = f"/models/_mlserver_models/{model}/etc/passwd"
    message = f"{BY_SERVER}FailedPrecondition desc = Model {model} cannot be loaded: {place} does not exist"
    assert pod.refusal(model, path) == ("FAILED_PRECONDITION", message)
    pod.unload(model)


def test_settings_that_cannot_be_read_hide_no_other_model(pod: AdapterPod, model: str) -> None:
    pod.load(model, pod.put("good.txt", LEXICON))
    pod.refusal(f"bad-{model}", with_settings(pod, f"bad-{model}", b"hello"))
    assert pod.index() == {model: "READY"}
    for each in (model, f"bad-{model}"):
        pod.unload(each)
