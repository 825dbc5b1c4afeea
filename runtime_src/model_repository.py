"""Finds the models that ModelMesh's adapter lays out, and serves them with this image's code only.

It owns what MLServer's default repository leaves open: that one puts a model's own directory first on Python's search
path and imports the implementation anew at every load, so a `sentiment_model.py` or a `model-settings.json` in the
bucket would run whatever code is in the bucket. Here the implementation is the one that the server was started with,
imported once, at start: broken code stops a roll-out before it takes a request.

The adapter's layout: `<root>/<model id>/model-settings.json` beside a link to the model's files.
"""

import os
from pathlib import Path

from mlserver.errors import ModelNotFound
from mlserver.logging import logger
from mlserver.repository.load import load_model_settings
from mlserver.repository.repository import SchemalessModelRepository
from mlserver.settings import ModelSettings
from pydantic import ImportString, TypeAdapter

import v2_errors
from custom_model import ModelLoadError

IMPLEMENTATION_ENV = "MLSERVER_MODEL_IMPLEMENTATION"
SETTINGS_FILE = "model-settings.json"

# MLServer imports this module when it reads its settings: early enough, and the only such place that it offers.
v2_errors.install()


class AdaptedModelRepository(SchemalessModelRepository):
    """The models below one directory, all of one implementation.

    Args:
        root: directory of the models; need not exist yet.

    Raises:
        KeyError, ImportError: no implementation is named, or it cannot be imported.
    """

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self._implementation = os.environ[IMPLEMENTATION_ENV]
        TypeAdapter(ImportString).validate_python(self._implementation)

    async def find(self, name: str) -> list[ModelSettings]:
        """Return the settings of one model, without a look at the others.

        Raises:
            ModelNotFound: there is no such model.
            ModelLoadError: it asks for code that is not this server's.
        """
        path = Path(self._root) / name / SETTINGS_FILE
        if Path(name).name != name or not path.is_file():
            raise ModelNotFound(name)
        return [self._own(load_model_settings(str(path)))]

    async def list(self) -> list[ModelSettings]:
        """Return the settings of every model that may be served."""
        found = []
        for settings in await super().list():
            try:
                found.append(self._own(settings))
            except ModelLoadError as error:
                logger.warning(str(error))
        return found

    def _own(self, settings: ModelSettings) -> ModelSettings:
        if settings.implementation_ != self._implementation:
            reason = (
                f"{SETTINGS_FILE} names implementation {settings.implementation_}; "
                f"this server runs {self._implementation} only: take the line out"
            )
            raise ModelLoadError(settings.name, reason)
        parameters = settings.parameters
        if settings._source and parameters and parameters.uri and "://" not in parameters.uri:
            # A relative path counts from the settings file, which is forgotten next.
            parameters.uri = str(Path(settings._source).parent / parameters.uri)
        # With a source MLServer would put the model's directory on the search path and import again.
        settings._source = None
        return settings
