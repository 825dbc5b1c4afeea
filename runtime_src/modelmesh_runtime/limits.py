"""Limits of one request, from the server's environment; a model's settings may lower them.

Environment: CUSTOM_MODEL_MAX_ITEMS, CUSTOM_MODEL_MAX_ITEM_BYTES. The settings are `max_items` and `max_item_bytes` in
`parameters.extra`. MLServer's MLSERVER_GRPC_MAX_MESSAGE_LENGTH limits the size of a message.
"""

from typing import Any

from mlserver.settings import ModelSettings
from pydantic import PositiveInt, TypeAdapter, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class Limits(BaseSettings):
    """Upper limits of a request.

    Raises:
        ValidationError: A value is not a whole number above 0.
    """

    model_config = SettingsConfigDict(env_prefix="CUSTOM_MODEL_", frozen=True)

    max_items: PositiveInt = 16_384
    """Largest number of elements in one tensor."""
    max_item_bytes: PositiveInt = 2**20
    """Largest number of bytes in one element of a BYTES tensor."""

    def for_model(self, settings: ModelSettings) -> "Limits":
        """Apply the model's lower limits; its files may not raise those of the server.

        Raises:
            ValueError: A limit in the model's settings is not a whole number above 0.
        """
        extra: dict[str, Any] = (settings.parameters and settings.parameters.extra) or {}
        lower = {
            name: min(getattr(self, name), _positive(name, extra[name]))
            for name in type(self).model_fields
            if name in extra
        }
        return self.model_copy(update=lower)


def _positive(name: str, value: object) -> int:
    try:
        return TypeAdapter(PositiveInt).validate_python(value)
    except ValidationError as error:
        raise ValueError(f"model-settings.json: parameters.extra.{name}: {error.errors()[0]['msg']}") from error
