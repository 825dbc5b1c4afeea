"""What an editor knows of the public arguments. That wrong ones are errors is shown by `wrong_types.py`, for mypy."""

import dataclasses
import sys

import jedi
import pytest

import components as mm
from tests.unit.stack.engine import ROOT


@pytest.mark.parametrize(
    "arguments",
    [
        mm.ServingRuntimeArgs,
        mm.ServingRuntimeSpec,
        mm.ClusterServingRuntimeArgs,
        mm.InferenceServiceArgs,
        mm.ModelMeshServingArgs,
        mm.ServingConfig,
        mm.ModelNamespaceArgs,
        mm.MemoryPlan,
    ],
    ids=lambda arguments: arguments.__name__,
)
def test_an_editor_completes_every_field(arguments: type) -> None:
    code = f"import components as mm\nmm.{arguments.__name__}("
    environment = jedi.create_environment(sys.prefix, safe=False)
    script = jedi.Script(code, project=jedi.Project(ROOT), environment=environment)
    offered = {completion.name for completion in script.complete()}
    assert {f"{field.name}=" for field in dataclasses.fields(arguments)} <= offered
