"""A first request for a model with declared tensors, and the same as commands to paste, for REST and gRPC."""

import json
import math
import shlex
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

EXAMPLE = "What a wonderful day, I love it!"
"""Text of a request by default."""
_NUMPY = {"BOOL": "bool_", "FP16": "float16", "FP32": "float32", "FP64": "float64", "BYTES": "object_"}


def sample(inputs: Sequence[dict[str, Any]], text: str) -> dict[str, Any]:
    """One element for each input in the model's metadata: `text` for type BYTES, and 1 for others."""
    return {
        "inputs": [
            {"name": each["name"], "datatype": each["datatype"], "shape": shape, "data": _elements(each, shape, text)}
            for each in inputs
            for shape in [[max(size, 1) for size in each["shape"]]]
        ]
    }


def curl_line(port: int, model: str, request: dict[str, Any]) -> str:
    """Command for the request over REST."""
    url = f"http://127.0.0.1:{port}/v2/models/{quote(model)}/infer"
    body = json.dumps(request, ensure_ascii=False)
    return shlex.join(["curl", "-s", url, "-H", "Content-Type: application/json", "-d", body])


def python_line(python: str, port: int, model: str, request: dict[str, Any]) -> str:
    """Command for the request over gRPC, with a client that `python` has."""
    statements = ["import numpy as np, tritonclient.grpc as v2"]
    for index, each in enumerate(request["inputs"]):
        name, datatype, shape = _literal(each["name"]), each["datatype"], each["shape"]
        values = ", ".join(map(_literal, each["data"]))
        dtype = _NUMPY.get(datatype) or datatype.lower()
        statements += [
            f'i{index} = v2.InferInput({name}, {shape}, "{datatype}")',
            f"i{index}.set_data_from_numpy(np.array([{values}], dtype=np.{dtype}).reshape({shape}))",
        ]
    names = ", ".join(f"i{index}" for index in range(len(request["inputs"])))
    statements += [
        f'answer = v2.InferenceServerClient("127.0.0.1:{port}").infer({_literal(model)}, [{names}])',
        "print({o.name: answer.as_numpy(o.name).tolist() for o in answer.get_response().outputs})",
    ]
    return shlex.join([python, "-c", "; ".join(statements)])


def _literal(value: Any) -> str:
    """Python literal in double quotes, since the shell's are single ones."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _elements(tensor: dict[str, Any], shape: Sequence[int], text: str) -> list[Any]:
    value: Any = {"BYTES": text, "BOOL": True}.get(tensor["datatype"], 1)
    return [value] * math.prod(shape)
