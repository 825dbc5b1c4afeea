"""The command line behind the Makefile: `python -m cli <command> [options]`."""

import argparse
import importlib
import os
import sys
from typing import Any

from cli.samples import EXAMPLE
from cli.signals import TerminatedError, raise_on_termination
from project import DEFAULT_STACK
from project.errors import UserError

_Option = tuple[str, dict[str, Any]]
_FORMS = ("text", "json")
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
    except UserError as error:
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

    def add(name: str, module: str, text: str, *options: _Option) -> None:
        command = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        command.set_defaults(module=module)
        for option, settings in options:
            command.add_argument(option, **settings)

    which = f"the stack, as in Pulumi.<stack>.yaml (default: {DEFAULT_STACK})"
    stack = _option("--stack", "STACK", which, DEFAULT_STACK)
    node = "the embedded node, for stacks that name no cluster (default: dev)"
    instance = _option("--instance", "INSTANCE", node, "dev")
    apply = "apply the changes without asking"
    yes = ("--yes", {"action": "store_true", "default": os.environ.get("YES") == "1", "help": apply})
    comment = _option("--comment", "COMMENT", "Markdown file to write the preview to")
    origin = _option("--from", "FROM", "the stack to promote from", dest="origin")
    target = _option("--to", "TO", "the stack to promote to")
    text = ("--text", {"default": os.environ.get("TEXT", EXAMPLE), "help": "the sentence to score"})
    files = _option("files", "FILES", "files and folders to check, and - for standard input", "", nargs="*")
    form = "form of the output: text, json, or github for annotations of a pull request (default: text)"
    output = _option("--output", "OUTPUT", form, "text", choices=("text", "json", "github"))
    folder = "folder of the model server (default: runtimes/sentiment)"
    runtime = _option("--runtime", "RUNTIME", folder, "runtimes/sentiment")
    model = _option("--model", "MODEL", "file or folder of the model (default: what the model server's settings name)")
    service = _option("--model", "MODEL", "name of the model (default: that of the stack's inferenceService)")
    request = _option("--file", "FILE", "JSON file with a request of the V2 protocol (default: a sample request)")
    answer = _option("--output", "OUTPUT", "form of the answer: text or json (default: text)", "text", choices=_FORMS)
    seconds = _option("--seconds", "SECONDS", "seconds of steady requests (default: 10)", "10", type=int)
    name = _option("--name", "NAME", "name of the new model server")

    add("up", "cli.operations", "deploy the stack and score a sentence", stack, instance, yes)
    add("preview", "cli.operations", "show what `up` would change", stack, instance, comment)
    promoted = "write the images that one stack runs into another's stack file"
    add("promote", "cli.promote", promoted, instance, origin, target)
    add("drift", "cli.operations", "check whether the cluster still matches the stack", stack, instance)
    add("check", "cli.check", "check YAML files for what ModelMesh would ignore or fail on", files, output)
    add("predict", "cli.ask", "ask a model through ModelMesh", stack, instance, service, text, request, answer)
    add("bench", "cli.bench", "measure a model through ModelMesh", stack, instance, service, text, request, seconds)
    examined = "show how the stack is on its cluster, and what to do about what is not well"
    add("doctor", "cli.doctor.command", examined, stack, instance, answer)
    add(
        "golden", "cli.golden", "write the answers that golden predictions expect, from those of today", stack, instance
    )
    add("down", "cli.operations", "destroy the stack", stack, instance, yes)
    add("clean", "cli.operations", "stop the embedded node and delete its data", instance)
    add("runtime", "cli.runtime", "serve a model on this machine, without a cluster", runtime, model, text)
    add("lock", "cli.lock", "pin the requirements of a model server", runtime)
    add("new-runtime", "cli.new_runtime", "generate a model server to start from", name)
    return top


def _option(name: str, variable: str, text: str, default: str | None = None, **settings: Any) -> _Option:
    return name, {"default": os.environ.get(variable) or default, "help": text, **settings}


if __name__ == "__main__":
    main()
