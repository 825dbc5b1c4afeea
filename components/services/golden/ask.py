"""Asks a model for golden predictions before it goes live; the program of the Job of `GoldenGate`.

It creates the InferenceService of `service.json`, waits until its model is loaded, sends the requests of `golden.json`
to it through the mesh, compares the answers, and deletes it again. It fails if any value differs. With `runtime.json`,
it creates this ServingRuntime before, unless there is no runtime yet that it is to replace. The files are beside the
program. It runs in any image with grpcio, numpy, and MLServer or tritonclient.

Environment: SERVICE (name of the InferenceService that the candidate is for), RUNTIME (name of the ServingRuntime that
`runtime.json` is to replace, if there is that file), TARGET (host:port of the mesh), SECONDS
(time limit for loading the model), JOB and JOB_UID (the Job, which owns the candidate), TLS (folder with `ca.crt`, and
`tls.crt` and `tls.key` if clients need a certificate; empty without TLS).
"""

import http.client
import importlib
import json
import os
import signal
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import grpc
import numpy as np

FILES = Path(__file__).parent
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
CANDIDATE_OF = "modelmesh.pulumi.com/candidate-of"
NUDGED = "modelmesh.pulumi.com/registered-again"
METHOD = "/inference.GRPCInferenceService/ModelInfer"
ANSWER_SECONDS = 60.0
NUDGE_SECONDS = 10.0
API_SECONDS = 60.0
MOST_SHOWN = 10
"""A Pod's status holds about 2,000 characters of a container's message."""
NUMBERS = {
    "BOOL": "bool", "UINT8": "uint8", "UINT16": "uint16", "UINT32": "uint32", "UINT64": "uint64", "INT8": "int8",
    "INT16": "int16", "INT32": "int32", "INT64": "int64", "FP16": "float16", "FP32": "float32", "FP64": "float64",
}  # fmt: skip
"""Types of numpy by the datatypes of the protocol, except BYTES."""
CONTENTS = {
    "BOOL": "bool", **dict.fromkeys(("INT8", "INT16", "INT32"), "int"), "INT64": "int64",
    **dict.fromkeys(("UINT8", "UINT16", "UINT32"), "uint"), "UINT64": "uint64", "FP32": "fp32", "FP64": "fp64",
    "BYTES": "bytes",
}  # fmt: skip
"""Fields of a tensor's contents, without their suffix; there is none for FP16."""


class RefusedError(Exception):
    """The candidate must not go live; users only see the message."""


class Candidate:
    """An object that exists while it is asked, and the requests to the API server about it."""

    def __init__(self, file: str) -> None:
        self._manifest = json.loads((FILES / file).read_text())
        self.name, namespace = (self._manifest["metadata"][key] for key in ("name", "namespace"))
        kind = f"{self._manifest['kind'].lower()}s"
        self._collection = f"/apis/{self._manifest['apiVersion']}/namespaces/{namespace}/{kind}"
        self._nudges = 0

    def create(self) -> None:
        """Create it in the place of one that an interrupted update has left.

        Raises:
            RefusedError: there is an object of this name that is not a candidate of this service.
        """
        while (found := self._request("GET")) is not None:
            if found["metadata"].get("annotations", {}).get(CANDIDATE_OF) != os.environ["SERVICE"]:
                raise RefusedError(f"{self._manifest['kind']} {self.name} of another owner exists: rename it")
            self._delete()
        self._apply()

    def exists(self, name: str) -> bool:
        """Whether there is an object of its kind with this name."""
        return self._request("GET", name=name) is not None

    def loaded(self, seconds: float) -> None:
        """Return once the model is loaded.

        Raises:
            RefusedError: it cannot be loaded, or is not after that time.
        """
        deadline, nudged = time.monotonic() + seconds, time.monotonic()
        while True:
            found = self._request("GET") or {}
            if found and not _is_own(found):
                raise RefusedError("another update of the stack has started")
            model = found.get("status", {}).get("modelStatus", {})
            states, failure = model.get("states") or {}, model.get("lastFailureInfo") or {}
            reason = f"{failure.get('reason')}: {failure.get('message') or 'no message'}"
            if states.get("activeModelState") == "Loaded":
                return
            if failure.get("reason") in ("ModelLoadFailed", "InvalidPredictorSpec"):
                raise RefusedError(f"the model cannot be loaded: {reason}")
            if time.monotonic() > deadline:
                state = states.get("activeModelState") or "not registered"
                seen = f"{state}, {reason}" if failure else state
                raise RefusedError(f"the model is not loaded after {seconds:.0f} s: {seen}")
            if failure and time.monotonic() - nudged > NUDGE_SECONDS:
                # The mesh pod that was asked may not know the model's type yet. The controller asks another one only
                # after a change of the object.
                nudged, self._nudges = time.monotonic(), self._nudges + 1
                self._apply()
            time.sleep(0.5)

    def delete(self) -> None:
        """Delete it, and return once it no longer exists; one that another Job has created stays."""
        while (found := self._request("GET")) is not None and _is_own(found):
            self._delete()

    def _delete(self) -> None:
        self._request("DELETE")
        time.sleep(0.2)

    def _apply(self) -> None:
        owner = {"apiVersion": "batch/v1", "kind": "Job", "name": os.environ["JOB"], "uid": os.environ["JOB_UID"]}
        annotations = {CANDIDATE_OF: os.environ["SERVICE"], NUDGED: str(self._nudges)}
        annotations |= self._manifest["metadata"].get("annotations", {})
        metadata = {**self._manifest["metadata"], "annotations": annotations, "ownerReferences": [owner]}
        self._request("PATCH", {**self._manifest, "metadata": metadata}, "?fieldManager=golden&force=true")

    def _request(self, method: str, body: object = None, query: str = "", name: str = "") -> dict[str, Any] | None:
        """Send a request, again while the API server does not answer; None if the object does not exist."""
        deadline = time.monotonic() + API_SECONDS
        trusted = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
        while True:
            headers = {
                "Authorization": f"Bearer {(ACCOUNT / 'token').read_text()}",
                "Content-Type": "application/apply-patch+yaml",  # JSON is YAML, too
            }
            server = http.client.HTTPSConnection("kubernetes.default.svc", context=trusted, timeout=10)
            try:
                server.request(
                    method,
                    f"{self._collection}/{name or self.name}{query}",
                    json.dumps(body) if body else None,
                    headers,
                )
                answer = server.getresponse()
                status, text = answer.status, answer.read()
            except (OSError, http.client.HTTPException) as error:
                status, text = 503, str(error).encode()
            finally:
                server.close()
            if status < 300:
                found: dict[str, Any] = json.loads(text)
                return found
            if status == 404:
                return None
            if status < 500 and status != 429:
                raise RefusedError(f"the API server refuses {method} {self.name}: {text.decode()}")
            if time.monotonic() > deadline:
                raise RefusedError(f"the API server does not answer {method} {self.name}: {text.decode()}")
            time.sleep(1)


def messages() -> ModuleType:
    """Return the module with the messages of the protocol.

    Raises:
        RefusedError: the image has none.
    """
    for name in ("mlserver.grpc.dataplane_pb2", "tritonclient.grpc.service_pb2"):
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError:
            continue
    raise RefusedError("the image of the golden predictions has neither MLServer nor tritonclient")


def channel(target: str, tls: str) -> grpc.Channel:
    """Open a channel to the mesh, with the TLS files of the folder `tls`, if any."""
    options = [("grpc.enable_http_proxy", 0), ("grpc.max_receive_message_length", -1)]
    if not tls:
        return grpc.insecure_channel(target, options)
    ca, key, chain = (
        file.read_bytes() if (file := Path(tls, name)).is_file() else None for name in ("ca.crt", "tls.key", "tls.crt")
    )
    return grpc.secure_channel(target, grpc.ssl_channel_credentials(ca, key, chain), options)


def request(pb: ModuleType, model: str, inputs: list[dict[str, Any]]) -> Any:
    """Return the message of a request in the protocol's JSON."""
    tensors = [{key: tensor[key] for key in ("name", "datatype", "shape")} for tensor in inputs]
    return pb.ModelInferRequest(
        model_name=model,
        inputs=[pb.ModelInferRequest.InferInputTensor(**tensor) for tensor in tensors],
        raw_input_contents=[_raw(tensor["datatype"], tensor["data"]) for tensor in inputs],
    )


def outputs(response: Any) -> dict[str, tuple[str, list[int], Any]]:
    """Return datatype, shape and values of each output by its name; no values of a datatype that cannot be read."""
    raw = list(response.raw_output_contents)
    return {
        tensor.name: (
            tensor.datatype,
            list(tensor.shape),
            _values(tensor.datatype, raw[index] if raw else tensor.contents)
            if tensor.datatype in ({"BYTES", *NUMBERS} if raw else CONTENTS)
            else None,
        )
        for index, tensor in enumerate(response.outputs)
    }


