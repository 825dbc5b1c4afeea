"""Sends one request to a served model, a sample or that of a file, and prints the answer as a table or as JSON."""

import json
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from cli.errors import CommandError
from cli.predict import served_model
from cli.stack import open_stack

_LONGEST_DATA = 80
_INTEGERS = (f"{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64))
_TENSOR = {
    "type": "object",
    "required": ["name", "datatype", "shape", "data"],
    "properties": {
        "name": {"type": "string"},
        "datatype": {"enum": ["BOOL", *_INTEGERS, "FP16", "FP32", "FP64", "BYTES"]},
        "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}},
        "data": {"type": "array"},
    },
    # A field that is not sent would be taken for one that has an effect.
    "additionalProperties": False,
}
_SCHEMA = {
    "type": "object",
    "required": ["inputs"],
    "properties": {"inputs": {"type": "array", "minItems": 1, "items": _TENSOR}},
    "additionalProperties": False,
}


def predict(arguments: Namespace) -> None:
    """Print a model's answer to the request in a file, or to a text."""
    request = read(Path(arguments.file)) if arguments.file else None
    with served_model(open_stack(arguments.stack, arguments.instance), arguments.model) as model:
        try:
            outputs = model.answer(request or model.sample(arguments.text))
        except ValueError as error:
            raise CommandError(
                f"{arguments.file}: data does not fit datatype and shape of its tensor: {error}"
            ) from None
    if arguments.output == "json":
        print(json.dumps({"model_name": model.name, "outputs": outputs}, ensure_ascii=False))
    else:
        print(*table(outputs), sep="\n")


def read(file: Path) -> dict[str, Any]:
    """Request of the V2 protocol in a JSON file."""
    try:
        request: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CommandError(f"{file} cannot be read as JSON: {error}") from None
    if problem := best_match(Draft202012Validator(_SCHEMA).iter_errors(request)):
        raise CommandError(
            f"{file} is no request of the V2 protocol: {problem.json_path.removeprefix('$.')}: {problem.message}; "
            "docs/own-model-server.md has an example"
        )
    return request


def table(outputs: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Lines of aligned columns, with the beginning of long data."""
    rows = [("TENSOR", "DATATYPE", "SHAPE", "DATA")]
    for output in outputs:
        data = json.dumps(output["data"], ensure_ascii=False)
        data = f"{data[:_LONGEST_DATA]}…" if len(data) > _LONGEST_DATA else data
        rows.append((output["name"], output["datatype"], str(output["shape"]), data))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)][:-1]
    for *cells, data in rows:
        yield "  ".join([*(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)), data])
