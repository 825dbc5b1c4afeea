"""Type constraints and the data plane's config, as the controller writes them, read anew when they change."""

import json
import os
from pathlib import Path

from embedded.solo_mesh.constraints import DataplaneConfig, IdField, TypeConstraints

LABELS = frozenset({"mt:x", "mt:x:1", "pv:grpc-v2", "rt:x-runtime"})


def write(path: Path, **types: list[str]) -> None:
    """As kubelet does it: a new file takes the old one's place."""
    content = {name.replace("_OR_", "|"): {"required": labels} for name, labels in types.items()}
    new = path.with_suffix(".new")
    new.write_text(json.dumps(content | {"_default": {"required": ["_no_runtime"]}}))
    os.replace(new, path)  # noqa: PTH105


def test_listed_types_are_judged_by_the_file(tmp_path: Path) -> None:
    write(tmp_path / "types", listed=["mt:x", "pv:grpc-v2"], other=["mt:y"])
    constraints = TypeConstraints(tmp_path / "types")
    assert constraints.met("listed", LABELS)
    assert not constraints.met("other", LABELS)
    assert constraints.required("other") == ["mt:y"]


def test_unlisted_types_have_the_defaults_labels_whatever_labels_a_pod_has(tmp_path: Path) -> None:
    write(tmp_path / "types")
    constraints = TypeConstraints(tmp_path / "types")
    assert constraints.required("mt:x|pv:grpc-v2") == ["_no_runtime"]
    assert not constraints.met("mt:x|pv:grpc-v2", LABELS), "ModelMesh does not read a type's own labels either"
    write(tmp_path / "types", **{"mt:x_OR_pv:grpc-v2": ["mt:x", "pv:grpc-v2"]})
    assert constraints.met("mt:x|pv:grpc-v2", LABELS)


def test_a_changed_file_counts_at_once_and_a_broken_one_not_at_all(tmp_path: Path) -> None:
    write(tmp_path / "types", a=["mt:x"])
    constraints = TypeConstraints(tmp_path / "types")
    assert constraints.required("b") == ["_no_runtime"]
    write(tmp_path / "types", b=["mt:b"])
    assert constraints.required("b") == ["mt:b"]
    (tmp_path / "types").write_text("{")
    assert constraints.required("b") == ["mt:b"]


def test_the_field_of_the_id_comes_from_the_config(tmp_path: Path) -> None:
    rpcs = {"a.B/C": {"idExtractionPath": [1, 2], "vModelId": True}, "a.B/D": {}}
    (tmp_path / "config").write_text(json.dumps({"rpcConfigs": rpcs, "allowOtherRpcs": False}))
    config = DataplaneConfig(tmp_path / "config")
    assert config.id_field("a.B/C") == IdField((1, 2), vmodel=True)
    assert config.id_field("a.B/D") is None
    assert config.allows("a.B/D")
    assert not config.allows("a.B/E")
