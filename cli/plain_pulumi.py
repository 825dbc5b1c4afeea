"""The `pulumi` command in a shell of this checkout: the real engine, in the environment that `make` gives it.

The engine would write the salt of its encryption into the tracked stack file, and knows nothing of the embedded node.
So the stack's working copy is brought up to date before each command, as `make` does it, and then this process becomes
the engine; arguments are passed on unchanged. In the folder of another project, it is the engine and nothing more.
"""

import argparse
import os
import sys
from pathlib import Path

from cli import engine
from cli.errors import CommandError
from cli.stack import open_stack
from project import ROOT


def main(arguments: list[str]) -> None:
    """Become the engine."""
    try:
        environment = environment_for(arguments, os.environ.get("PULUMI_STACK", ""), Path.cwd())
    except CommandError as error:
        sys.exit(f"✗ {error}")
    try:
        os.execvpe(engine.NAME, [engine.NAME, *arguments], environment)  # noqa: S606  arguments are the user's own
    except FileNotFoundError:
        sys.exit(f"✗ {engine.MISSING}")


def environment_for(arguments: list[str], selected: str, folder: Path) -> dict[str, str]:
    """The engine's environment for a command line in `folder`, where the stack `selected` is meant by default.

    Raises:
        CommandError: the stack cannot be opened.
    """
    given = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    given.add_argument("-s", "--stack", default=selected)
    given.add_argument("-C", "--cwd", default=".")
    options, rest = given.parse_known_args(arguments)
    name = options.stack.rpartition("/")[2]
    if _project(folder / options.cwd) != ROOT or not (ROOT / f"Pulumi.{name}.yaml").exists():
        return engine.environment(os.environ)
    environment = open_stack(name, os.environ.get("INSTANCE") or "dev").with_policies().environment
    if rest[:1] == ["config"]:
        # Configuration is edited where it is tracked.
        environment.pop(engine.CONFIG_FILE, None)
    return environment


def _project(folder: Path) -> Path | None:
    """The folder of the project that the engine would find from here."""
    resolved = folder.resolve()
    return next((each for each in (resolved, *resolved.parents) if (each / "Pulumi.yaml").exists()), None)
