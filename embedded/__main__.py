"""Command line of the embedded node: `python -m embedded up | status | down | reset | facts | env`."""

import argparse
import os
import sys
from collections.abc import Callable

from embedded import handover, lifecycle, mesh, status
from embedded.instance import NAMES, instance
from project.errors import UserError
from project.progress import say

_COMMANDS: dict[str, tuple[Callable[..., bool | None], str]] = {
    "up": (
        lambda which, **options: say(lifecycle.up(which, **options)),
        "build what is missing and start the node, the registry and the builder",
    ),
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
    command = commands.choices["up"]
    command.add_argument(
        "--mesh", dest="wanted_mesh", choices=mesh.WANTED, default="auto",
        help="real: ModelMesh from a container registry; solo: solo mesh; auto: whichever there is (default)",
    )  # fmt: skip
    command.add_argument(
        "--image-registry", default="", help="container registry to ask for ModelMesh, as host and optional path"
    )
    options = vars(parser.parse_args(arguments))
    run, _ = _COMMANDS[options.pop("command")]
    try:
        return 1 if run(instance(options.pop("instance")), **options) is False else 0
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
