"""Upstream's documents, unchanged and in the order of their kustomizations."""

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from .source import config_tree

Document = dict[str, Any]

# The C parser, if PyYAML has it, is ten times faster, and the CRDs are a megabyte of YAML.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def documents(folder: str) -> list[Document]:
    """Read the documents that `config/<folder>/kustomization.yaml` lists, directly or through other kustomizations."""
    return list(_walk(config_tree() / folder))


def text(path: str) -> str:
    """Read one file below `config/`."""
    return (config_tree() / path).read_text(encoding="utf-8")


def _walk(folder: Path) -> Iterator[Document]:
    (kustomization,) = _load(folder / "kustomization.yaml")
    for name in kustomization.get("resources", []):
        resource = (folder / name).resolve()
        yield from _walk(resource) if resource.is_dir() else _load(resource)


@functools.cache
def _load(path: Path) -> tuple[Document, ...]:
    with path.open(encoding="utf-8") as file:
        return tuple(yaml.load_all(file, Loader=_Loader))
