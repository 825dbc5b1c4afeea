"""A runtime pod as the controller makes it, as processes on the loopback interface: MinIO, MLServer, adapter, mesh."""

import json
import os
import sys
from contextlib import ExitStack
from pathlib import Path

import grpc

from project.environments import venv_for
from project.v2_client import Messages
from tests.adapter import ADAPTED, running_adapter
from tests.minio import running_minio
from tests.processes import Program, free_port, http_status, running

ROOT = Path(__file__).parents[2]
OBJECTS = {"sentiment-model/model.json": b"1.9", "v2/model.json": b"100.0", "bad/model.json": b"no JSON"}


class RealPod:
    """The processes of the pod; all end with the stack."""

    def __init__(self, etcd_endpoint: str, folder: Path, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack
        self.models = folder / "models"
        self.instance = "abcde-fghijk"
        venv = venv_for(ROOT / "runtimes/sentiment/requirements.txt")
        self.messages = Messages(venv)
        bucket = stack.enter_context(running_minio(folder, "modelmesh"))
        for key, content in OBJECTS.items():
            bucket.put(key, content)
        serving = self._start_mlserver(venv)
        storage = {"localMinIO": bucket.storage()}
        management = stack.enter_context(running_adapter(folder, self.models, serving, storage))
        self._start_mesh(etcd_endpoint, management.endpoint.rpartition(":")[2], serving)

    def _start_mlserver(self, venv: Path) -> int:
        port, http, metrics = free_port(), free_port(), free_port()
        environment = {
            "PATH": f"{venv / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(Path(__file__).parent / "recorded_runtime"),
            "MLSERVER_HOST": "127.0.0.1",
            "MLSERVER_GRPC_PORT": str(port),
            "MLSERVER_HTTP_PORT": str(http),
            "MLSERVER_METRICS_PORT": str(metrics),
            "MLSERVER_METRICS_DIR": str(self._folder / "metrics"),
            "MLSERVER_LOAD_MODELS_AT_STARTUP": "false",
            "MLSERVER_MODEL_NAME": "dummy-model",
            "MLSERVER_MODEL_IMPLEMENTATION": "recorded_runtime.RecordedModel",
        }
        models = self._new("models") / ADAPTED
        models.mkdir()
        self._start(
            "mlserver", ["mlserver", "start", models], environment, http=f"http://127.0.0.1:{http}/v2/health/live"
        )
        return port

    def _start_mesh(self, etcd_endpoint: str, management: str, serving: int) -> None:
        port, probe = free_port(), free_port()
        config = self._new("config")
        types = {
            name: {"required": [name]} for name in ("mt:custom-model", "mt:custom-model:1", "rt:custom-runtime-0.x")
        }
        (config / "type_constraints").write_text(json.dumps(types | {"_default": {"required": ["_no_runtime"]}}))
        service = "inference.GRPCInferenceService"
        rpcs = {
            f"{service}/{name}": {"idExtractionPath": [1], "vModelId": True} for name in ("ModelInfer", "ModelMetadata")
        }
        (config / "dataplane").write_text(json.dumps({"rpcConfigs": rpcs, "allowOtherRpcs": True}))
        (config / "etcd").write_text(json.dumps({"endpoints": etcd_endpoint, "root_prefix": f"replay-{os.getpid()}"}))
        environment = {
            "PYTHONPATH": f"{ROOT}:{os.environ['SOLO_MESH_PROTOS']}",
            "MM_SERVICE_NAME": "modelmesh-serving",
            "MM_SVC_GRPC_PORT": str(port),
            "MM_SVC_GRPC_MAX_MSG_SIZE": "16777216",
            "KV_STORE": f"etcd:{config / 'etcd'}",
            "MM_KVSTORE_PREFIX": "mm",
            "INTERNAL_GRPC_PORT": management,
            "INTERNAL_SERVING_GRPC_PORT": str(serving),
            "MM_LABELS": ",".join(types),
            "MM_TYPE_CONSTRAINTS_PATH": str(config / "type_constraints"),
            "MM_DATAPLANE_CONFIG_PATH": str(config / "dataplane"),
            "MM_DEFAULT_VMODEL_OWNER": "ksp",
            "MM_METRICS": "disabled",
            "WKUBE_POD_NAME": f"modelmesh-serving-custom-{self.instance}",
            "WKUBE_POD_IPADDR": "127.0.0.1",
            "SOLO_MESH_PROBE_PORT": str(probe),
            "SOLO_MESH_PRESTOP_PORT": str(free_port()),
        }
        command: list[str | Path] = [sys.executable, "-m", "embedded.solo_mesh"]
        self.mesh = self._start("mesh", command, environment, http=f"http://127.0.0.1:{probe}/ready")
        self.channel = self._stack.enter_context(grpc.insecure_channel(f"127.0.0.1:{port}"))

    def _start(self, name: str, command: list[str | Path], environment: dict[str, str], *, http: str) -> Program:
        def ready() -> bool:
            return http_status(http) == 200

        environment = {"PATH": os.environ["PATH"]} | environment
        program = running(name, command, ready, folder=self._folder, endpoint=http, env=environment, cwd=self._folder)
        return self._stack.enter_context(program)

    def _new(self, name: str) -> Path:
        folder = self._folder / name
        folder.mkdir()
        return folder
