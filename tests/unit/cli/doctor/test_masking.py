"""Which values of Secrets are hidden in texts that have them."""

import base64
import json
from typing import Any

import pytest

from cli.doctor.masking import Mask


def masked(text: str, key: str, value: str) -> str:
    """A text on a cluster with this value in a Secret."""
    return Mask([{"data": {key: base64.b64encode(value.encode()).decode()}}])(text)


@pytest.mark.parametrize("key", ["ask.py", "tls.crt"])
def test_programs_and_certificates_are_public(key: str) -> None:
    assert masked("import json", key, "import json\nprint()") == "import json"


def test_each_line_of_a_text_is_hidden() -> None:
    assert masked("quoted: hunter-2", "password", "hunter-2\nhunter-3") == "quoted: (hidden)"


@pytest.mark.parametrize(
    ("parsed", "hidden"),
    [
        ({"auths": {"registry.example": {"username": "robot-one", "password": "hunter-2"}}}, ["hunter-2"]),
        ({"auths": {"registry.example": {"username": "robot-one", "auth": "cm9ib3Q6aA=="}}}, ["cm9ib3Q6aA=="]),
        ({"auth": "hunter-2", "author": "robot-one"}, ["hunter-2"]),
        ({"storage": {"key": "localMinIO", "parameters": {"secret_key": "hunter-2"}}}, ["hunter-2"]),
        ({"key": "hunter-2", "storage": "localMinIO"}, ["hunter-2"]),
    ],
)
def test_confidential_fields_of_a_json_text_are_hidden(parsed: dict[str, Any], hidden: list[str]) -> None:
    values = ["robot-one", "localMinIO", "registry.example", "hunter-2", "cm9ib3Q6aA=="]
    expected = ["(hidden)" if value in hidden else value for value in values]
    assert masked(" ".join(values), ".dockerconfigjson", json.dumps(parsed)).split() == expected
