"""The Pulumi engine of stacks on clusters of one's own: whichever is on PATH, else the one that this project has built.

So a preview of such a stack needs no installation where the embedded cluster has been up once.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from embedded import toolchain
from embedded.toolchain.programs import PULUMI_VERSION

NAME = "pulumi"
MISSING = (
    f"{NAME} is not on PATH: install Pulumi {PULUMI_VERSION} or a newer 3, or let `make up` build it with the embedded "
    "cluster"
)

PROGRAM_FLAGS = (
    # The program checks its whole configuration and tells every mistake; the engine would end at the first.
    "--skip-config-validation",
    # Of all providers that Python packages are installed for, only those in use are worth a download.
    "--skip-plugin-pre-install",
    "--policy-pack",
    "policies/pack",
)
"""Of each operation that runs the program."""


def environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """`inherited`, with what this project's engine needs in addition where there is no other on its PATH."""
    built = toolchain.built()
    if shutil.which(NAME, path=inherited["PATH"]) or not (built and (built.bin / NAME).exists()):
        return dict(inherited)
    home = inherited.get("PULUMI_HOME") or str(Path.home() / ".pulumi")
    return {
        # A login is the user's, whichever engine made it.
        "PULUMI_CREDENTIALS_PATH": home,
        **inherited,
        "PATH": f"{inherited['PATH']}{os.pathsep}{built.bin}",
        "PULUMI_HOME": str(built.pulumi_home),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }
