"""Command `make new-runtime`, which creates a working model server in a folder below `runtimes/`.

It is a copy of `skeleton/`, a runtime whose name is replaced everywhere, with the example's requirements except for the
example's own package.
"""

import re
import shutil
import tempfile
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

from cli.errors import CommandError
from project import ROOT
from project.progress import say

RUNTIMES = Path("runtimes")
EXAMPLE = RUNTIMES / "sentiment"
EXAMPLE_PACKAGE = "vaderSentiment"
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 40
"""Maximum length; ModelMesh puts 23 characters before the name in a pod label, which may have 63."""
_KEYS = """\
  modelmesh:runtimeSource: runtimes/{name}
  modelmesh:runtimeName: {name}
  modelmesh:modelFormat: {name}-model
  modelmesh:modelSource: runtimes/{name}/model
  modelmesh:modelName: {name}
  modelmesh:inferenceService: {name}"""


def new_runtime(arguments: Namespace) -> None:
    """Create `runtimes/<name>` and print the next steps."""
    name = arguments.name or ""
    make(name, ROOT)
    folder = RUNTIMES / name
    say(f"✓ {folder} is a new model server to commit. Edit {_module(name)}.py, model/ and tests/")
    print(f"run it    make runtime RUNTIME={folder}")
    print(f"test it   make test-runtime RUNTIME={folder}")
    print(f"add requirements to {folder}/pyproject.toml, then   make lock RUNTIME={folder}")
    print("deploy it by a stack file's config, then make up:")
    print(_KEYS.format(name=name))


def make(name: str, root: Path) -> Path:
    """Create the runtime's folder in the checkout `root` atomically, and return it."""
    _check(name, root)
    target = root / RUNTIMES / name
    target.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".") as scratch:
        made = Path(scratch, name)
        _copy_requirements(root / EXAMPLE, made, name)
        for file in _files(root / "skeleton", "ruff.toml"):
            place = made / _named(file.as_posix(), name)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(_named((root / "skeleton" / file).read_text(encoding="utf-8"), name), encoding="utf-8")
        made.rename(target)
    return target


def without(lock: str, package: str) -> str:
    """A lock file without one package and its exclusive dependencies."""
    parts = re.split(r"^(?=\S)", lock, flags=re.MULTILINE)
    gone = {package}
    while more := {_package(part) for part in parts if (why := _needed_by(part)) and why <= gone} - gone:
        gone |= more
    return "".join(_without_reasons(part, gone) for part in parts if _package(part) not in gone)


def _check(name: str, root: Path) -> None:
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise CommandError(
            f"NAME={name}: expected up to {_LONGEST} lower-case letters, digits and single hyphens between them, "
            "such as make new-runtime NAME=keyword-counter"
        )
    if (root / RUNTIMES / name).exists():
        raise CommandError(f"{RUNTIMES / name} exists, and nothing was changed; take another name, or remove it first")


def _copy_requirements(example: Path, target: Path, name: str) -> None:
    target.mkdir()
    shutil.copyfile(example / ".dockerignore", target / ".dockerignore")
    rewritten = {
        "pyproject.toml": _project((example / "pyproject.toml").read_text(encoding="utf-8")),
        "requirements.txt": without(
            (example / "requirements.txt").read_text(encoding="utf-8"), EXAMPLE_PACKAGE.lower()
        ),
    }
    for file_name, text in rewritten.items():
        (target / file_name).write_text(text.replace("sentiment-runtime", f"{name}-runtime"), encoding="utf-8")


def _project(text: str) -> str:
    """The example's pyproject.toml without its package."""
    text = re.sub(rf'^ +"{EXAMPLE_PACKAGE}\b.*\n', "", text, flags=re.MULTILINE)
    text = text.replace(f', "{EXAMPLE_PACKAGE}.*"', "")
    return re.sub(
        '^description = ".*"', 'description = "A custom MLServer runtime for ModelMesh"', text, flags=re.MULTILINE
    )


def _files(folder: Path, *without: str) -> Iterator[Path]:
    """Relative paths of all files except for those named, hidden ones and caches."""
    for path in sorted(folder.rglob("*")):
        file = path.relative_to(folder)
        stray = any(part.startswith(".") or part == "__pycache__" for part in file.parts)
        if path.is_file() and file.parts[0] not in without and (not stray or file.name == ".dockerignore"):
            yield file


def _named(text: str, name: str) -> str:
    """File or path of the skeleton, with the runtime's name."""
    for old, new in (("skeleton_model", _module(name)), ("SkeletonModel", _class(name)), ("skeleton", name)):
        text = text.replace(old, new)
    return text


def _module(name: str) -> str:
    return f"{name.replace('-', '_')}_model"


def _class(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("-")) + "Model"


def _package(part: str) -> str:
    return part.partition("==")[0].lower()


def _needed_by(part: str) -> set[str]:
    """Packages that require an entry of a lock file, from its comments."""
    return set(re.findall(r"^ +# +(?:via )?(\S+)$", part, re.MULTILINE)) - {"via"}


def _without_reasons(part: str, gone: set[str]) -> str:
    lines = part.splitlines(keepends=True)
    return "".join(
        line for line in lines if not (found := re.fullmatch(r" +#   (\S+)\n", line)) or found[1] not in gone
    )
