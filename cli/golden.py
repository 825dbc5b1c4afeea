"""Golden predictions of a stack: requests with the answers of the model that serves now."""

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

from cli.errors import CommandError
from cli.predict import ServedModel, served_model
from cli.samples import EXAMPLE
from cli.stack import Stack, open_stack, tracked
from project.progress import say

_KEY = "modelmesh:goldenPredictions"
_FIRST = "example.json"
_RELATIVE_TOLERANCE = 1e-5
"""Part of an output's largest value by which other processors may compute another value."""


def golden(arguments: Namespace) -> None:
    """Write the model's answers into the stack's golden predictions."""
    stack = open_stack(arguments.stack, arguments.instance)
    record(stack, _folder(stack))


def record(stack: Stack, folder: Path) -> None:
    """Write the model's answers into the files of a folder; an empty one gets a first file."""
    with served_model(stack) as model:
        if not (files := sorted(folder.glob("*.json"))):
            folder.mkdir(parents=True, exist_ok=True)
            files = [folder / _FIRST]
            _write(files[0], {"request": model.sample(EXAMPLE)})
        changed = [file for file in files if _answered(file, model)]
    for file in files:
        say(f"  {file}: {'changed' if file in changed else 'as before'}")
    say(f"▸ {len(files)} golden predictions of {model.name}, {len(changed)} changed: read them before you commit them")


def _folder(stack: Stack) -> Path:
    folder = (tracked(stack.name, stack.root).get("config") or {}).get(_KEY)
    if not folder:
        raise CommandError(f"Pulumi.{stack.name}.yaml has no golden predictions: set {_KEY} to a folder for them")
    return stack.root / str(folder)


def _answered(file: Path, model: ServedModel) -> bool:
    """Write the answer to the file's request into it; whether that changed the file."""
    try:
        before = file.read_text(encoding="utf-8")
        prediction = json.loads(before)
        expected = {output["name"] for output in prediction.get("response", {}).get("outputs", [])}
        outputs = model.answer(prediction["request"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CommandError(f"{file} has no request that can be sent ({error!r}): docs/golden-predictions.md") from None
    # A file without a response expects all outputs, and one with a response those that it names.
    if expected:
        outputs = [output for output in outputs if output["name"] in expected]
    else:
        prediction.setdefault("tolerance", _tolerance(outputs))
    prediction["response"] = {"outputs": outputs}
    try:
        _write(file, prediction)
    except ValueError:
        raise CommandError(
            f"the answer to {file} has values that JSON cannot express, like NaN: send another request"
        ) from None
    return file.read_text(encoding="utf-8") != before


def _tolerance(outputs: list[dict[str, Any]]) -> dict[str, float]:
    """Largest difference by output, for outputs of fractions."""
    fractions = {output["name"]: output["data"] for output in outputs if output["datatype"].startswith("FP")}
    return {
        name: float(f"{_RELATIVE_TOLERANCE * (max(map(abs, data), default=0) or 1):.0e}")
        for name, data in fractions.items()
    }


def _write(file: Path, prediction: dict[str, Any]) -> None:
    text = json.dumps(prediction, indent=2, ensure_ascii=False, allow_nan=False)
    file.write_text(text + "\n", encoding="utf-8")
