"""A model's life through the adapter: status, load, inference, reload, unload."""

import grpc
import pytest

from tests.runtime.adapter.pod import LOADING_CONCURRENCY, AdapterPod, Files, lines, package_compound

BULL = {"bull": 3.0, "bear": -3.0}
TEXT = "a bull, not a bear"


def code(error: pytest.ExceptionInfo[grpc.RpcError]) -> grpc.StatusCode:
    return error.value.code()


def test_the_runtime_says_that_it_is_ready_and_which_methods_it_answers(pod: AdapterPod) -> None:
    status = pod.call("runtimeStatus")
    assert status.Status.Name(status.status) == "READY"
    assert status.runtimeVersion == "1.7.1"
    assert status.maxLoadingConcurrency == LOADING_CONCURRENCY
    assert {name: list(info.idInjectionPath) for name, info in status.methodInfos.items()} == {
        "inference.GRPCInferenceService/ModelInfer": [1],
        "inference.GRPCInferenceService/ModelMetadata": [1],
    }


def test_asking_for_the_status_unloads_everything(pod: AdapterPod, model: str) -> None:
    pod.load(model, pod.put(f"{model}.txt", lines(BULL)))
    pod.call("runtimeStatus")
    assert pod.state(model) == "NOT_FOUND"
    assert pod.files() == set()


@pytest.mark.parametrize(
    ("path", "files"),
    [
        ("lexicons/{}", {"vader_lexicon.txt": lines(BULL), "LICENSE.txt": b"free"}),
        ("lexicons/{}/", {"vader_lexicon.txt": lines(BULL)}),
        ("{}.txt", lines(BULL)),
        ("lexicons/{}/deep/vader_lexicon.txt", lines(BULL)),
        ("Bücher/{} 😀.txt", lines(BULL)),
    ],
    ids=["directory", "directory with a slash", "file", "file far down", "Unicode"],
)
def test_a_model_is_served_from_load_to_unload(pod: AdapterPod, model: str, path: str, files: Files) -> None:
    path = path.format(model)
    pod.put(path.rstrip("/"), files)
    assert pod.load(model, path).sizeInBytes > 0
    assert pod.index() == {model: "READY"}
    assert pod.compound(model, TEXT) == package_compound(BULL, TEXT) != 0

    pod.unload(model)
    with pytest.raises(grpc.RpcError) as caught:
        pod.compound(model, TEXT)
    assert (code(caught), pod.state(model)) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    assert pod.files() == set()


def test_a_models_size_is_that_of_its_files_times_the_adapters_multiplier(pod: AdapterPod, model: str) -> None:
    content = lines({f"word{number}": 1.0 for number in range(100)})
    assert pod.load(model, pod.put(f"{model}.txt", content)).sizeInBytes == int(len(content) * 1.25)
    pod.unload(model)


def test_a_model_loaded_from_another_path_is_the_new_one(pod: AdapterPod, model: str) -> None:
    pod.load(model, pod.put(f"{model}/1/vader_lexicon.txt", lines(BULL)))
    changed = {"bull": -1.0}
    pod.load(model, pod.put(f"{model}/2", {"vader_lexicon.txt": lines(changed)}))
    assert pod.compound(model, TEXT) == package_compound(changed, TEXT)
    assert pod.index() == {model: "READY"}
    pod.unload(model)
    assert pod.files() == set()


def test_a_model_whose_object_changed_is_the_new_one_once_loaded_again(pod: AdapterPod, model: str) -> None:
    path = f"{model}.txt"
    pod.load(model, pod.put(path, lines(BULL | {"and": 1.0, "more": 2.0})))
    changed = {"bull": 0.5}
    pod.put(path, lines(changed))
    assert pod.compound(model, TEXT) == package_compound(BULL, TEXT)
    pod.load(model, path)
    assert pod.compound(model, f"{TEXT} and more") == package_compound(changed, f"{TEXT} and more")
    pod.unload(model)


def test_a_model_loaded_twice_is_there_once(pod: AdapterPod, model: str) -> None:
    path = pod.put(f"{model}.txt", lines(BULL))
    pod.load(model, path)
    pod.load(model, path)
    assert pod.index() == {model: "READY"}
    assert pod.compound(model, TEXT) == package_compound(BULL, TEXT)
    pod.unload(model)
    assert pod.state(model) == "NOT_FOUND"


def test_a_model_that_cannot_be_loaded_again_goes_on_as_it_was(pod: AdapterPod, model: str) -> None:
    path = pod.put(f"{model}.txt", lines(BULL))
    pod.load(model, path)
    pod.put(path, b"bull")
    assert pod.refusal(model, path)[0] == "FAILED_PRECONDITION"
    assert pod.compound(model, TEXT) == package_compound(BULL, TEXT)
    pod.unload(model)


def test_unloading_what_is_not_there_is_no_error(pod: AdapterPod, model: str) -> None:
    pod.unload(model)
    pod.load(model, pod.put(f"{model}.txt", lines(BULL)))
    pod.unload(model)
    pod.unload(model)


def test_sizes_are_not_predicted(pod: AdapterPod, model: str) -> None:
    for method in ("predictModelSize", "modelSize"):
        with pytest.raises(grpc.RpcError) as caught:
            pod.call(method, modelId=model)
        assert code(caught) == grpc.StatusCode.UNIMPLEMENTED
