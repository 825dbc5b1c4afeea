"""The Pulumi engine: the one on PATH, else the one that was built with the embedded node.

So previews of stacks on other clusters need no installation where the embedded node was up once. Options are given by
environment: the engine reads the flag `--x-y` from `PULUMI_OPTION_X_Y`, on every command that has it.
"""

import os
import shutil
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from project import COMMANDS, ROOT, cache_folder

NAME = "pulumi"
MISSING = (
    f"{NAME} is not on PATH: install Pulumi {version(NAME)} or a newer 3, or let `make up` build it with the embedded "
    "cluster"
)
OPTIONS = {
    # The program checks its whole configuration and reports every problem; the engine would end at the first.
    "PULUMI_OPTION_SKIP_CONFIG_VALIDATION": "true",
    # Of all providers that Python packages are installed for, only those in use are worth a download.
    "PULUMI_OPTION_SKIP_PLUGIN_PRE_INSTALL": "true",
}
POLICIES = {"PULUMI_OPTION_POLICY_PACK": str(ROOT / "policies" / "pack")}
CONFIG_FILE = "PULUMI_OPTION_CONFIG_FILE"


def environment(inherited: Mapping[str, str], *first: str) -> dict[str, str]:
    """`inherited`, with what the engine needs and the folders `first` on its PATH.

    This checkout's own `pulumi` command, which calls the engine in turn, is not on that PATH.
    """
    folders = [*first, *inherited.get("PATH", os.defpath).split(os.pathsep)]
    path = os.pathsep.join(folder for folder in folders if folder != str(COMMANDS))
    environment = {**inherited, **OPTIONS, "PATH": path}
    built = cache_folder() / "toolchain" / "current"
    if shutil.which(NAME, path=path) or not (built / "bin" / NAME).exists():
        return environment
    home = inherited.get("PULUMI_HOME") or str(Path.home() / ".pulumi")
    return {
        # A login belongs to the user, whichever engine made it.
        "PULUMI_CREDENTIALS_PATH": home,
        **environment,
        "PATH": f"{path}{os.pathsep}{built / 'bin'}",
        "PULUMI_HOME": str(built / "pulumi-home"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }
