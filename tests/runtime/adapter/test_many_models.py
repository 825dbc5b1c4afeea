"""As many models on one server as ModelMesh puts there: none shares a word with another, and none stays behind."""

import time
from collections.abc import Iterator
from contextlib import ExitStack

import grpc
import pytest

from tests.runtime.adapter.pod import AdapterPod, lines, package_compound

MIB = 2**20
FEW, MANY = 200, 1000


def lexicon(number: int) -> dict[str, float]:
    """100 words, of which the first has another score in every model, and the others are this model's own."""
    own = {f"word{number}x{index}": index / 25 - 2 for index in range(99)}
    return {"common": (number + 1) / (MANY / 4)} | own


@pytest.fixture(scope="module")
def pod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AdapterPod]:
    """A pod of its own: what the other tests' models leave free would hide what these do not."""
    with ExitStack() as stack:
        yield AdapterPod(tmp_path_factory.mktemp("many"), stack)


@pytest.fixture(scope="module")
def models(pod: AdapterPod) -> dict[str, str]:
    """Paths of many models in the bucket, by model id."""
    paths = {f"many-{number}__isvc-0123456789": f"many/{number}.txt" for number in range(MANY)}
    for number, path in enumerate(paths.values()):
        pod.put(path, lines(lexicon(number)))
    return paths


def test_200_models_answer_each_with_its_own_lexicon(pod: AdapterPod, models: dict[str, str]) -> None:
    few = dict(list(models.items())[:FEW])
    pod.each(lambda model: pod.load(model, few[model]), few)
    assert pod.index() == dict.fromkeys(few, "READY")

    text = "common sense and word7x3, word8x98"
    expected = {model: package_compound(lexicon(number), text) for number, model in enumerate(few)}
    assert len(set(expected.values())) > FEW * 0.9
    answered: dict[str, float] = {}
    pod.each(lambda model: answered.update({model: pod.compound(model, text)}), few)
    assert answered == expected
    assert pod.metrics().count(f'model="{next(iter(few))}"') > 3

    pod.each(pod.unload, few)
    assert (pod.index(), pod.files()) == ({}, set())
    assert [line for line in pod.metrics().splitlines() if "many-" in line] == []


def test_a_request_for_an_unknown_model_leaves_no_series(pod: AdapterPod) -> None:
    with pytest.raises(grpc.RpcError):
        pod.compound("never-loaded", "text")
    assert "never-loaded" not in pod.metrics()


def test_1000_models_fit_into_1_gib_and_go_without_a_trace(pod: AdapterPod, models: dict[str, str]) -> None:
    before = pod.resident()
    first, seconds = load_and_unload(pod, models)
    empty = pod.resident()
    second, again = load_and_unload(pod, models)
    print(
        f"{MANY} models of 100 words: {seconds * 1000 / MANY:.1f} and {again * 1000 / MANY:.1f} ms a load through the "
        f"adapter; the server holds {before / MIB:.0f} MiB before, {first / MIB:.0f} with them, {empty / MIB:.0f} "
        f"after, {second / MIB:.0f} with them again"
    )
    assert first < 1024 * MIB
    # What is freed Python uses again, and rarely gives back: the second round has to find room in that of the first.
    assert first - before > 10 * MIB
    assert second - first < (first - before) / 2


def load_and_unload(pod: AdapterPod, models: dict[str, str]) -> tuple[int, float]:
    """Memory with all of them loaded, and the seconds that loading them took, one after the other."""
    started = time.perf_counter()
    for model, path in models.items():
        pod.load(model, path)
    seconds = time.perf_counter() - started
    for model in list(models)[:: MANY // 10]:
        assert pod.compound(model, "common sense") > 0
    resident = pod.resident()
    pod.each(pod.unload, models)
    assert (pod.index(), pod.files()) == ({}, set())
    return resident, seconds
