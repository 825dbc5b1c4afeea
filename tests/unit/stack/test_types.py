"""What an editor knows of the public arguments. That wrong ones are errors is shown by `wrong_types.py`, for mypy."""

import dataclasses
import operator
import sys

import jedi
import pytest

import components as mm
from tests.unit.stack.engine import ROOT


@pytest.mark.parametrize(
    "name",
    [
        "ServingRuntimeArgs",
        "ServingRuntimeSpec",
        "runtimes.ClusterServingRuntimeArgs",
        "InferenceServiceArgs",
        "ModelMeshServingArgs",
        "ServingConfig",
        "ModelNamespaceArgs",
        "runtimes.MemoryPlan",
    ],
)
def test_an_editor_completes_every_field(name: str) -> None:
    arguments = operator.attrgetter(name)(mm)
    code = f"import components as mm\nmm.{name}("
    environment = jedi.create_environment(sys.prefix, safe=False)
    script = jedi.Script(code, project=jedi.Project(ROOT), environment=environment)
    offered = {completion.name for completion in script.complete()}
    assert {f"{field.name}=" for field in dataclasses.fields(arguments)} <= offered
