"""What the mesh is told when the puller cannot have the files: its own words, of the bucket and of what is wrong."""

import pytest

from components.stores.storage import AzureStorage
from components.stores.storage_rules import storage_problems
from tests.runtime.adapter.pod import AdapterPod, lines
from tests.unit.stack.test_storage import CONNECTION_STRINGS

PULLING = "Failed to pull model from storage due to error: "
LISTING = f"{PULLING}unable to list objects in bucket "
IDS = "request id: *, host id: *"

# Name of the case: (what the InferenceService's storage says, message).
FAILURES: dict[str, tuple[dict[str, object], str]] = {
    "no bucket of that name": (
        {"storage_key": "noBucket"},
        f"{LISTING}'nowhere': NoSuchBucket: The specified bucket does not exist\n\tstatus code: 404, {IDS}",
    ),
    "another bucket for this model": (
        {"storage_params": {"bucket": "elsewhere"}},
        f"{LISTING}'elsewhere': NoSuchBucket: The specified bucket does not exist\n\tstatus code: 404, {IDS}",
    ),
    "unknown user": (
        {"storage_key": "nobody"},
        (
            f"{LISTING}'models': InvalidAccessKeyId: The Access Key Id you provided does not exist in our records."
            f"\n\tstatus code: 403, {IDS}"
        ),
    ),
    "wrong secret": (
        {"storage_key": "wrongSecret"},
        (
            f"{LISTING}'models': SignatureDoesNotMatch: The request signature we calculated does not match the "
            f"signature you provided. Check your key and signing method.\n\tstatus code: 403, {IDS}"
        ),
    ),
    "no secret": (
        {"storage_key": "noCredentials"},
        (
            f"{PULLING}could not process pull command: unable to create repository of type 's3': "
            "missing required string configuration 'secret_access_key'"
        ),
    ),
    "nobody at the endpoint": (
        {"storage_key": "noServer"},
        (
            f"{LISTING}'models': RequestError: send request failed\ncaused by: "
            'Get "http://127.0.0.1:1/models?list-type=2&max-keys=100&prefix=good.txt": '
            "dial tcp 127.0.0.1:1: connect: connection refused"
        ),
    ),
    "no region": (
        {"storage_params": {"region": ""}},
        f"{LISTING}'models': MissingRegion: could not find region configuration",
    ),
    "no type of storage": ({"storage_key": "noType"}, "Predictor Storage field missing"),
    "unknown storage key": (
        {"storage_key": "elsewhere"},
        "Did not find storage config for key elsewhere: Storage secretKey not found: elsewhere",
    ),
    "storage key outside of the secret": (
        {"storage_key": "../adapter.log"},
        "Did not find storage config for key ../adapter.log: Storage secretKey not found: ../adapter.log",
    ),
}


@pytest.mark.parametrize(("key", "message"), FAILURES.values(), ids=FAILURES.keys())
def test_a_store_that_does_not_answer_is_told_in_its_own_words(
    pod: AdapterPod, model: str, key: dict[str, object], message: str
) -> None:
    pod.put("good.txt", lines({"bull": 3.0}))
    assert pod.refusal(model, "good.txt", key) == ("UNKNOWN", message)
    assert pod.state(model) == "NOT_FOUND"
    pod.unload(model)
    assert pod.files() == set()


@pytest.mark.parametrize("path", ["no/such.txt", "no/such", "good.txt/", "good", "", "/"])
def test_an_object_that_is_not_there_is_missing_where_the_puller_would_have_put_it(
    pod: AdapterPod, model: str, path: str
) -> None:
    pod.put("good.txt", lines({"bull": 3.0}))
    place = f"/models/{model}/{path.rstrip('/').rpartition('/')[2] or '_model'}"
    reason = f"Failed to load Model due to adapter error: Error calling stat on {place}: stat {place}: "
    assert pod.refusal(model, path) == ("UNKNOWN", f"{reason}no such file or directory")
    pod.unload(model)


def test_a_store_that_is_repaired_is_used_again(pod: AdapterPod, model: str) -> None:
    pod.refusal(model, f"{model}.txt")
    pod.load(model, pod.put(f"{model}.txt", lines({"bull": 3.0})))
    pod.unload(model)


def test_the_puller_leaves_out_empty_files_which_no_stack_publishes(pod: AdapterPod, model: str) -> None:
    lexicon = lines({"bull": 3.0})
    pod.load(model, pod.put("folder", {"vader_lexicon.txt": lexicon, "__init__.py": b""}))
    names = {path.rpartition("/")[2] for path in pod.files()}
    assert "vader_lexicon.txt" in names
    assert "__init__.py" not in names
    pod.unload(model)


@pytest.mark.parametrize("parameters", [{"certificate": ""}, {"unknown": "x"}])
def test_the_puller_ignores_what_a_check_says_that_it_ignores(
    pod: AdapterPod, model: str, parameters: dict[str, str]
) -> None:
    pod.load(model, pod.put("good.txt", lines({"bull": 3.0})), {"storage_params": parameters})
    pod.unload(model)


def azure(connection_string: str) -> dict[str, object]:
    """The storage of an InferenceService without a key."""
    storage = {"type": "azure", "account_name": "account", "container": "c", "connection_string": connection_string}
    return {"storage_key": None, "storage_params": storage}


@pytest.mark.parametrize("text", CONNECTION_STRINGS)
def test_the_puller_cannot_read_the_connection_strings_that_a_stack_refuses(
    pod: AdapterPod, model: str, text: str
) -> None:
    code, message = pod.refusal(model, "good.txt", azure(text))
    assert code == "UNKNOWN"
    assert "unable to create repository of type 'azure': " in message
    pod.unload(model)


def test_the_puller_reads_a_connection_string_that_a_stack_accepts(pod: AdapterPod, model: str) -> None:
    text = "AccountName=account;AccountKey=aGlkZGVu;BlobEndpoint=http://127.0.0.1:1/account"
    assert not list(
        storage_problems({"a": AzureStorage(account_name="account", container="c", connection_string=text)})
    )
    error = pod.begin_load(model, "good.txt", azure(text), seconds=5).exception()
    assert "unable to create repository" not in str(error.details())
    pod.unload(model)
