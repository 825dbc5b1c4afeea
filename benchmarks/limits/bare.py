"""Upper limit for comparison: the same model behind a gRPC server without any other function.

Run in the model server's environment, with its code on the search path: `python bare.py <protoset> <folder of models>`.
It has no checks, metadata, REST or metrics, only the three RPCs that the benchmark needs.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import uvloop
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from vader_analyzer import LexiconAnalyzer
from vader_lexicon import read_lexicon

SERVICE = "inference.GRPCInferenceService"
SCORES = ("compound", "pos", "neu", "neg")


class BareServer:
    """Handlers for models of one folder, using messages of a protoset."""

    def __init__(self, protoset: Path, models: Path) -> None:
        self._pool = DescriptorPool()
        for file in FileDescriptorSet.FromString(protoset.read_bytes()).file:
            self._pool.Add(file)
        self._models = models
        self._loaded: dict[str, LexiconAnalyzer] = {}
        self._answer = self._message("ModelInferResponse")

    def handler(self) -> grpc.GenericRpcHandler:
        """Handler for the gRPC server."""
        methods = {"ServerReady": self._ready, "RepositoryModelLoad": self._load, "ModelInfer": self._infer}
        rpcs = {
            name: grpc.unary_unary_rpc_method_handler(
                method,
                request_deserializer=self._message(f"{name}Request").FromString,
                response_serializer=self._message(f"{name}Response").SerializeToString,
            )
            for name, method in methods.items()
        }
        return grpc.method_handlers_generic_handler(SERVICE, rpcs)

    async def _ready(self, _request: Any, _context: Any) -> Any:
        return self._message("ServerReadyResponse")(ready=True)

    async def _load(self, request: Any, _context: Any) -> Any:
        settings = json.loads((self._models / request.model_name / "model-settings.json").read_text())
        if (path := Path(settings["parameters"]["uri"])).is_dir() and any(path.iterdir()):  # else it doubles arrays
            self._loaded[request.model_name] = LexiconAnalyzer(read_lexicon(path))
        return self._message("RepositoryModelLoadResponse")()

    async def _infer(self, request: Any, _context: Any) -> Any:
        if request.inputs[0].datatype == "FP32":
            return self._doubled(request)
        analyzer = self._loaded[request.model_name]
        scores = [analyzer.scores(text.decode()) for text in request.inputs[0].contents.bytes_contents]
        shape = [len(scores)]
        answer = self._answer(model_name=request.model_name)
        for name in SCORES:
            output = answer.outputs.add(name=name, datatype="FP32", shape=shape)
            output.contents.fp32_contents.extend([each[name] for each in scores])
        labels = answer.outputs.add(name="label", datatype="BYTES", shape=shape)
        labels.contents.bytes_contents.extend([_label(each["compound"]) for each in scores])
        return answer

    def _doubled(self, request: Any) -> Any:
        (tensor,) = request.inputs
        answer = self._answer(model_name=request.model_name)
        output = answer.outputs.add(name="y", datatype="FP32", shape=tensor.shape)
        if request.raw_input_contents:
            answer.raw_output_contents.append((np.frombuffer(request.raw_input_contents[0], "<f4") * 2).tobytes())
        else:
            output.contents.fp32_contents.extend((np.array(tensor.contents.fp32_contents, "f4") * 2).tolist())
        return answer

    def _message(self, name: str) -> Any:
        return GetMessageClass(self._pool.FindMessageTypeByName(f"inference.{name}"))


def _label(compound: float) -> bytes:
    return b"positive" if compound >= 0.05 else b"negative" if compound <= -0.05 else b"neutral"


async def serve(protoset: str, models: str) -> None:
    """Serve on the loopback interface until the process ends."""
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((BareServer(Path(protoset), Path(models)).handler(),))
    server.add_insecure_port(f"127.0.0.1:{os.environ['MLSERVER_GRPC_PORT']}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.install()
    asyncio.run(serve(*sys.argv[1:]))
