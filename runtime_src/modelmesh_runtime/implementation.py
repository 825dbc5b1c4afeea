"""Name of the class of all models, from the environment or from the settings file beside it."""

import json
import os
from pathlib import Path

ENV = "MLSERVER_MODEL_IMPLEMENTATION"
SETTINGS_FILE = "model-settings.json"


def implementation() -> str:
    """The class as `module.Class`: that of the environment, or else that of the working directory's settings file.

    Raises:
        OSError, ValueError, KeyError: The file is missing, or it is no JSON with an `implementation`.
    """
    return os.environ.get(ENV) or str(json.loads(Path(SETTINGS_FILE).read_text(encoding="utf-8"))["implementation"])