def differences(expected: dict[str, Any], tolerance: dict[str, float], got: dict[str, Any]) -> Iterator[str]:
    """Describe each difference between an expected output and the answer, as `element: expected …, got …`."""
    name = expected["name"]
    if name not in got:
        yield f"{name}: expected an output of this name, got {', '.join(got) or 'none'}"
        return
    datatype, shape, values = got[name]
    for what, wanted, given in (("datatype", expected["datatype"], datatype), ("shape", expected["shape"], shape)):
        if wanted != given:
            yield f"{name}: expected {what} {wanted}, got {given}"
            return
    if values is None:
        yield f"{name}: expected values of {datatype} as raw contents"
        return
    within = tolerance.get(name, 0)
    for index, (wanted, given) in enumerate(zip(_wanted(datatype, expected["data"]), values, strict=True)):
        near = wanted == given if datatype in ("BYTES", "BOOL") else abs(wanted.item() - given.item()) <= within
        if not near:
            place = "".join(f"[{part}]" for part in np.unravel_index(index, shape))
            margin = f" ± {within:g}" if within else ""
            yield f"{name}{place}: expected {_shown(wanted)}{margin}, got {_shown(given)}"


def wrong_answers(ask: Callable[[list[dict[str, Any]]], Any], golden: dict[str, Any]) -> list[str]:
    """Send all requests; return one line for each difference."""
    lines = []
    for file, prediction in golden.items():
        try:
            got = outputs(ask(prediction["request"]["inputs"]))
        except grpc.RpcError as error:
            lines.append(f"{file}: the model answered {error.code().name}: {error.details()}")
            continue
        for expected in prediction["response"]["outputs"]:
            lines += [f"{file}: {line}" for line in differences(expected, prediction.get("tolerance", {}), got)]
    return lines


def main() -> int:
    """Ask the candidate. Print the differences and return 1 if there are any."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the candidate is deleted
    golden, service = json.loads((FILES / "golden.json").read_text()), os.environ["SERVICE"]
    candidate = Candidate("service.json")
    candidates = [*([Candidate("runtime.json")] if os.environ["RUNTIME"] else []), candidate]
    what = f"golden predictions of {service}" + (f" on {candidates[0].name}" if len(candidates) > 1 else "")
    try:
        if len(candidates) > 1 and not candidates[0].exists(os.environ["RUNTIME"]):
            print(f"ServingRuntime {os.environ['RUNTIME']} does not exist yet, so nothing can break", flush=True)
            return 0
        pb = messages()
        with ExitStack() as cleanup:
            for each in candidates:
                cleanup.callback(each.delete)
                each.create()
            candidate.loaded(float(os.environ["SECONDS"]))
            print(f"{candidate.name} is loaded; golden predictions to ask: {len(golden)}", flush=True)
            mesh = cleanup.enter_context(channel(os.environ["TARGET"], os.environ["TLS"]))
            infer = mesh.unary_unary(METHOD, pb.ModelInferRequest.SerializeToString, pb.ModelInferResponse.FromString)

            def ask(inputs: list[dict[str, Any]]) -> Any:
                return infer(request(pb, candidate.name, inputs), timeout=ANSWER_SECONDS, wait_for_ready=True)

            wrong = wrong_answers(ask, golden)
    except RefusedError as error:
        print(f"{what} could not be asked: {error}", flush=True)
        return 1
    if not wrong:
        print(f"{candidate.name} gave all {len(golden)} golden predictions", flush=True)
        return 0
    more = [f"… and {len(wrong) - MOST_SHOWN} more"] if len(wrong) > MOST_SHOWN else []
    count = f"{len(wrong)} difference{'s' if len(wrong) > 1 else ''}"
    print(f"{what}: {count}", *wrong[:MOST_SHOWN], *more, sep="\n  ")
    return 1


def _is_own(found: dict[str, Any]) -> bool:
    """Whether this Job has created the object."""
    return [owner["uid"] for owner in found["metadata"].get("ownerReferences", [])] == [os.environ["JOB_UID"]]


def _raw(datatype: str, values: list[Any]) -> bytes:
    if datatype != "BYTES":
        return np.array(values, NUMBERS[datatype]).tobytes()
    texts = [value.encode() for value in values]
    return b"".join(len(text).to_bytes(4, "little") + text for text in texts)


def _values(datatype: str, contents: Any) -> Any:
    """Return the values of a raw tensor, or of a tensor's typed contents."""
    if not isinstance(contents, bytes):
        values = getattr(contents, f"{CONTENTS[datatype]}_contents")
        return list(values) if datatype == "BYTES" else np.array(values, NUMBERS[datatype])
    if datatype != "BYTES":
        return np.frombuffer(contents, NUMBERS[datatype])
    found = []
    while contents:
        end = 4 + int.from_bytes(contents[:4], "little")
        found.append(contents[4:end])
        contents = contents[end:]
    return found


def _wanted(datatype: str, values: list[Any]) -> Any:
    return [value.encode() for value in values] if datatype == "BYTES" else np.array(values, NUMBERS[datatype])


def _shown(value: Any) -> str:
    text = json.dumps(value.decode(errors="replace"), ensure_ascii=False) if isinstance(value, bytes) else str(value)
    return text if len(text) <= 60 else f"{text[:60]}…"


if __name__ == "__main__":
    sys.exit(main())
