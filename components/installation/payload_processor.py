"""Payload processors: who, beside the client, gets to see requests and replies."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class PayloadProcessor:
    """Where ModelMesh sends, beside answering them, the requests and replies of a model and a method."""

    scheme: Literal["logger", "http"]
    """The mesh's own log, or a server that takes POSTs of JSON; ModelMesh knows no https."""
    host: str = ""
    port: int | None = None
    path: str = ""
    model_id: str = "*"
    """The id of one model, or all of them."""
    method: str = "*"
    """The full name of one method, like inference.GRPCInferenceService/ModelInfer, or all of them."""

    def uri(self) -> str:
        """The form in which ModelMesh takes it."""
        authority = self.host + (f":{self.port}" if self.port is not None else "")
        return f"{self.scheme}://{authority}/{self.path.removeprefix('/')}?{self.model_id}#{self.method}"
