"""The Pulumi engine: the one on PATH, or else the one that was built for the embedded node.

So stacks on other clusters can be previewed without an installation once the embedded node was built. Options are
set by environment variables: the engine reads the flag `--x-y` from `PULUMI_OPTION_X_Y` in every command that has it.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from project import COMMANDS, ROOT, cache_folder, proxies

NAME = "pulumi"
MISSING = (
    f"{NAME} is not on PATH: install Pulumi 3, in the version that requirements.txt pins or a newer one, or let "
    "`make up` build it with the embedded cluster"
)
OPTIONS = {
    # The program reports every problem of its configuration; the engine would stop at the first one.
    "PULUMI_OPTION_SKIP_CONFIG_VALIDATION": "true",
    # Only providers in use are downloaded, not all for which Python packages are installed.
    "PULUMI_OPTION_SKIP_PLUGIN_PRE_INSTALL": "true",
    # The host of Python programs lists packages with pip, which would look for a newer pip each time.
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    # By default, the engine and its providers spend a quarter of their time on garbage collection.
    "GOGC": "400",
    "GOMEMLIMIT": "1GiB",
}
POLICIES = {"PULUMI_OPTION_POLICY_PACK": str(ROOT / "policies" / "pack")}
CONFIG_FILE = "PULUMI_OPTION_CONFIG_FILE"


def event_log(file: Path) -> dict[str, str]:
    """Variables that make the engine write its events to a file; its flag for that is one of the debug commands."""
    return {"PULUMI_DEBUG_COMMANDS": "true", "PULUMI_OPTION_EVENT_LOG": str(file)}


def environment(inherited: Mapping[str, str], *first: str, direct: tuple[str, ...] = ()) -> dict[str, str]:
    """Environment of the engine, based on `inherited`, with the folders `first` on its PATH.

    This checkout's `pulumi` command, which calls the engine, is not on that PATH. No program that gets the environment
    uses a proxy for loopback and for the hosts `direct`.
    """
    folders = [*first, *inherited.get("PATH", os.defpath).split(os.pathsep)]
    path = os.pathsep.join(folder for folder in folders if folder != str(COMMANDS))
    environment = {**inherited, **proxies.exceptions(inherited, *direct), "PATH": path}
    built = cache_folder() / "toolchain" / "current"
    if shutil.which(NAME, path=path) or not (built / "bin" / NAME).exists():
        return environment
    home = inherited.get("PULUMI_HOME") or str(Path.home() / ".pulumi")
    return {
        # A login belongs to the user and is independent of the engine's installation.
        "PULUMI_CREDENTIALS_PATH": home,
        **environment,
        "PATH": f"{path}{os.pathsep}{built / 'bin'}",
        "PULUMI_HOME": str(built / "pulumi-home"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }
