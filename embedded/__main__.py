"""Command line of the embedded node: `python -m embedded up | status | down | reset | facts | env`."""

import argparse
import os
import sys
from collections.abc import Callable

from embedded import handover, lifecycle, status
from embedded.instance import NAMES, Instance, instance
from project.errors import UserError

_COMMANDS: dict[str, tuple[Callable[[Instance], bool | None], str]] = {
    "up": (lifecycle.up, "build what is missing and start the node, the registry and the builder"),
    "status": (status.report, "show what runs and where the logs are; exit code 0 only if the node is Ready"),
    "down": (lifecycle.down, "end everything that `up` started; data and builds stay"),
    "reset": (lifecycle.reset, "`down`, then delete the data: cluster, keys, stack state"),
    "facts": (lambda which: print(handover.text(handover.read(which))), "print the facts about the node as JSON"),
    "env": (
        lambda which: print(handover.environment(which)),
        "print the environment of a shell in which `pulumi` works on this checkout, for it to evaluate",
    ),
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit code is 0 on success (for `status`: if everything runs and the node is Ready)."""
    # A root shell does not always have the system's own tools on its PATH.
    os.environ["PATH"] = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    parser = argparse.ArgumentParser(prog="python -m embedded", description="A Kubernetes node of one machine.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name, (_, help_text) in _COMMANDS.items():
        command = commands.add_parser(name, help=help_text, description=help_text)
        command.add_argument("--instance", choices=NAMES, default="dev", help="which node (default: dev)")
    parsed = parser.parse_args(arguments)
    run, _ = _COMMANDS[parsed.command]
    try:
        return 1 if run(instance(parsed.instance)) is False else 0
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except PermissionError as error:
        print(f"error: {error}; the node belongs to root: run the same command with sudo", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; the same command carries on from here", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
