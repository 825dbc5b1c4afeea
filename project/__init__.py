"""What the command line, the settings and the embedded node share; it imports nothing else of this checkout."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The checkout."""
COMMANDS = ROOT / "cli" / "bin"
"""Commands that a shell of this checkout has first on its PATH."""
DEFAULT_STACK = "dev"


def cache_folder() -> Path:
    """The folder of everything that is built once for all checkouts: `$MODELMESH_CACHE`, or one in the user's cache."""
    return Path(os.environ.get("MODELMESH_CACHE") or Path.home() / ".cache" / "modelmesh-stack").absolute()
