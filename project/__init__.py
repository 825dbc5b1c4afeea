"""Modules shared by the programs and tests of this checkout; they import no other package of it."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""Root folder of the checkout."""
COMMANDS = ROOT / "cli" / "bin"
"""Folder of commands that precede all others on the PATH in a shell of this checkout."""
DEFAULT_STACK = "dev"


def cache_folder() -> Path:
    """Folder of artifacts that all checkouts share: `$MODELMESH_CACHE`, or a folder in the user's cache."""
    return Path(os.environ.get("MODELMESH_CACHE") or Path.home() / ".cache" / "modelmesh-stack").absolute()
