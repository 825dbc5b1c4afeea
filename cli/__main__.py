"""The command line behind the Makefile: `python -m cli <command> [options]`."""

import argparse
import importlib
import os
import sys
from collections.abc import Callable

from cli.errors import CommandError
from cli.samples import EXAMPLE
from cli.signals import TerminatedError, raise_on_termination
from project import DEFAULT_STACK

INTERRUPTED = 130
"""The exit code of shells after Ctrl-C."""


def main(arguments: list[str] | None = None) -> None:
    """Run one command. An error that the user can fix is printed as one message, any other with its traceback."""
    parsed = parser().parse_args(arguments)
    # Imported now: for many commands, the modules of the others would take longer to load than the command itself.
    command = getattr(importlib.import_module(parsed.module), parsed.command.replace("-", "_"))
    raise_on_termination()
    try:
        command(parsed)
    except CommandError as error:
        print(f"✗ {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except TerminatedError as signalled:
        sys.exit(signalled.exit_code)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def parser() -> argparse.ArgumentParser:
    """Every command with its options; an option that is not given is read from the variable that `make` exports."""
    top = argparse.ArgumentParser(prog="python -m cli", description="The commands behind the Makefile.")
    commands = top.add_subparsers(dest="command", required=True, metavar="command")

    def add(name: str, module: str, text: str, *options: Callable[[argparse.ArgumentParser], object]) -> None:
        command = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        command.set_defaults(module=module)
        for option in options:
            option(command)

    add("up", "cli.operations", "deploy the stack and score a sentence", _stack, _instance, _yes)
    add("preview", "cli.operations", "show what `up` would change", _stack, _instance, _comment)
    add(
        "promote",
        "cli.promote",
        "write the images that one stack runs into another's stack file",
        _instance,
        _from_and_to,
    )
    add("drift", "cli.operations", "check whether the cluster still matches the stack", _stack, _instance)
    add("check", "cli.check", "check YAML files for what ModelMesh would ignore or fail on", _files, _output)
    add("predict", "cli.operations", "score a sentence through ModelMesh", _stack, _instance, _text)
    add("status", "cli.operations", "show what the stack has on its cluster", _stack, _instance)
    add("down", "cli.operations", "destroy the stack", _stack, _instance, _yes)
    add("clean", "cli.operations", "stop the embedded node and delete its data", _instance)
    add("runtime", "cli.runtime", "serve a model on this machine, without a cluster", _runtime, _model, _text)
    add("lock", "cli.lock", "pin the requirements of a model server", _runtime)
    add("new-runtime", "cli.new_runtime", "generate a model server to start from", _name)
    return top


def _stack(command: argparse.ArgumentParser) -> None:
    help_text = f"the stack, as in Pulumi.<stack>.yaml (default: {DEFAULT_STACK})"
    command.add_argument("--stack", default=os.environ.get("STACK") or DEFAULT_STACK, help=help_text)


def _instance(command: argparse.ArgumentParser) -> None:
    help_text = "the embedded node, for stacks that name no cluster (default: dev)"
    command.add_argument("--instance", default=os.environ.get("INSTANCE") or "dev", help=help_text)


def _yes(command: argparse.ArgumentParser) -> None:
    help_text = "apply the changes without asking"
    command.add_argument("--yes", action="store_true", default=os.environ.get("YES") == "1", help=help_text)


def _comment(command: argparse.ArgumentParser) -> None:
    help_text = "Markdown file to write the preview to"
    command.add_argument("--comment", default=os.environ.get("COMMENT"), help=help_text)


def _from_and_to(command: argparse.ArgumentParser) -> None:
    command.add_argument("--from", dest="origin", default=os.environ.get("FROM"), help="the stack to promote from")
    command.add_argument("--to", default=os.environ.get("TO"), help="the stack to promote to")


def _text(command: argparse.ArgumentParser) -> None:
    command.add_argument("--text", default=os.environ.get("TEXT", EXAMPLE), help="the sentence to score")


def _files(command: argparse.ArgumentParser) -> None:
    help_text = "files and folders to check, and - for standard input"
    command.add_argument("files", nargs="*", default=os.environ.get("FILES", ""), help=help_text)


def _output(command: argparse.ArgumentParser) -> None:
    help_text = "form of the output: text, json, or github for annotations of a pull request (default: text)"
    choices, default = ("text", "json", "github"), os.environ.get("OUTPUT") or "text"
    command.add_argument("--output", choices=choices, default=default, help=help_text)


def _runtime(command: argparse.ArgumentParser) -> None:
    help_text = "folder of the model server (default: runtimes/sentiment)"
    command.add_argument("--runtime", default=os.environ.get("RUNTIME") or "runtimes/sentiment", help=help_text)


def _model(command: argparse.ArgumentParser) -> None:
    help_text = "file or folder of the model (default: what the model server's settings name)"
    command.add_argument("--model", default=os.environ.get("MODEL"), help=help_text)


def _name(command: argparse.ArgumentParser) -> None:
    command.add_argument("--name", default=os.environ.get("NAME"), help="name of the new model server")


if __name__ == "__main__":
    main()
