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
    with pytest.raises(source.UpstreamUnavailableError, match="nowhere/config does not exist"):
        source.config_tree()


@pytest.fixture
def cache(copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: ARG001
    """An empty cache, and no source tree that is named."""
    monkeypatch.delenv("MODELMESH_SERVING_SRC")
    monkeypatch.setenv("MODELMESH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "upstream"


def test_a_tree_is_cached_whole_or_not_at_all(
    copy: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in [copy, *copy.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)  # as in the module cache
    monkeypatch.setattr(source, "_from_archive", lambda _: pytest.fail("the first source has it"))
    monkeypatch.setattr(source, "_from_go", lambda _: copy)
    cached = source.config_tree()
    assert cached.is_relative_to(cache)
    assert [path.name for path in cache.iterdir()] == [cached.parent.name]
    modes = {(path.is_dir(), path.stat().st_mode & 0o777) for path in cached.rglob("*")}
    assert modes == {(True, 0o755), (False, 0o644)}
    monkeypatch.setattr(source, "_from_go", lambda _: pytest.fail("it is cached"))
    assert source.config_tree() == cached
    monkeypatch.delenv("MODELMESH_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    shutil.copytree(cache, tmp_path / "home/.cache/modelmesh-stack/upstream")
    assert source.config_tree().is_relative_to(tmp_path / "home/.cache/modelmesh-stack/upstream")


def test_another_run_may_cache_the_tree_meanwhile(copy: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def after_another_run(_: Path) -> Path:
        monkeypatch.setattr(source, "_from_go", lambda _: copy)
        source.config_tree()
        return copy

    monkeypatch.setattr(source, "_from_go", after_another_run)
    assert source.config_tree().is_relative_to(cache)


def test_the_archive_serves_where_the_module_is_another(
    copy: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.make_archive(str(tmp_path / "tree"), "gztar", copy.parents[1], copy.parent.name)
    (tmp_path / "other").mkdir()
    monkeypatch.setattr(source, "_from_go", lambda _: tmp_path / "other")
    monkeypatch.setattr(source, "_ARCHIVE", (tmp_path / "tree.tar.gz").as_uri())
    assert source.config_tree().is_relative_to(cache)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo {}; echo first >&2; echo last >&2; exit 1", "last"),
        ("echo unknown; exit 1", "unknown"),
        ("exit 3", "Command .* returned non-zero exit status 3\\."),
    ],
)
def test_a_failed_download_is_told_in_one_line(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, reason: str
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/go").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "bin/go").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    monkeypatch.setattr(source, "_ARCHIVE", (tmp_path / "absent").as_uri())
    with pytest.raises(source.UpstreamUnavailableError, match=rf"\n  go mod download: {reason}\n"):
        source.config_tree()
    assert not [*cache.iterdir()]


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
