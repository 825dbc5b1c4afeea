"""The real MLServer adapter with its puller, as a process on the loopback interface."""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.processes import BIN, Program, answers, free_port, running

ADAPTED = "_mlserver_models"


@contextlib.contextmanager
def running_adapter(
    folder: Path, models: Path, serving_port: int, storage: Mapping[str, object], **environment: str
) -> Iterator[Program]:
    """An adapter that pulls with the given storage configuration; its endpoint is where `mmesh.ModelRuntime` answers.

    Args:
        folder: for its log and its storage configuration.
        models: the models' directory; MLServer's is `ADAPTED` below it.
        serving_port: MLServer's gRPC port.
        storage: entries of `storage-config` by their key.
        environment: what is set otherwise than in a pod of the stack.
    """
    secrets = folder / "storage"
    secrets.mkdir()
    for key, entry in storage.items():
        (secrets / key).write_text(json.dumps(entry))
    port = free_port()
    variables = {
        "PATH": os.environ["PATH"],
        "ADAPTER_PORT": str(port),
        "RUNTIME_PORT": str(serving_port),
        "CONTAINER_MEM_REQ_BYTES": str(640 * 1024 * 1024),
        "MEM_BUFFER_BYTES": str(256 * 1024 * 1024),
        "LOADTIME_TIMEOUT": "90000",
        "ROOT_MODEL_DIR": str(models),
        "USE_EMBEDDED_PULLER": "true",
        "STORAGE_CONFIG_DIR": str(secrets),
    } | environment
    command = [BIN / "model-mesh-mlserver-adapter"]
    endpoint = f"127.0.0.1:{port}"
    with running("adapter", command, lambda: answers(port), folder=folder, endpoint=endpoint, env=variables) as program:
        yield program
