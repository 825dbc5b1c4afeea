"""Finds the models that ModelMesh's adapter lays out, and serves them with this image's code only.

It owns what MLServer's default repository leaves open: that one puts a model's own directory first on Python's search
path and imports the implementation anew at every load, so a `sentiment_model.py` or a `model-settings.json` in the
bucket would run whatever code is in the bucket. Here the implementation is the one that the server was started with,
imported once, at start: broken code stops a roll-out before it takes a request.

The adapter's layout: `<root>/<model id>/model-settings.json` beside a link to the model's files.
"""

import json
import os
from pathlib import Path
from urllib.parse import urlsplit

from mlserver.errors import ModelNotFound
from mlserver.logging import logger
from mlserver.repository.load import load_model_settings
from mlserver.repository.repository import SchemalessModelRepository
from mlserver.settings import ModelSettings
from pydantic import ImportString, TypeAdapter, ValidationError

import mlserver_patches
from custom_model import ModelLoadError
from limits import Limits

IMPLEMENTATION_ENV = "MLSERVER_MODEL_IMPLEMENTATION"
SETTINGS_FILE = "model-settings.json"

# MLServer imports this module when it reads its settings: early enough, and the only such place that it offers.
mlserver_patches.install()


class AdaptedModelRepository(SchemalessModelRepository):
    """The models below one directory, all of one implementation.

    Args:
        root: directory of the models; need not exist yet.

    Raises:
        KeyError, ImportError: no implementation is named, or it cannot be imported.
        ValidationError: the environment's limits are none.
    """

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self._implementation = os.environ[IMPLEMENTATION_ENV]
        TypeAdapter(ImportString).validate_python(self._implementation)
        Limits()

    async def find(self, name: str) -> list[ModelSettings]:
        """Return the settings of one model, without a look at the others.

        Raises:
            ModelNotFound: there is no such model.
            ModelLoadError: it asks for code that is not this server's.
        """
        folder = Path(self._root) / name
        # Not is_file() of a path: that fails for a name which is longer than any file's.
        if Path(name).name != name or not os.path.isfile(folder / SETTINGS_FILE):  # noqa: PTH113
            raise ModelNotFound(name)
        return [self._read(folder)]

    async def list(self) -> list[ModelSettings]:
        """Return the settings of every model that may be served."""
        found = []
        for path in sorted(Path(self._root).glob(f"*/{SETTINGS_FILE}")):
            try:
                found.append(self._read(path.parent))
            except ModelLoadError as error:  # noqa: PERF203  (one bad model is no reason to lose the others)
                logger.warning(str(error))
        return found

    def _read(self, folder: Path) -> ModelSettings:
        """Read a model's settings.

        They may be the bucket's own, and so anything: the adapter writes name and path into them, but a file that it
        cannot parse (NaN is JSON to Python only) it hands on as it is.
        """
        settings = _parsed(folder)
        if settings.name != folder.name:
            raise _refused(folder, f"expected the name {folder.name}, got {settings.name}")
        if settings.implementation_ != self._implementation:
            reason = (
                f"{SETTINGS_FILE} names implementation {settings.implementation_}; "
                f"this server runs {self._implementation} only: take the line out"
            )
            raise ModelLoadError(settings.name, reason)
        parameters = settings.parameters
        if parameters and parameters.uri:
            # A relative path counts from the settings file, which is forgotten next.
            parameters.uri = _within(folder, parameters.uri)
        # With a source MLServer would put the model's directory on the search path and import again.
        settings._source = None
        return settings


def _parsed(folder: Path) -> ModelSettings:
    path = folder / SETTINGS_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _refused(folder, f"expected JSON: {error}") from error
    if not isinstance(content, dict):
        raise _refused(folder, f"expected a JSON object, got {type(content).__name__}")
    try:
        return load_model_settings(str(path))
    except OSError as error:  # the adapter may take it away meanwhile
        raise _refused(folder, str(error)) from error
    except ValidationError as error:
        first = error.errors()[0]
        raise _refused(folder, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _within(folder: Path, uri: str) -> str:
    """The path that a URI means, which is inside of the model's own directory; URIs of another scheme as they are."""
    try:
        parts = urlsplit(uri)
    except ValueError as error:
        raise _refused(folder, f"parameters.uri {uri}: {error}") from error
    if parts.scheme not in ("", "file"):
        return uri
    path = os.path.normpath(folder / parts.path)
    if not Path(path).is_relative_to(os.path.normpath(folder)):
        raise _refused(folder, f"parameters.uri {uri} is outside of the model's directory")
    return path


def _refused(folder: Path, reason: str) -> ModelLoadError:
    return ModelLoadError(folder.name, f"{SETTINGS_FILE}: {reason}")
