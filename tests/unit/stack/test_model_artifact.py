"""What keeps a model from being published is told before anything is built."""

import dataclasses
from pathlib import Path

import pytest

from components.invalid_spec import InvalidSpec
from components.model_artifact import ModelArtifact, ModelArtifactArgs
from components.runtime_image import BuildArgs
from tests.unit.stack.engine import run
from tests.unit.stack.serving import S3


def test_a_store_that_names_no_bucket_is_none_to_publish_to(tmp_path: Path) -> None:
    (tmp_path / "model").write_text("x", encoding="utf-8")
    args = ModelArtifactArgs(
        namespace="models",
        model_name="sentiment",
        source=tmp_path,
        build=BuildArgs(registry="registry.example", insecure=False, builder=None, on_preview=False),
        storage=dataclasses.replace(S3, bucket=None),
    )

    def program() -> None:
        with pytest.raises(InvalidSpec) as raised:
            ModelArtifact("model", args)
        assert raised.value.problems == ["storage.bucket: missing, expected the one that the model is put into"]

    assert run(program).resources == []
