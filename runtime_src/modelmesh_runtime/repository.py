"""Finds the models in the layout of ModelMesh's adapter, and serves them only with the code of this image.

MLServer's default repository puts a model's directory first on Python's search path and imports the implementation at
every load, so that a `sentiment_model.py` or a `model-settings.json` in the bucket would execute code from the bucket.
Here the implementation is the one that the server was started with. It is imported once, at the start, so that
broken code stops a rollout before it gets a request.

Layout of the adapter: `<root>/<model id>/model-settings.json` beside a link to the model's files.
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

from . import patches
from .custom_model import ModelLoadError
from .implementation import ENV, SETTINGS_FILE
from .limits import most_bytes

# MLServer imports this module when it reads its settings, which is early enough for the patches.
patches.install()


class AdaptedModelRepository(SchemalessModelRepository):
    """Models below one directory, all with one implementation.

    Args:
        root: Directory of the models, which need not exist yet.

    Raises:
        KeyError, ImportError: No implementation is named, or it cannot be imported.
        ValidationError: The limit in the environment is invalid.
    """

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self._implementation = os.environ[ENV]
        TypeAdapter(ImportString).validate_python(self._implementation)
        most_bytes()

    async def find(self, name: str) -> list[ModelSettings]:
        """Settings of one model, without reading those of the others.

        Raises:
            ModelNotFound: The model does not exist.
            ModelLoadError: Its settings name an implementation other than this server's.
        """
        folder = Path(self._root) / name
        # Path.is_file() fails for a name that is longer than the file system allows.
        if Path(name).name != name or not os.path.isfile(folder / SETTINGS_FILE):  # noqa: PTH113
            raise ModelNotFound(name)
        return [self._read(folder)]

    async def list(self) -> list[ModelSettings]:
        """Settings of every model that may be served."""
        found = []
        for path in sorted(Path(self._root).glob(f"*/{SETTINGS_FILE}")):
            try:
                found.append(self._read(path.parent))
            except ModelLoadError as error:  # noqa: PERF203  (one invalid model does not affect the others)
                logger.warning(str(error))
        return found

    def _read(self, folder: Path) -> ModelSettings:
        """Read a model's settings.

        They may come from the bucket with arbitrary content: the adapter writes name and path into them, but passes a
        file that it cannot parse (NaN is only valid for Python's JSON parser) unchanged.
        """
        settings = _parsed(folder)
        if settings.name != folder.name:
            raise _refused(folder, f"expected the name {folder.name}, got {settings.name}")
        if settings.implementation_ != self._implementation:
            reason = (
                f"{SETTINGS_FILE} names implementation {settings.implementation_}; "
                f"this server only runs {self._implementation}: remove the line"
            )
            raise ModelLoadError(settings.name, reason)
        parameters = settings.parameters
        if parameters and parameters.uri:
            # A relative path refers to the settings file's folder, which is dropped next.
            parameters.uri = _within(folder, parameters.uri)
        # With a source, MLServer would put the model's directory on the search path and import the code again.
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
    except OSError as error:  # the adapter may delete it meanwhile
        raise _refused(folder, str(error)) from error
    except ValidationError as error:
        first = error.errors()[0]
        raise _refused(folder, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _within(folder: Path, uri: str) -> str:
    """Path of a URI, which must be inside the model's directory; URIs of other schemes are returned unchanged."""
    try:
        parts = urlsplit(uri)
    except ValueError as error:
        raise _refused(folder, f"parameters.uri {uri}: {error}") from error
    if parts.scheme not in ("", "file"):
        return uri
    path = os.path.normpath(folder / parts.path)
    if not Path(path).is_relative_to(os.path.normpath(folder)):
        raise _refused(folder, f"parameters.uri {uri} is outside the model's directory")
    return path


def _refused(folder: Path, reason: str) -> ModelLoadError:
    return ModelLoadError(folder.name, f"{SETTINGS_FILE}: {reason}")
