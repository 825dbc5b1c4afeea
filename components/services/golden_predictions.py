"""Requests with their expected answers, which a new model has to give before it goes live."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
from jsonschema import Draft202012Validator

from ..core.names_and_quantities import MIB
from ..core.problem import HIDDEN, MISSING, ROOT, FieldPath, Problem, Text
from ..installation.declared_runtime import DeclaredRuntime
from ..runtimes.memory_plan import needed_bytes

_MOST_BYTES = 800_000
"""Size of all predictions, which are in one Secret; its limit is 1 MiB."""
_DATATYPES: Mapping[str, type | tuple[type, ...]] = {
    "BOOL": bool,
    **dict.fromkeys((f"{sign}INT{bits}" for sign in ("U", "") for bits in (8, 16, 32, 64)), int),
    **dict.fromkeys(("FP16", "FP32", "FP64"), (int, float)),
    "BYTES": str,
}
_TENSOR = {
    "type": "object",
    "required": ["name", "datatype", "shape", "data"],
    "properties": {
        "name": {"type": "string"},
        "datatype": {"enum": list(_DATATYPES)},
        "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}},
        "data": {"type": "array"},
    },
}


def _tensors(name: str, tensor: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    tensors = {"type": "array", "minItems": 1, "items": tensor}
    return {"type": "object", "required": [name], "properties": {name: tensors}, **more}


_SCHEMA = {
    "type": "object",
    "required": ["request", "response"],
    "additionalProperties": False,
    "properties": {
        # A field that is not sent would be taken for one that is asked.
        "request": _tensors("inputs", {**_TENSOR, "additionalProperties": False}, additionalProperties=False),
        "response": _tensors("outputs", _TENSOR),
        "tolerance": {"type": "object", "additionalProperties": {"type": "number", "minimum": 0}},
    },
}


@dataclass(frozen=True, kw_only=True)
class GoldenPredictions:
    """Golden predictions of a service, and the image that sends the requests."""

    folder: Path | str
    """Folder of JSON files, each with `request` and `response` of the V2 inference protocol, and with `tolerance`, the
    largest difference by output."""
    image: pulumi.Input[str]
    """Image with Python, grpcio, numpy, and MLServer or tritonclient, like those built on `modelmesh_runtime`."""
    model_bytes: int | None = None
    """Size of the model's files, to check that two models fit into memory; None if it is not known."""

    def problems(self) -> Iterator[Problem]:
        """Check that the folder has predictions, and that each of them can be asked and compared."""
        folder = ROOT / "folder"
        try:
            files = self._files()
        except OSError as error:
            yield Problem(folder, Text(f"{self.folder} cannot be read ({error.strerror})"), "a folder of JSON files")
            return
        if not files:
            yield Problem(folder, str(self.folder), "a folder with one JSON file or more: a request and its response")
        found = 0
        for name, text in files.items():
            try:
                prediction = json.loads(text, parse_constant=_not_json)
            except (ValueError, RecursionError) as error:
                yield Problem(folder / name, Text(f"not JSON ({error})"), "JSON")
                continue
            problems = [*_schema_problems(folder / name, prediction)] or [*_problems(folder / name, prediction)]
            yield from problems
            found += len(text)
        if found > _MOST_BYTES:
            yield Problem(folder, Text(f"{found:,} bytes"), f"at most {_MOST_BYTES:,} bytes of predictions")

    def memory_problems(self, runtime: DeclaredRuntime) -> Iterator[Problem]:
        """Check that a pod of the runtime holds the model that serves and the candidate together."""
        room, size = runtime.room_bytes, self.model_bytes or runtime.planned_model_bytes
        if room is None or size is None:
            return
        needed = needed_bytes(size, runtime.model_size_multiplier, models=2)
        if needed > room:
            given = Text(f"{room / MIB:.0f} MiB for models in each pod of {runtime.name}")
            expected = (
                f"{needed / MIB:.0f} MiB, since the model that serves and the candidate for golden predictions are "
                "loaded together"
            )
            yield Problem(ROOT / "model_bytes", given, expected, "increase the runtime's memory")

    def content(self) -> str:
        """Return all predictions as one JSON text, by file, with the data of each tensor in one list."""
        predictions = {name: json.loads(text) for name, text in self._files().items()}
        for prediction in predictions.values():
            for tensor in (*prediction["request"]["inputs"], *prediction["response"]["outputs"]):
                tensor["data"] = [*_flat(tensor["data"])]
        return json.dumps(predictions, sort_keys=True)

    def _files(self) -> dict[str, str]:
        return {path.name: _text(path) for path in sorted(Path(self.folder).iterdir()) if path.suffix == ".json"}


def _text(path: Path) -> str:
    return path.read_bytes().decode(errors="replace")


def _schema_problems(path: FieldPath, prediction: object) -> Iterator[Problem]:
    for error in Draft202012Validator(_SCHEMA).iter_errors(prediction):
        place = FieldPath(*path, *error.absolute_path)
        if error.validator == "required":
            for name in error.validator_value:
                if name not in error.instance:
                    cure = "" if name != "response" else "the answer of the model that serves now, if that is right"
                    yield Problem(place / name, MISSING, "a value", cure)
        elif error.validator == "enum":
            yield Problem(place, error.instance, f"one of {', '.join(_DATATYPES)}")
        else:
            yield Problem(place, Text(error.message), "a prediction of the V2 protocol in JSON")


def _problems(path: FieldPath, prediction: Mapping[str, Any]) -> Iterator[Problem]:
    """Check a prediction of the right structure."""
    outputs = prediction["response"]["outputs"]
    for part, tensors in (("request", prediction["request"]["inputs"]), ("response", outputs)):
        for index, tensor in enumerate(tensors):
            place = path / part / ("inputs" if part == "request" else "outputs") / index / "data"
            kind, data = tensor["datatype"], [*_flat(tensor["data"])]
            if len(data) != (count := math.prod(tensor["shape"])):
                yield Problem(place, Text(f"{len(data)} values"), f"{count}, by the shape {tensor['shape']}")
            if not all(_fits(kind, value) for value in data):
                yield Problem(place, HIDDEN, f"values of the datatype {kind}")
    datatypes = {tensor["name"]: tensor["datatype"] for tensor in outputs}
    for name in prediction.get("tolerance", {}):
        if datatypes.get(name) in (None, "BOOL", "BYTES"):
            numbers = [each for each, datatype in datatypes.items() if datatype not in ("BOOL", "BYTES")]
            expected = f"the name of an output of numbers, of which there are {', '.join(numbers) or 'none'}"
            yield Problem(path / "tolerance" / name, Text("set"), expected)


def _fits(datatype: str, value: object) -> bool:
    if not isinstance(value, _DATATYPES[datatype]) or (isinstance(value, bool) and datatype != "BOOL"):
        return False
    if "INT" not in datatype or not isinstance(value, int):
        return True
    bits = int(datatype.rpartition("INT")[2])
    least = 0 if datatype.startswith("U") else -(1 << (bits - 1))
    return least <= value < least + (1 << bits)


def _flat(data: object) -> Iterator[Any]:
    """Return the values of a tensor, whose data may be lists in lists."""
    if not isinstance(data, list):
        yield data
        return
    for entry in data:
        yield from _flat(entry)


def _not_json(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
