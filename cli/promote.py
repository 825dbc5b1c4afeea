"""Promotion: writes the three digests of one stack's images into another's stack file, as a diff to review.

Only the values in the file are edited. Rewriting the whole file would change quotes, spaces and line breaks, among
which a reviewer would have to find the three changed lines.
"""

import difflib
import re
import shutil
import tempfile
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path

import yaml

from cli.errors import CommandError
from cli.stack import Stack, open_stack, tracked
from project import ROOT
from project.progress import say
from project.stack_file import parsed

# Output of the source stack, and config key of the target stack.
PROMOTED = {
    "image": "modelmesh:runtimeImage",
    "modelImage": "modelmesh:modelImage",
    "modelDigest": "modelmesh:modelDigest",
}
_DIGEST = re.compile(r"(.+@)?sha256:[0-9a-f]{64}")
_ONE_LINE = (None, "'", '"')


def promote(arguments: Namespace) -> None:
    """Write what stack `origin` serves into the file of stack `to`; nothing is deployed."""
    origin, target = arguments.origin, arguments.to
    if not origin or not target or origin == target:
        raise CommandError("name two stacks: make promote FROM=dev TO=staging")
    tracked(target)
    values = built(open_stack(origin, arguments.instance))
    difference = write(values, target)
    if not difference:
        say(f"✓ Pulumi.{target}.yaml is up to date: it has what {origin} serves")
        return
    print(difference)
    say(f"✓ Pulumi.{target}.yaml has what {origin} serves; next: make preview STACK={target}, then commit the file")
    if elsewhere := registries(values, target):
        say(f"  the nodes of {target} have to be able to pull from {' and '.join(elsewhere)}")


def built(stack: Stack) -> dict[str, str]:
    """Images and model that `stack` serves, by the config keys of a stack to promote them to."""
    outputs = stack.outputs()
    if not outputs:
        raise CommandError(f"stack {stack.name} is not up: make up STACK={stack.name}")
    for output in PROMOTED:
        if not _DIGEST.fullmatch(str(outputs.get(output))):
            raise CommandError(
                f"output {output} of stack {stack.name} is {outputs.get(output)!r}, expected a digest; "
                f"bring it up with this version: make up STACK={stack.name}"
            )
    return {key: outputs[output] for output, key in PROMOTED.items()}


def write(values: Mapping[str, str], target: str, root: Path = ROOT) -> str:
    """Set config `values` in the file of stack `target`; returns the diff, which is empty if nothing changed."""
    said = tracked(target, root)
    name = f"Pulumi.{target}.yaml"
    file = (root / name).resolve()
    with file.open(encoding="utf-8", newline="") as opened:  # keeps its line ends
        old = opened.read()
    new = edited(old, values)
    if _meaning(new) != said | {"config": (said.get("config") or {}) | dict(values)}:
        lines = "".join(f"\n  {key}: {value}" for key, value in values.items())
        raise CommandError(f"{name} can't be edited in place, and was not; set by hand:{lines}")
    if new != old:
        _replace(file, new)
    return "\n".join(difflib.unified_diff(old.splitlines(), new.splitlines(), name, name, lineterm=""))


def edited(text: str, values: Mapping[str, str]) -> str:
    """Text of a stack file with config `values`; new keys become the first ones of its config.

    Values that span several lines are left unchanged, and so are files without a config block.
    """
    document = yaml.compose(text, yaml.SafeLoader)
    entries = {key.value: (key, value) for key, value in document.value} if document else {}
    config, block = entries.get("config", (None, None))
    if config is None or not isinstance(block, yaml.MappingNode) or block.flow_style:
        return text
    missing = dict(values)
    edits = []
    for key, node in block.value:
        if missing.pop(key.value, None) and isinstance(node, yaml.ScalarNode) and node.style in _ONE_LINE:
            begin, end, quote = node.start_mark.index, node.end_mark.index, node.style or ""
            space = " " if begin == end else ""  # no value after the colon
            edits.append((begin, end, f"{space}{quote}{values[key.value]}{quote}"))
    line_end = "\r\n" if "\r\n" in text else "\n"
    indentation = " " * block.value[0][0].start_mark.column
    first = text.index("\n", config.end_mark.index) + 1
    edits.append((first, first, "".join(f"{indentation}{key}: {value}{line_end}" for key, value in missing.items())))
    for begin, end, new in sorted(edits, reverse=True):
        text = text[:begin] + new + text[end:]
    return text


def registries(values: Mapping[str, str], target: str, root: Path = ROOT) -> list[str]:
    """Hosts of the promoted images, unless the stack `target` pushes to the same registry."""
    own = (tracked(target, root).get("config") or {}).get("modelmesh:registry")
    images = [value for value in values.values() if "@" in value]
    return sorted({image.partition("/")[0] for image in images if not (own and image.startswith(f"{own}/"))})


def _meaning(text: str) -> object:
    try:
        return parsed(text)
    except ValueError:
        return None


def _replace(file: Path, text: str) -> None:
    """Replace a file atomically, keeping its mode."""
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        new = Path(folder, file.name)
        new.write_text(text, encoding="utf-8", newline="")
        shutil.copymode(file, new)
        new.replace(file)
