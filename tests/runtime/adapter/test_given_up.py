"""Loads that nobody waits for any more: nothing of them stays, and a later load works."""

import os
import signal
import time

import grpc
import pytest

from tests.adapter import ADAPTED
from tests.runtime.adapter.pod import AdapterPod, lines

LARGE = lines({f"word{number}": 1.5 for number in range(600_000)})
SMALL = lines({"bull": 3.0})


@pytest.fixture
def large(pod: AdapterPod, model: str) -> str:
    """Path of a model that takes a good while to load."""
    return pod.put(f"{model}.txt", LARGE)


def test_a_load_that_is_cancelled_leaves_nothing(pod: AdapterPod, model: str, large: str) -> None:
    loading = pod.begin_load(model, large)
    pod.settles(model, "LOADING")
    loading.cancel()
    pod.settles(model, "NOT_FOUND")
    # Also once the thread that read the file is done with it.
    assert pod.server.client.call("ServerReady").ready
    pod.unload(model)
    pod.load(model, large)
    assert pod.state(model) == "READY"
    pod.unload(model)
    assert (pod.state(model), pod.files()) == ("NOT_FOUND", set())


def test_a_load_that_takes_too_long_leaves_nothing(pod: AdapterPod, model: str) -> None:
    path = pod.put(f"{model}.txt", SMALL)
    os.kill(pod.server.process.pid, signal.SIGSTOP)
    try:
        with pytest.raises(grpc.RpcError) as caught:
            pod.begin_load(model, path, seconds=0.5).result()
    finally:
        os.kill(pod.server.process.pid, signal.SIGCONT)
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    pod.settles(model, "NOT_FOUND")
    pod.unload(model)
    pod.load(model, path)
    assert pod.compound(model, "bull") > 0
    pod.unload(model)


def test_the_mesh_can_start_anew_after_a_load_that_it_gave_up(pod: AdapterPod, model: str, large: str) -> None:
    loading = pod.begin_load(model, large)
    pod.settles(model, "LOADING")
    loading.cancel()
    pod.settles(model, "NOT_FOUND")
    status = pod.call("runtimeStatus")
    assert status.Status.Name(status.status) == "READY"
    assert (pod.index(), pod.files()) == ({}, set())


def test_a_reload_that_is_given_up_leaves_the_old_model_serving(pod: AdapterPod, model: str, large: str) -> None:
    pod.load(model, pod.put(f"{model}-old.txt", SMALL))
    loading = pod.begin_load(model, large)
    while not (pod.models / ADAPTED / model / large).is_symlink():
        assert not loading.done()
    time.sleep(0.05)  # the server is told next, and needs ten times as long
    loading.cancel()
    assert pod.compound(model, "bull") > 0
    pod.unload(model)
    assert pod.state(model) == "NOT_FOUND"


def test_a_model_that_is_unloaded_while_it_loads_is_not_there_afterwards(
    pod: AdapterPod, model: str, large: str
) -> None:
    loading = pod.begin_load(model, large)
    pod.settles(model, "LOADING")
    pod.unload(model)
    loading.exception()
    assert (pod.state(model), pod.files()) == ("NOT_FOUND", set())
    assert pod.server.client.call("ServerReady").ready


def test_many_loads_that_are_given_up_do_not_stop_the_next_one(pod: AdapterPod, model: str, large: str) -> None:
    names = [f"{model}-{number}" for number in range(4)]
    loads = [pod.begin_load(name, large) for name in names]
    for name in names:
        pod.settles(name, "LOADING")
    for load in loads:
        load.cancel()
    pod.load(model, pod.put(f"{model}-small.txt", SMALL))
    assert pod.compound(model, "bull") > 0
    for name in [*names, model]:
        pod.settles(name, "READY" if name == model else "NOT_FOUND")
        pod.unload(name)
