"""Documents that were written elsewhere are held to the same rules, without a stack or a cluster."""

from argparse import Namespace
from pathlib import Path

import pytest

from cli.check import check
from cli.errors import CommandError
from tests.unit.stack.upstream_tree import tree

CANARY = """
kind: InferenceService
apiVersion: serving.kserve.io/v1beta1
metadata: {name: mine, annotations: {serving.kserve.io/deploymentMode: ModelMesh}}
spec:
  predictor:
    canaryTrafficPercent: 10
    model: {modelFormat: {name: sklearn}, storage: {key: models, path: a}}
  transformer: {containers: [{name: a}]}
---
kind: ConfigMap
metadata: {name: other}
"""


def test_what_modelmesh_would_ignore_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.yaml").write_text(CANARY)
    with pytest.raises(CommandError, match="could not work: InferenceService mine"):
        check(Namespace(files=[str(tmp_path / "mine.yaml")]))
    printed = capsys.readouterr().err
    assert "spec.transformer: set, expected none: ModelMesh ignores it" in printed
    assert "spec.predictor.canaryTrafficPercent: set, expected none: ModelMesh ignores it" in printed
    assert "not checked: " in printed, "the other document is no concern of ModelMesh's"


@pytest.mark.parametrize("name", ["servingruntime_pullerless.yaml", "serving_v1beta1_inferenceservice.yaml"])
def test_upstreams_samples_are_good(name: str) -> None:
    check(Namespace(files=[str(tree() / "config/samples" / name)]))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("kind: ServingRuntime\n", "metadata: None, expected a mapping"),
        ("kind: ServingRuntime\n", "spec: None, expected a mapping"),
        ("kind: ServingRuntime\nmetadata: {}\nspec: {}\n", "metadata.name: None, expected a text"),
        ("kind: ServingRuntime\nmetadata: {name: 5}\nspec: {}\n", "metadata.name: 5, expected a text"),
        ("kind: InferenceService\nmetadata: x\nspec: {}\n", "metadata: 'x', expected a mapping"),
        ("kind: InferenceService\nmetadata: {name: a, annotations: {b: 1}}\n", "metadata.annotations.b: 1, expected"),
        ("kind: InferenceService\nmetadata: {name: a, labels: x}\n", "metadata.labels: 'x', expected a mapping"),
        ("kind: List\nitems: [{kind: ServingRuntime}]\n", "spec: None, expected a mapping"),
        (
            "kind: InferenceService\nmetadata: {name: a, annotations: }\nspec: {predictor: {sklearn: {}}}\n",
            'metadata.annotations["serving.kserve.io/deploymentMode"]: missing, expected',
        ),
        ("kind: ServingRuntime\nmetadata: {name: a}\nspec: {}\n", "spec.containers: missing, expected a value"),
    ],
)
def test_what_is_no_whole_document_is_told(
    tmp_path: Path, text: str, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(CommandError):
        check(Namespace(files=[str(tmp_path / "mine.yaml")]))
    assert problem in capsys.readouterr().err


def test_a_file_that_is_no_yaml_and_no_file_at_all_are_errors(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("a: [")
    with pytest.raises(CommandError, match="can't be read"):
        check(Namespace(files=[str(tmp_path / "mine.yaml")]))
    for text in ("---\n", "kind: List\nitems:\n", "kind: List\nitems: [1]\n", "5\n"):
        (tmp_path / "mine.yaml").write_text(text)
        with pytest.raises(CommandError, match="holds no Kubernetes documents"):
            check(Namespace(files=[str(tmp_path / "mine.yaml")]))
    with pytest.raises(CommandError, match="name files"):
        check(Namespace(files=[]))
