"""Inference over REST, limits on the bodies of REST calls, and on the calls that MLServer counts in its metrics.

MLServer's endpoint makes a list of every number, and knows no binary tensors. Here arrays become JSON in C, and the
protocol's extension for binary tensors is supported, which tritonclient uses by default.

MLServer accepts bodies of any size, even small gzip bodies that unpack to large ones. Here those beyond the
limits of limits.py get 413. Parsed JSON may take 50 times the memory of its text, so a large body's size in memory is
estimated before it is parsed.

A method that HTTP does not have would get separate series, and a malformed host would cause 500; here neither is
counted.
"""

import gzip
import io
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson
from fastapi import Request, status
from fastapi.exceptions import RequestValidationError
from mlserver.errors import InferenceError
from mlserver.rest.requests import Request as RestRequest
from mlserver.rest.responses import Response
from mlserver.types import InferenceRequest, InferenceResponse, TensorData
from mlserver.utils import extract_headers, insert_headers
from pydantic import ValidationError
from starlette.datastructures import URL
from starlette.exceptions import HTTPException
from starlette.responses import Response as AnyResponse
from starlette_exporter import PrometheusMiddleware

from . import codec
from .limits import HOW_TO_RAISE, JSON_FACTOR, JSON_MEMORY_FACTOR, MOST_DIMENSIONS, MOST_TENSORS, most_bytes
from .messages import made
from .tensors import short

_JSON_BYTES = "Inference-Header-Content-Length"
"""Header of a body that has binary tensors after so many bytes of JSON."""

_IN_MEMORY = {",": 32, "[": 96, "{": 240, ":": 80, '"': 56}
"""Bytes in memory for each such character outside of texts, about: those of a number, a list, an object, an entry of
an object, and a text at its end."""
_WORST_IN_MEMORY = 50
"""Bytes in memory for each byte of JSON at most, which are those of nested empty lists."""
_METHODS = {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}
_counted_by_mlserver: Any = PrometheusMiddleware.__call__


async def infer(self: Any, raw_request: Request, model_name: str, model_version: str | None = None) -> AnyResponse:
    """Answer a request in JSON, or one with binary tensors; replaces the endpoint's method."""
    payload = _request(raw_request, await raw_request.body())
    insert_headers(payload, dict(raw_request.headers))
    response = await self._data_plane.infer(payload, model_name, model_version)
    headers = extract_headers(response)
    binary = _binary_outputs(payload, response)
    content = codec.as_json(response, binary)
    if not binary:
        return AnyResponse(content, media_type="application/json", headers=headers)
    headers = {**(headers or {}), _JSON_BYTES: str(len(content))}
    return AnyResponse(b"".join([content, *binary.values()]), media_type="application/octet-stream", headers=headers)


def _request(call: Request, data: bytes) -> InferenceRequest:
    size = call.headers.get(_JSON_BYTES)
    kind = call.headers.get("content-type", "application/json")
    media = kind.partition(";")[0].strip().lower()
    if size is None and media != "application/json" and not media.endswith("+json"):
        raise InferenceError(f"request: expected content type application/json, got {kind}")
    if size is not None and (not size.isdecimal() or len(size) > 19 or int(size) > len(data)):
        raise InferenceError(f"{_JSON_BYTES}: expected at most the {len(data)} bytes of the body, got {short(size)}")
    end = len(data) if size is None else int(size)
    _check_memory(data[:end])
    try:
        content = orjson.loads(data[:end]) if data else None
    except orjson.JSONDecodeError as error:
        raise InferenceError(f"request: expected JSON, got something else at character {error.pos}") from None
    if content is None:
        raise InferenceError("request: expected a JSON body, got none")
    _check_counts(content)
    binary = _take_binary(content, data[end:]) if size is not None else {}
    try:
        request: InferenceRequest = InferenceRequest.model_validate(content, from_attributes=True)
    except ValidationError as error:
        raise InferenceError(_reason(error.errors(), content)) from None
    for index, raw in binary.items():
        tensor = request.inputs[index]
        datatype = str(getattr(tensor.datatype, "value", tensor.datatype))
        values = codec.unpacked(f'input "{short(tensor.name)}"', datatype, tensor.shape, raw)
        tensor.data = made(TensorData, root=values)
    return request


def _check_memory(text: bytes) -> None:
    """Estimate the memory that JSON will take, by characters, since parsing it would take that memory.

    Raises:
        HTTPException: It is too much (413).
    """
    most = most_bytes()
    if most is None or _WORST_IN_MEMORY * len(text) <= JSON_MEMORY_FACTOR * most:
        return
    characters = np.frombuffer(text.replace(rb"\\", b"").replace(rb"\"", b""), np.uint8)
    outside = ~np.logical_xor.accumulate(characters == ord('"'))  # of texts, whose punctuation takes nothing
    counts = {each: np.count_nonzero(outside & (characters == ord(each))) for each in _IN_MEMORY}
    estimate = sum(size * counts[each] for each, size in _IN_MEMORY.items())
    if estimate > JSON_MEMORY_FACTOR * most:
        reason = f"expected JSON of at most {JSON_MEMORY_FACTOR * most} bytes in memory, got about {estimate}"
        raise HTTPException(status.HTTP_413_REQUEST_ENTITY_TOO_LARGE, f"{reason}; {HOW_TO_RAISE}")


