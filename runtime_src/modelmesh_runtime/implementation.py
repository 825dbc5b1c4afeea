"""Name of the class of all models, from the environment or from the settings file beside it."""

import json
import os
from pathlib import Path

ENV = "MLSERVER_MODEL_IMPLEMENTATION"
SETTINGS_FILE = "model-settings.json"


def implementation() -> str:
    """The class as `module.Class`: that of the environment, or else that of the working directory's settings file.

    Raises:
        OSError, ValueError, KeyError, TypeError: The file is missing, or it is no JSON with a text `implementation`.
    """
    if given := os.environ.get(ENV):
        return given
    found = json.loads(Path(SETTINGS_FILE).read_text(encoding="utf-8"))["implementation"]
    if not isinstance(found, str):
        raise TypeError(f"implementation: expected a text, got {type(found).__name__}")
    return found
