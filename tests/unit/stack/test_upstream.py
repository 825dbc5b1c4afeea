"""Upstream's manifests: proved by their digest, and read as their kustomizations list them."""

import shutil
from collections import Counter
from pathlib import Path

import pytest

from components.upstream import config_tree, documents, source


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source tree of one's own, named as the source."""
    tree = tmp_path / "source" / "config"
    shutil.copytree(config_tree(), tree)
    for path in [tree, *tree.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    monkeypatch.setenv("MODELMESH_SERVING_SRC", str(tree.parent))
    monkeypatch.setattr(source, "config_tree", source.config_tree.__wrapped__)
    return tree


def test_another_copy_is_as_good(copy: Path) -> None:
    assert source.config_tree() == copy


def test_a_changed_tree_is_refused(copy: Path) -> None:
    (copy / "manager" / "manager.yaml").write_text("kind: Deployment\n")
    with pytest.raises(source.UpstreamUnavailableError, match=r"is not config/ of .* v0\.12\.0"):
        source.config_tree()


def test_a_folder_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, copy: Path) -> None:
    monkeypatch.setenv("MODELMESH_SERVING_SRC", str(copy / "nowhere"))
    with pytest.raises(source.UpstreamUnavailableError, match="nowhere"):
        source.config_tree()


def test_a_tree_is_cached_whole_or_not_at_all(copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MODELMESH_SERVING_SRC")
    monkeypatch.setenv("MODELMESH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(source, "_from_archive", lambda _: pytest.fail("the first source has it"))
    monkeypatch.setattr(source, "_from_go", lambda _: copy)
    cached = source.config_tree()
    assert cached.is_relative_to(tmp_path / "cache")
    monkeypatch.setattr(source, "_from_go", lambda _: pytest.fail("it is cached"))
    assert source.config_tree() == cached


def test_with_no_source_each_failure_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> Path:
        raise OSError("no route to host")

    monkeypatch.delenv("MODELMESH_SERVING_SRC", raising=False)
    monkeypatch.setenv("MODELMESH_CACHE", str(tmp_path))
    monkeypatch.setattr(source, "_from_archive", refuse)
    monkeypatch.setattr(source, "_from_go", refuse)
    with pytest.raises(source.UpstreamUnavailableError, match=r"(?s)go mod download: no route.*MODELMESH_SERVING_SRC"):
        source.config_tree.__wrapped__()
    assert not list((tmp_path / "upstream").iterdir())


def test_documents_come_as_upstream_lists_them() -> None:
    kinds = Counter(document["kind"] for folder in ("crd", "rbac/cluster-scope") for document in documents(folder))
    assert kinds == {
        "CustomResourceDefinition": 4,
        "ServiceAccount": 2,
        "Role": 2,
        "RoleBinding": 2,
        "ClusterRole": 1,
        "ClusterRoleBinding": 1,
        "NetworkPolicy": 3,
    }
