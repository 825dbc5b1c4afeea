"""The recorded calls of a real ModelMesh server, replayed against solo mesh before a real MLServer and adapter.

Codes, details, statuses and answers have to be the recorded ones; instance ids and times are masked, as in the
recording, and so is the folder of the models, which was `/models`.
"""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import MessageToDict, ParseDict

from embedded.solo_mesh.wire import mmesh
from project.v2_client import SERVICE
from tests.mesh.real_pod import RealPod
from tests.processes import Program

RECORDING = json.loads((Path(__file__).parent / "recording.json").read_text())

# Before these steps, which show how something in the background has ended, it is given time to end.
WAITS = {18: 3.0, 27: 3.0}

# Steps that solo mesh answers otherwise, each with its reason. None is known.
DIFFERENCES: dict[int, str] = {}

MANAGEMENT = {
    "setVModel": (mmesh.SetVModelRequest, mmesh.VModelStatusInfo),
    "getVModelStatus": (mmesh.GetVModelStatusRequest, mmesh.VModelStatusInfo),
    "deleteVModel": (mmesh.DeleteVModelRequest, mmesh.DeleteVModelResponse),
    "registerModel": (mmesh.RegisterModelRequest, mmesh.ModelStatusInfo),
    "unregisterModel": (mmesh.UnregisterModelRequest, mmesh.UnregisterModelResponse),
    "getModelStatus": (mmesh.GetStatusRequest, mmesh.ModelStatusInfo),
    "ensureLoaded": (mmesh.EnsureLoadedRequest, mmesh.ModelStatusInfo),
}


@pytest.fixture(scope="module")
def pod(etcd: Program, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPod]:
    with ExitStack() as stack:
        yield RealPod(etcd.endpoint, tmp_path_factory.mktemp("pod"), stack)


def call(pod: RealPod, step: dict[str, Any]) -> dict[str, Any]:
    """Make one recorded call; its outcome in the recording's form."""
    method = step["method"]
    if method in MANAGEMENT:
        service, (request_type, reply_type) = "mmesh.ModelMesh", MANAGEMENT[method]
    else:
        service = SERVICE
        request_type, reply_type = pod.messages.of(f"{method}Request"), pod.messages.of(f"{method}Response")
    rpc: Any = pod.channel.unary_unary(
        f"/{service}/{method}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=reply_type.FromString,
    )
    request = ParseDict(step["request"], request_type())
    try:
        reply = rpc(request, timeout=30, metadata=tuple(step.get("metadata", {}).items()))
    except grpc.RpcError as raised:
        error: Any = raised
        details = (error.details() or "").replace(str(pod.models), "/models")
        return {"error": {"code": error.code().name, "details": details}}
    return {"response": masked(MessageToDict(reply), pod)}


def masked(value: Any, pod: RealPod) -> Any:
    """The same with this run's instance id, times and folder masked."""
    match value:
        case {"location": pod.instance, "time": str(), **rest}:
            return {"location": "POD-INSTANCE", "time": "MILLIS", **rest}
        case dict():
            return {key: masked(item, pod) for key, item in value.items()}
        case list():
            return [masked(item, pod) for item in value]
        case str():
            return value.replace(str(pod.models), "/models")
        case _:
            return value


def test_solo_mesh_answers_as_the_real_server_did(pod: RealPod) -> None:
    differing: dict[int, tuple[Any, Any]] = {}
    for step in RECORDING:
        time.sleep(WAITS.get(step["step"], 0))
        expected = {key: step[key] for key in ("response", "error") if key in step}
        if (outcome := call(pod, step)) != expected:
            differing[step["step"]] = (expected, outcome)
    exact = len(RECORDING) - len(differing)
    report = "\n".join(f"step {step}\n  real: {real}\n  solo: {solo}" for step, (real, solo) in differing.items())
    print(f"{exact} of {len(RECORDING)} exact\n{report}")
    assert set(differing) == set(DIFFERENCES), report
    assert len(RECORDING) == 62
    assert exact >= 55
