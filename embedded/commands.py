"""Commands that run to their end."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from embedded import files
from embedded.errors import EmbeddedError


def run(*argv: str) -> None:
    """Run a command; an error includes what it printed."""
    result = subprocess.run(argv, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise EmbeddedError(f"`{' '.join(argv)}` failed: {result.stderr.strip() or result.stdout.strip()}")


def succeeds(*argv: str) -> bool:
    """Whether a command is installed and succeeds."""
    try:
        return subprocess.run(argv, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def logged(argv: Sequence[str], log: Path, failure: str, environ: Mapping[str, str] = os.environ) -> None:
    """Run a command whose output is appended to `log`; an error consists of `failure` and the end of the log."""
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with log.open("ab") as output:
        result = subprocess.run(argv, stdout=output, stderr=subprocess.STDOUT, env=environ, check=False)
    if result.returncode != 0:
        raise EmbeddedError(f"{failure}; {log} ends with:\n{files.tail(log)}")
