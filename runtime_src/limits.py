"""How much one request may ask for: from the server's environment, and from a model's own settings where it wants less.

Environment: CUSTOM_MODEL_MAX_ITEMS, CUSTOM_MODEL_MAX_ITEM_BYTES. A model's settings say the same in `parameters.extra`
as `max_items` and `max_item_bytes`. How large a whole message may be is MLServer's MLSERVER_GRPC_MAX_MESSAGE_LENGTH.
"""

from typing import Any

from mlserver.settings import ModelSettings
from pydantic import PositiveInt, TypeAdapter, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class Limits(BaseSettings):
    """What a request may hold at the most.

    Attributes:
        max_items: elements of one tensor.
        max_item_bytes: bytes of one element of a BYTES tensor.

    Raises:
        ValidationError: a value is no whole number above 0.
    """

    model_config = SettingsConfigDict(env_prefix="CUSTOM_MODEL_", frozen=True)

    max_items: PositiveInt = 16_384
    max_item_bytes: PositiveInt = 2**20

    def for_model(self, settings: ModelSettings) -> "Limits":
        """These limits, or the lower ones that a model asks for: its files may not raise what the server allows.

        Raises:
            ValueError: the model's settings ask for something that is no whole number above 0.
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
