"""The `pulumi` command in a shell of this checkout: the real engine with the environment that `make` gives it.

The engine would write its encryption salt into the tracked stack file, and has no configuration of the embedded node.
Therefore the stack's working copy is updated before each command, as by `make`, and this process is replaced by the
engine with the same arguments. In another project's folder, the engine runs unchanged.
"""

import argparse
import os
import sys
from pathlib import Path

from cli import engine
from cli.stack import open_stack
from models import sentiment as example
from project import ROOT
from project.errors import UserError


def main(arguments: list[str]) -> None:
    """Replace this process by the engine."""
    try:
        environment = environment_for(arguments, os.environ.get("PULUMI_STACK", ""), Path.cwd())
    except UserError as error:
        sys.exit(f"✗ {error}")
    try:
        os.execvpe(engine.NAME, [engine.NAME, *arguments], environment)  # noqa: S606  the user's arguments
    except FileNotFoundError:
        sys.exit(f"✗ {engine.MISSING}")


def environment_for(arguments: list[str], selected: str, folder: Path) -> dict[str, str]:
    """Environment of the engine for a command line in `folder`, with `selected` as the default stack."""
    given = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    given.add_argument("-s", "--stack", default=selected)
    given.add_argument("-C", "--cwd", default=".")
    for option in ("--color", "-v"):  # so that their values are not taken for the command
        given.add_argument(option)
    for flag in "Qdefjry":  # so that -ys is read as -y -s
        given.add_argument(f"-{flag}", action="store_true")
    options, rest = given.parse_known_args(arguments)
    name = options.stack.rpartition("/")[2]
    if _project(folder / options.cwd) != ROOT or not (ROOT / f"Pulumi.{name}.yaml").exists():
        return engine.environment(os.environ)
    example.provide(ROOT / example.TARGET)  # an input of the program
    environment = open_stack(name, os.environ.get("INSTANCE") or "dev").with_policies().environment
    if next((word for word in rest if not word.startswith("-")), "") == "config":
        # Commands that edit the configuration use the tracked file.
        environment.pop(engine.CONFIG_FILE, None)
    return environment


def _project(folder: Path) -> Path | None:
    """Folder of the project that the engine would find from here."""
    resolved = folder.resolve()
    return next((each for each in (resolved, *resolved.parents) if (each / "Pulumi.yaml").exists()), None)
