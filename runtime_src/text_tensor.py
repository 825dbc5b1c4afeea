"""The input of a text model: one BYTES tensor `text` of shape [N], N ≥ 0.

It owns the tensor's declaration and its checks. Over REST the elements are JSON strings, over gRPC UTF-8 bytes, typed
or raw. [N, 1] is taken as well, because MLServer's own StringCodec sends that.
"""

from math import prod

from mlserver.errors import InferenceError
from mlserver.types import Datatype, InferenceRequest, MetadataTensor, Parameters, RequestInput

NAME = "text"
CONTENT_TYPE = "str"
METADATA = MetadataTensor(
    name=NAME, datatype=Datatype.BYTES, shape=[-1], parameters=Parameters(content_type=CONTENT_TYPE)
)


def read_texts(request: InferenceRequest) -> list[str]:
    """Return the N texts of a request.

    Raises:
        InferenceError: anything else than one such tensor; the message names the tensor, the expected and the given.
    """
    names = [tensor.name for tensor in request.inputs]
    if names != [NAME]:
        got = ", ".join(f'"{name}"' for name in names) or "none"
        raise InferenceError(f'input "{NAME}": expected exactly this one input, got {got}')
    tensor = request.inputs[0]
    _check_content_type(request.parameters, "request")
    _check_content_type(tensor.parameters, f'input "{NAME}"')
    # A string in a parsed request, whatever the annotation says.
    if str(tensor.datatype) != Datatype.BYTES.value:
        raise _error(f"expected datatype BYTES, got {tensor.datatype}")
    return [_text(index, element) for index, element in enumerate(_elements(tensor))]


def _elements(tensor: RequestInput) -> list[object]:
    shape = tensor.shape
    if len(shape) not in (1, 2) or shape[0] < 0 or shape[1:] not in ([], [1]):
        raise _error(f"expected shape [N] or [N, 1], got {shape}")
    data = tensor.data.root
    if not isinstance(data, list):
        raise _error(f"expected data to be a list of strings, got {type(data).__name__}")
    if len(data) != prod(shape):
        raise _error(f"expected {prod(shape)} elements for shape {shape}, got {len(data)}")
    return data


def _text(index: int, element: object) -> str:
    match element:
        case str():
            return element
        case bytes():
            try:
                return element.decode()
            except UnicodeDecodeError as error:
                raise _error(
                    f"element {index}: expected UTF-8, got byte {error.object[error.start]:#04x} at {error.start}"
                ) from error
        case _:
            raise _error(f"element {index}: expected a string, got {type(element).__name__}")


def _check_content_type(parameters: Parameters | None, where: str) -> None:
    # Scoring what was meant as base64 or as an array would give an answer, and a wrong one.
    content_type = parameters.content_type if parameters else None
    if content_type not in (None, CONTENT_TYPE):
        raise InferenceError(f'{where}: expected content_type "{CONTENT_TYPE}" or none, got "{content_type}"')


def _error(reason: str) -> InferenceError:
    return InferenceError(f'input "{NAME}": {reason}')
