"""The runtime's Dockerfile agrees with ModelMesh Serving, and with itself."""

import json
import re

from tests.runtime.server import RUNTIME, image_environment

DOCKERFILE = (RUNTIME / "Dockerfile").read_text()


def test_settings_are_those_that_modelmesh_serving_relies_on() -> None:
    expected = {
        "MLSERVER_MODELS_DIR": "/models/_mlserver_models/",
        "MLSERVER_GRPC_PORT": "8001",
        "MLSERVER_HTTP_PORT": "8002",
        "MLSERVER_LOAD_MODELS_AT_STARTUP": "false",
        "MLSERVER_MODEL_NAME": "dummy-model",
        "MLSERVER_MODEL_IMPLEMENTATION": "sentiment_model.SentimentModel",
        "PYTHONPATH": "/opt/runtime",
    }
    assert expected.items() <= image_environment().items()


def test_command_names_the_models_directory_itself_since_no_shell_expands_it() -> None:
    (command,) = re.findall(r"^CMD (.+)$", DOCKERFILE, re.MULTILINE)
    assert json.loads(command) == ["mlserver", "start", image_environment()["MLSERVER_MODELS_DIR"]]


def test_image_runs_as_a_user_that_kubernetes_can_tell_from_root() -> None:
    for dockerfile in (DOCKERFILE, (RUNTIME / "publish/Dockerfile").read_text()):
        assert re.findall(r"^USER (.+)$", dockerfile, re.MULTILINE) == ["1000:1000"]


def test_every_module_is_in_the_image_and_in_its_last_layer() -> None:
    last = DOCKERFILE.strip().splitlines()[-1].split()
    modules = sorted(path.name for path in RUNTIME.glob("*.py"))
    assert (last[0], sorted(last[1:-1])) == ("COPY", sorted([*modules, "py.typed"]))
