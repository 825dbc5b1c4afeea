"""Explanation of a request that a model did not answer, by gRPC status and by the state of its InferenceService."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Protocol

from tritonclient.utils import InferenceServerException

from cli.errors import CommandError
from cli.stack import Stack

_ANSWERING = ("Loaded", "Standby")
"""States of a model that answers, the second one after it is loaded for the request."""
_PREFIX = re.compile(r"^inference\.GRPCInferenceService/\w+: [A-Z_]+: ")
"""Text of ModelMesh before a model server's message."""
_CLIENT_ERRORS = {
    "RESOURCE_EXHAUSTED": "the request or its answer is larger than modelmesh:maxMessageBytes",
    "UNAUTHENTICATED": "the mesh does not accept the stack's certificate",
}


class Model(Protocol):
    """A model with a name and declared inputs."""

    @property
    def name(self) -> str:
        """Name of its InferenceService."""

    def inputs(self) -> list[dict[str, Any]]:
        """Inputs that the model declares."""


def explanation(error: InferenceServerException, stack: Stack, outputs: Mapping[str, Any], model: Model) -> str:
    """Message that says what the error means, and what to do."""
    code, message = str(error.status()).rpartition(".")[2], _PREFIX.sub("", error.message())
    if code == "INVALID_ARGUMENT":
        return f"the request does not fit model {model.name}: {message}{_declared(model)}"
    if meaning := _CLIENT_ERRORS.get(code):
        return f"{meaning}: {message}"
    try:
        found = stack.run(
            stack.kubectl(
                "get", "inferenceservice", model.name, "--namespace", str(outputs["namespace"]), "--output=json",
                "--ignore-not-found", "--show-managed-fields",
            ),
            quiet=True,
        )  # fmt: skip
    except CommandError:
        found = "{}"
    if not found:
        names = ", ".join(str(outputs.get("modelNames") or outputs["inferenceService"]).splitlines())
        return f"there is no model {model.name}: stack {stack.name} serves {names} (MODEL=name picks one)"
    cure = f"make doctor STACK={stack.name}"
    told = _by_state(json.loads(found), model.name, stack.name)
    return f"{told}; {cure} tells more" if told else f"the model did not answer: {message}; {cure} tells more"


def _by_state(service: dict[str, Any], name: str, stack: str) -> str:
    """Message about a model that is not loaded; empty for others."""
    model = service.get("status", {}).get("modelStatus") or {}
    state = (model.get("states") or {}).get("activeModelState", "")
    if "metadata" not in service or state in _ANSWERING:
        return ""
    if state == "FailedToLoad":
        failure = model.get("lastFailureInfo") or {}
        reason = f"{failure.get('reason', 'no reason')}: {failure.get('message', 'no message')}"
        return f"model {name} cannot be loaded ({reason}): correct it, and run make up STACK={stack}"
    told = f"model {state or 'not registered yet'}, {model.get('transitionStatus') or 'no transition'}"
    return f"model {name} is not loaded yet ({told}): try again"


def _declared(model: Model) -> str:
    with suppress(InferenceServerException):
        inputs = ", ".join(f"{each['name']} {each['datatype']} {each['shape']}" for each in model.inputs())
        return f"; it takes {inputs}, where -1 is any size"
    return ""
