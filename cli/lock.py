"""Command `make lock RUNTIME=folder`, which pins the requirements of one model server.

Its image installs nothing but wheels, from one index, and verifies their hashes; a lock that this step would refuse is
not written.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from cli.errors import CommandError

_OPTIONS = (
    *("--quiet", "--universal", "--python-version", "3.10", "--generate-hashes", "--only-binary", ":all:"),
    *("--no-emit-index-url", "--no-emit-find-links", "--no-header", "--emit-index-annotation"),
    # The images contain the package of this checkout; tests need the dependencies of its group `dev`.
    *("--no-emit-package", "modelmesh-runtime", "--group", "dev"),
)
_INDEX = re.compile(r"^ +# from (.*)\n?", re.MULTILINE)


def lock(arguments: Namespace) -> None:
    """Write `requirements.txt` beside the runtime's `pyproject.toml`; existing pins stay if they are still possible."""
    folder = Path(arguments.runtime)
    if not (folder / "pyproject.toml").is_file():
        raise CommandError(f"{folder} has no pyproject.toml: RUNTIME=… names a model server's folder")
    target = folder / "requirements.txt"
    with tempfile.TemporaryDirectory() as scratch:
        draft = Path(scratch, target.name)
        if target.exists():
            shutil.copyfile(target, draft)
        uv = Path(sys.executable).with_name("uv")
        command = [str(uv), "pip", "compile", *_OPTIONS, "pyproject.toml", "--output-file", str(draft)]
        if subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=False).returncode:
            raise CommandError(f"{target} was not changed: see above; images install wheels only, never source")
        text = draft.read_text(encoding="utf-8")
    if found := [*problems(text)]:
        raise CommandError(f"{target} was not changed:\n" + "\n".join(found))
    target.write_text(_INDEX.sub("", text), encoding="utf-8")


def problems(text: str) -> Iterator[str]:
    """Reasons why an image cannot install a lock, whose entries are annotated with their indexes."""
    parts = [part for part in re.split(r"^(?=[^\s#])", text, flags=re.MULTILINE) if part[:1] not in ("", "#", "\n")]
    for part in parts:
        if "==" not in (entry := part.split()[0]):
            yield f"  {entry}: expected a version from an index; images cannot verify other sources"
    indexes = {part.split()[0]: found[1] for part in parts if (found := _INDEX.search(part))}
    (usual, _), *others = Counter(indexes.values()).most_common() or [("", 0)]
    if others:
        for entry, index in indexes.items():
            if index != usual:
                yield (
                    f"  {entry}: from {urlsplit(index).hostname or index}, expected the index of the other packages; "
                    "images install from one index, the default one or that of the build secret pip-index-url"
                )
