"""Hands on what one stack has built: three digests, written into another's stack file as a diff to review.

The file is edited where the values stand and nowhere else. Writing it anew from what it says would change quotes,
spaces and line breaks that nobody touched, and a reviewer would have to look for the three lines that matter.
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

# The output of the one stack, and the config key of the other.
PROMOTED = {
    "image": "modelmesh:runtimeImage",
    "modelImage": "modelmesh:modelImage",
    "modelDigest": "modelmesh:modelDigest",
}
_DIGEST = re.compile(r"(.+@)?sha256:[0-9a-f]{64}")
_ONE_LINE = (None, "'", '"')


def promote(arguments: Namespace) -> None:
    """Have stack `to` serve what stack `origin` serves, by its stack file; nothing is brought up.

    Raises:
        CommandError: one of them is no stack, `origin` is not up, or the file can't be edited in place.
    """
    origin, target = arguments.origin, arguments.to
    if not origin or not target or origin == target:
        raise CommandError("name two stacks: make promote FROM=dev TO=staging")
    tracked(target)
    values = built(open_stack(origin, arguments.instance))
    difference = write(values, target)
    if not difference:
        say(f"✓ Pulumi.{target}.yaml says so already: {target} is to serve what {origin} serves")
        return
    print(difference)
    say(f"✓ Pulumi.{target}.yaml has what {origin} serves; next: make preview STACK={target}, then commit the file")
    if elsewhere := registries(values, target):
        say(f"  the nodes of {target} have to be able to pull from {' and '.join(elsewhere)}")


def built(stack: Stack) -> dict[str, str]:
    """What `stack` serves, by the config keys of a stack that is to serve it, too.

    Raises:
        CommandError: it is not up, or was brought up by a version that does not tell.
    """
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
    """Set config `values` in the file of stack `target`; returns the difference, empty if it says them already.

    Raises:
        CommandError: there is no such file, or a value in it stands where it can't be edited in place.
    """
    said = tracked(target, root)
    name = f"Pulumi.{target}.yaml"
    file = (root / name).resolve()
    with file.open(encoding="utf-8", newline="") as opened:  # with its own line ends
        old = opened.read()
    new = edited(old, values)
    if _meaning(new) != said | {"config": (said.get("config") or {}) | dict(values)}:
        lines = "".join(f"\n  {key}: {value}" for key, value in values.items())
        raise CommandError(f"{name} can't be edited in place, and was not; set by hand:{lines}")
    if new != old:
        _replace(file, new)
    return "\n".join(difflib.unified_diff(old.splitlines(), new.splitlines(), name, name, lineterm=""))


def edited(text: str, values: Mapping[str, str]) -> str:
    """The text of a stack file with config `values`; those that it does not have yet come first in its config.

    A value that stands in no single line is left as it is, and so is a file without a block of config.
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
            space = " " if begin == end else ""  # nothing stands there, right after the colon
            edits.append((begin, end, f"{space}{quote}{values[key.value]}{quote}"))
    line_end = "\r\n" if "\r\n" in text else "\n"
    indentation = " " * block.value[0][0].start_mark.column
    first = text.index("\n", config.end_mark.index) + 1
    edits.append((first, first, "".join(f"{indentation}{key}: {value}{line_end}" for key, value in missing.items())))
    for begin, end, new in sorted(edits, reverse=True):
        text = text[:begin] + new + text[end:]
    return text


def registries(values: Mapping[str, str], target: str, root: Path = ROOT) -> list[str]:
    """Hosts of the promoted images, if the stack `target` does not push to that registry itself."""
    own = (tracked(target, root).get("config") or {}).get("modelmesh:registry")
    images = [value for value in values.values() if "@" in value]
    return sorted({image.partition("/")[0] for image in images if not (own and image.startswith(f"{own}/"))})


def _meaning(text: str) -> object:
    try:
        return parsed(text)
    except ValueError:
        return None


def _replace(file: Path, text: str) -> None:
    """Whole or not at all, with the mode that the file had."""
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        new = Path(folder, file.name)
        new.write_text(text, encoding="utf-8", newline="")
        shutil.copymode(file, new)
        new.replace(file)
