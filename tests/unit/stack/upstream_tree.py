"""Every runtime and service that upstream's own tree holds, in manifests, test data and documentation."""

import functools
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from components.upstream.source import MODULE, VERSION

KINDS = ("ServingRuntime", "ClusterServingRuntime", "InferenceService")
_FOLDERS = ("config", "docs", "fvt/testdata")
_FENCED = re.compile(r"^ *```.*?\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
_HERE_DOCUMENT = re.compile(r"<<-?\s*[\"']?EOF.*?\n(.*?)\n\s*EOF", re.DOTALL)


@functools.cache
def tree() -> Path:
    """The pinned source tree: the one that is named, or the Go module."""
    if named := os.environ.get("MODELMESH_SERVING_SRC"):
        return Path(named)
    command = ["go", "mod", "download", "-json", f"{MODULE}@{VERSION}"]
    return Path(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["Dir"])


def upstream_documents(*kinds: str) -> list[tuple[str, dict[str, Any]]]:
    """Each document of these kinds with where it stands: `<path>#<number of the document in that file>`."""
    found = []
    for folder in _FOLDERS:
        for file in sorted((tree() / folder).rglob("*")):
            if file.suffix in (".yaml", ".md"):
                documents = [document for document in _documents(file) if document["kind"] in kinds]
                where = file.relative_to(tree()).as_posix()
                found += [(f"{where}#{number}", document) for number, document in enumerate(documents, 1)]
    return found


def _documents(file: Path) -> Iterator[dict[str, Any]]:
    text = file.read_text(encoding="utf-8")
    blocks = [text] if file.suffix == ".yaml" else _FENCED.findall(text)
    for block in blocks:
        for source in _HERE_DOCUMENT.findall(block) or [block]:
            if any(re.search(rf"^ *kind: *{kind}\b", source, re.MULTILINE) for kind in KINDS):
                # A template's placeholder is a mapping to a YAML parser, and stands for a name.
                filled = re.sub(r"\{\{([-A-Z]+)\}\}", lambda name: name[1].lower(), source)
                yield from (d for d in yaml.safe_load_all(filled) if isinstance(d, dict) and d.get("kind") in KINDS)
