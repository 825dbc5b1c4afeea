"""Stacks of the benchmarks on an embedded node, and kubectl for the same objects."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.errors import BenchmarkError
from cli.stack import Stack, open_stack
from project import ROOT

CHANGES = ("--yes", "--skip-preview")
"""Flags of the engine's `up` and `destroy`."""
NAMESPACE = "modelmesh-serving"
LOADED = "jsonpath={.status.modelStatus.states.activeModelState}=Loaded"
"""Condition to wait for until the model of an InferenceService is loaded."""


def opened(name: str, program: str, instance: str, config: dict[str, Any]) -> Stack:
    """Open the stack `name` of a program in this folder, which imports modules of the checkout."""
    stack = open_stack(name, instance, config, Path(__file__).parent / program)
    return replace(stack, environment=stack.environment | {"PYTHONPATH": str(ROOT)})


def kubectl(
    stack: Stack, *arguments: str, objects: Sequence[dict[str, Any]] | None = None, limit: float | None = None
) -> str:
    """Run kubectl on the stack's node, with these objects as its standard input; return what it printed."""
    assert stack.embedded
    text = None if objects is None else json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    # The kubeconfig is named here, since asking the engine for it would add to the durations.
    command = [*stack.kubectl_program(), f"--kubeconfig={stack.embedded.kubeconfig}", *arguments]
    command += [] if objects is None else ["--filename=-"]
    try:
        ended = subprocess.run(
            command, env=stack.environment, input=text, text=True, capture_output=True, timeout=limit
        )
    except subprocess.TimeoutExpired:
        raise BenchmarkError(f"kubectl {arguments[0]} took longer than {limit:.0f} s") from None
    if ended.returncode:
        raise BenchmarkError(f"kubectl {arguments[0]} failed: {ended.stderr.strip()[-800:]}")
    return ended.stdout
