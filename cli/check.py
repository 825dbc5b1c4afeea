"""Checks runtimes and services in existing YAML files, without a stack or a cluster."""

from argparse import Namespace
from pathlib import Path
from typing import Any

import yaml

from cli.errors import CommandError
from components import checks
from project.progress import say


def check(arguments: Namespace) -> None:
    """Check the documents in the files for values that ModelMesh would ignore, panic on or only log.

    Raises:
        CommandError: A file can't be read, none is given, or a document cannot work.
    """
    if not arguments.files:
        raise CommandError("name files: make check FILES='a.yaml b.yaml'")
    bad = [name for file in arguments.files for name in _bad(file)]
    if bad:
        raise CommandError(f"could not work: {', '.join(bad)}")


def _bad(file: str) -> list[str]:
    """Names of the documents of a file that cannot work; their problems are printed."""
    bad = []
    for document in _documents(file):
        metadata = document.get("metadata")
        name = f"{document.get('kind', 'no kind')} {metadata.get('name', '?') if isinstance(metadata, dict) else '?'}"
        checked = document.get("kind") in checks.KINDS
        problems = checks.check(document) if checked else []
        mark = "✗" if problems else "✓" if checked else "  not ModelMesh's, not checked:"
        say(f"{mark} {file}: {name}")
        for problem in problems:
            say(f"    {problem}")
        bad += [name] if problems else []
    return bad


def _documents(file: str) -> list[dict[str, Any]]:
    """Documents of a file, including those inside a List."""
    try:
        found = [*yaml.safe_load_all(Path(file).read_text(encoding="utf-8"))]
    except (OSError, ValueError, yaml.YAMLError) as problem:
        raise CommandError(f"{file} can't be read: {problem}") from None
    documents: list[Any] = []
    for document in found:
        listed = document.get("items") or [] if isinstance(document, dict) and document.get("kind") == "List" else None
        documents += [document] if listed is None else listed
    documents = [document for document in documents if document is not None]
    if not documents or not all(isinstance(document, dict) for document in documents):
        raise CommandError(f"{file} holds no Kubernetes documents")
    return documents