def _check_counts(content: Any) -> None:
    """Count what becomes an object of pydantic's, or one of its errors, which take 1,000 bytes and more.

    Raises:
        InferenceError: There are too many.
    """
    described = [content] if isinstance(content, dict) else []
    for kind in ("inputs", "outputs") if described else ():
        tensors = content.get(kind)
        if not isinstance(tensors, list):
            continue
        if len(tensors) > MOST_TENSORS:
            raise InferenceError(f"{kind}: expected at most {MOST_TENSORS}, got {len(tensors)}")
        described += [tensor for tensor in tensors if isinstance(tensor, dict)]
    for each in described:
        shape = each.get("shape")
        if isinstance(shape, list) and len(shape) > MOST_DIMENSIONS:
            raise InferenceError(f"shape: expected at most {MOST_DIMENSIONS} dimensions, got {len(shape)}")
    parameters = [each.get("parameters") for each in described]
    if (count := sum(len(each) for each in parameters if isinstance(each, dict))) > MOST_TENSORS:
        raise InferenceError(f"parameters: expected at most {MOST_TENSORS} in a request, got {count}")


def _take_binary(content: Any, data: bytes) -> dict[int, bytes]:
    """Binary contents by the index of their input, and an empty list in place of each."""
    found, start = {}, 0
    tensors = content.get("inputs") if isinstance(content, dict) else None
    for index, tensor in enumerate(tensors if isinstance(tensors, list) else ()):
        parameters = tensor.get("parameters") if isinstance(tensor, dict) else None
        size = parameters.pop("binary_data_size", None) if isinstance(parameters, dict) else None
        if size is None:
            continue
        if type(size) is not int or size < 0 or "data" in tensor:
            raise InferenceError(f"input {index}: expected either data or a binary_data_size of bytes")
        found[index], start = data[start : start + size], start + size
        tensor["data"] = []
    if start != len(data):
        expected = f"the binary_data_size values to add up to the {len(data)} bytes after the JSON"
        raise InferenceError(f"inputs: expected {expected}, got {start}")
    return found


def _binary_outputs(request: InferenceRequest, response: InferenceResponse) -> dict[str, bytes]:
    """Raw contents of the outputs that the request wants to be binary."""
    usual = getattr(request.parameters, "binary_data_output", False)
    wanted = {each.name: getattr(each.parameters, "binary_data", usual) for each in request.outputs or ()}
    return {each.name: codec.packed(each) for each in response.outputs if wanted.get(each.name, usual)}


async def answer_invalid_body(_: Request, error: RequestValidationError) -> Response:
    """Answer 400 with the first error of a body that FastAPI has read."""
    reason = _reason(error.errors(), error.body, skip=1)
    return Response(status_code=status.HTTP_400_BAD_REQUEST, content={"error": reason})


def _reason(errors: Sequence[Any], body: Any, skip: int = 0) -> str:
    """The first error of a body, with the name of the tensor if it is known."""
    problem = errors[0]
    if problem["type"] == "json_invalid":
        return f"request: expected JSON, got something else at character {problem['loc'][1]}"
    where, what = _location([*problem["loc"]][skip:], body), str(problem["msg"])
    got = problem.get("input")
    # Only scalars are quoted: payloads must not appear in errors.
    quoted = isinstance(got, str | int | float | bool) and len(str(got)) <= 60
    return f"{where}: {what}{f', got {got!r}' if quoted else ''}"


def _location(path: list[Any], body: Any) -> str:
    match path:
        case ["inputs" | "outputs" as kind, int(index), *rest]:
            try:
                name = f'"{short(body[kind][index]["name"])}"'
            except (KeyError, IndexError, TypeError):
                name = str(index)
            return " ".join([kind.removesuffix("s"), name, *map(str, rest)])
        case _:
            return " ".join(["request", *map(str, path)])


async def body(self: RestRequest) -> bytes:
    """Read a body and decompress it if it is gzip.

    Raises:
        HTTPException: It is too large (413).
    """
    if not hasattr(self, "_body"):
        read, most = bytearray(), most_bytes()
        most = most and JSON_FACTOR * most
        async for part in self.stream():
            read += part
            _check_size(read, most)
        if "gzip" in self.headers.getlist("Content-Encoding"):
            try:
                with gzip.GzipFile(fileobj=io.BytesIO(read)) as file:
                    read = bytearray(file.read(-1 if most is None else most + 1))
            except (OSError, EOFError, zlib.error):
                raise HTTPException(status.HTTP_400_BAD_REQUEST, "There was an error parsing the body") from None
            _check_size(read, most)
        self._body = bytes(read)
    return self._body


async def parsed(self: RestRequest) -> Any:
    """Parse the JSON of a body that FastAPI reads, which are those of all calls but inference, within the same limits.

    Raises:
        HTTPException: It would take too much memory (413), or has too many tensors (400).
    """
    if not hasattr(self, "_json"):
        data = await self.body()
        _check_memory(data)
        content = orjson.loads(data)
        try:
            _check_counts(content)
        except InferenceError as error:
            raise HTTPException(status.HTTP_400_BAD_REQUEST, str(error)) from None
        self._json = content
    return self._json


def _check_size(read: bytearray, most: int | None) -> None:
    if most is not None and len(read) > most:
        raise HTTPException(status.HTTP_413_REQUEST_ENTITY_TOO_LARGE, f"expected at most {most} bytes; {HOW_TO_RAISE}")


async def counted(self: Any, scope: Any, receive: Any, send: Any) -> None:
    """Count a call in MLServer's metrics if it is a valid HTTP request."""
    if scope["type"] == "http" and (scope["method"] not in _METHODS or not _has_url(scope)):
        await self.app(scope, receive, send)
    else:
        await _counted_by_mlserver(self, scope, receive, send)


def _has_url(scope: Any) -> bool:
    if not any(b"[" in value or b"]" in value for name, value in scope["headers"] if name == b"host"):
        return True
    try:
        URL(scope=scope).components  # noqa: B018  (parses the URL)
    except ValueError:
        return False
    return True
