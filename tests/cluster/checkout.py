"""This checkout in another place."""

import shutil
import subprocess
from pathlib import Path

from project import ROOT


def copied(folder: Path) -> Path:
    """All that a commit of it would hold, as it is now, in `folder`; times and links are not kept."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder
