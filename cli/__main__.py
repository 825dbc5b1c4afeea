"""The command line behind the Makefile: `python -m cli <operation> --stack <name>`."""

import argparse
import importlib
import os
import sys

from cli.samples import EXAMPLE
from cli.stack import CommandError
from embedded.errors import EmbeddedError
from embedded.toolchain import BuildError

# By the module that has a function of that name. Imported when asked for: the stack's own take a second.
OPERATIONS = {
    "up": "cli.operations",
    "preview": "cli.operations",
    "promote": "cli.promote",
    "drift": "cli.operations",
    "check": "cli.check",
    "predict": "cli.operations",
    "status": "cli.operations",
    "down": "cli.operations",
    "clean": "cli.operations",
    "runtime": "cli.runtime",
    "new-runtime": "cli.new_runtime",
}
INTERRUPTED = 130
"""The exit code that shells have for Ctrl-C."""


def main() -> None:
    """Do one operation; an error that the user can mend is one message, anything else a traceback."""
    parser = argparse.ArgumentParser(prog="python -m cli", description=__doc__)
    parser.add_argument("operation", choices=OPERATIONS)
    parser.add_argument("--stack", default="dev", help="the stack, as in Pulumi.<stack>.yaml (default: dev)")
    parser.add_argument("--instance", default=os.environ.get("INSTANCE") or "dev", help="the embedded node to use")
    parser.add_argument("--yes", action="store_true", default=os.environ.get("YES") == "1", help="ask nothing")
    parser.add_argument("--comment", default=os.environ.get("COMMENT"), help="Markdown file that gets the preview")
    parser.add_argument("--origin", default=os.environ.get("FROM"), help="the stack to promote from")
    parser.add_argument("--to", default=os.environ.get("TO"), help="the stack to promote to")
    parser.add_argument("--text", default=os.environ.get("TEXT", EXAMPLE), help="the sentence to score")
    parser.add_argument("--files", nargs="*", default=os.environ.get("FILES", "").split(), help="YAML files to check")
    parser.add_argument("--runtime", default=os.environ.get("RUNTIME") or "runtime_src", help="a model server's folder")
    parser.add_argument("--model", default=os.environ.get("MODEL"), help="a model's file or folder")
    parser.add_argument("--name", default=os.environ.get("NAME"), help="what the new runtime is called")
    arguments = parser.parse_args()
    operation = getattr(importlib.import_module(OPERATIONS[arguments.operation]), arguments.operation.replace("-", "_"))
    try:
        operation(arguments)
    except (CommandError, EmbeddedError, BuildError) as error:
        sys.exit(f"✗ {error}")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
