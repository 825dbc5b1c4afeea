"""A model replaced under load, as the mesh does it: load the new one, move the requests, unload the old one."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import grpc

from tests.runtime.adapter.pod import AdapterPod, lines, package_compound

CLIENTS = 4
ROUNDS = 5
TEXT = "a bull market"


def lexicon(version: int) -> dict[str, float]:
    return {"bull": 0.5 * (version + 1), "market": 0.25}


class Traffic:
    """Clients that ask the model which is the current one, without a pause, and check each answer."""

    def __init__(self, pod: AdapterPod, names: list[str]) -> None:
        self.current, self.stop, self.failed = 0, threading.Event(), list[str]()
        self.answered: Counter[int] = Counter()
        self._using = [-1] * CLIENTS
        self._pod, self._names = pod, names
        self._expected = [package_compound(lexicon(version), TEXT) for version in range(len(names))]

    def run(self, client: int) -> None:
        while not self.stop.is_set():
            version = self._using[client] = self.current
            try:
                if (score := self._pod.compound(self._names[version], TEXT)) != self._expected[version]:
                    self.failed.append(f"version {version} gave {score}")
            except grpc.RpcError as error:
                self.failed.append(f"version {version}: {error}")
            self.answered[version] += 1

    def move(self, version: int) -> None:
        """Have all clients ask for another version, and wait until none uses the one before."""
        self.current = version
        while any(using != version for using in self._using):
            self.stop.wait(0.001)


def test_no_request_fails_while_models_are_replaced(pod: AdapterPod, model: str) -> None:
    names = [f"{model}-{version}" for version in range(ROUNDS)]
    paths = [pod.put(f"{name}.txt", lines(lexicon(version))) for version, name in enumerate(names)]
    pod.load(names[0], paths[0])
    traffic = Traffic(pod, names)
    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(traffic.run, client) for client in range(CLIENTS)]
        try:
            for version in range(1, ROUNDS):
                pod.load(names[version], paths[version])
                traffic.move(version)
                while traffic.answered[version] < 50 and not traffic.failed:
                    traffic.stop.wait(0.001)
                pod.unload(names[version - 1])
                assert pod.index() == {names[version]: "READY"}
        finally:
            traffic.stop.set()
    for client in clients:
        client.result()
    assert traffic.failed == []
    print(f"{sum(traffic.answered.values())} requests answered while {ROUNDS - 1} models were replaced, none failed")
    assert sorted(traffic.answered) == list(range(ROUNDS))
    pod.unload(names[-1])


def test_no_request_fails_while_a_model_is_loaded_again(pod: AdapterPod, model: str) -> None:
    path = pod.put(f"{model}.txt", lines(lexicon(0)))
    pod.load(model, path)
    traffic = Traffic(pod, [model])
    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(traffic.run, client) for client in range(CLIENTS)]
        try:
            for _ in range(20):
                pod.load(model, path)
        finally:
            traffic.stop.set()
    for client in clients:
        client.result()
    assert traffic.failed == []
    pod.unload(model)


def test_a_request_under_way_is_answered_although_its_model_is_unloaded(pod: AdapterPod, model: str) -> None:
    pod.load(model, pod.put(f"{model}.txt", lines(lexicon(0))))
    texts = [f"{TEXT} {'and so on ' * 20}".encode()] * 16_000
    tensor = {"name": "text", "datatype": "BYTES", "shape": [16_000], "contents": {"bytes_contents": texts}}
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(pod.server.client.call, "ModelInfer", model_name=model, inputs=[tensor])
        while "model_infer_request" not in "".join(line for line in pod.metrics().splitlines() if model in line):
            assert not answer.done()
        pod.unload(model)
        assert not answer.done(), "the request was too short to show anything"
        assert list(answer.result().outputs[0].shape) == [16_000]
    assert pod.state(model) == "NOT_FOUND"
    assert model not in pod.metrics()
