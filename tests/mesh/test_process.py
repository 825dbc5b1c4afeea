"""Solo mesh as the process of a container: start, probes, metrics, the preStop hook, its end."""

import asyncio
import os
import ssl
import sys
from pathlib import Path
from urllib.request import urlopen

import embedded.solo_mesh
from tests.mesh.fake_runtime import FakeRuntime
from tests.mesh.pod import Namespace
from tests.processes import free_port, http_status

FOLDER = Path(embedded.solo_mesh.__file__).parent
ROOT = FOLDER.parents[1]


async def start(environment: dict[str, str]) -> asyncio.subprocess.Process:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{os.environ['SOLO_MESH_PROTOS']}"} | environment
    command = [sys.executable, "-m", "embedded.solo_mesh"]
    return await asyncio.create_subprocess_exec(
        *command, env=environment, cwd="/", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )


async def test_the_pre_stop_hook_drains_and_ends_the_process(namespace: Namespace) -> None:
    runtime = FakeRuntime()
    await runtime.start()
    metrics = free_port()
    environment = namespace.environment("pod-0", runtime) | {"MM_METRICS": f"prometheus:port={metrics};scheme=https"}
    probe = f"http://127.0.0.1:{environment['SOLO_MESH_PROBE_PORT']}"
    mesh = await start(environment)
    try:
        async with asyncio.timeout(20):
            while await asyncio.to_thread(http_status, f"{probe}/ready") != 200:
                assert mesh.returncode is None
                await asyncio.sleep(0.1)
        assert await asyncio.to_thread(http_status, f"{probe}/live") == 200
        text = await asyncio.to_thread(scrape, f"https://127.0.0.1:{metrics}/metrics")
        assert "solo_mesh_info" in text
        assert "modelmesh_instance_capacity_bytes" in text
        hook = await asyncio.create_subprocess_exec(
            FOLDER / "stop.sh", "wait",
            env={**os.environ, **environment, "SOLO_MESH_PID": str(mesh.pid), "SOLO_MESH_PYTHON": sys.executable},
        )  # fmt: skip
        await asyncio.sleep(1)
        assert hook.returncode is None, "it waits"
        assert await asyncio.to_thread(http_status, f"{probe}/ready") == 503
        async with asyncio.timeout(15):
            assert await hook.wait() == 0
            assert await mesh.wait() == 0
    finally:
        if mesh.returncode is None:
            mesh.kill()
        output, _ = await mesh.communicate()
        await runtime.stop()
    assert b"a stand-in for kserve/modelmesh:v0.12.0" in output


async def test_a_start_that_waits_for_its_runtime_can_be_ended_at_once(namespace: Namespace) -> None:
    runtime = FakeRuntime()
    runtime.port = free_port()  # where nobody listens
    mesh = await start(namespace.environment("pod-0", runtime))
    assert mesh.stdout
    async with asyncio.timeout(30):
        async for line in mesh.stdout:
            if b"waiting for the runtime" in line:
                break
    assert mesh.returncode is None
    mesh.terminate()
    async with asyncio.timeout(5):
        await mesh.communicate()
    assert mesh.returncode == 0


async def test_a_broken_environment_ends_with_every_problem_named() -> None:
    mesh = await start({"MM_SERVICE_NAME": "x", "KV_STORE": "etcd:/none"})
    output, _ = await mesh.communicate()
    assert mesh.returncode == 1
    assert b"INTERNAL_GRPC_PORT" in output
    assert b"WKUBE_POD_NAME" in output
    assert b"Traceback" not in output


async def test_secrets_of_the_connection_file_stay_out_of_the_log(namespace: Namespace) -> None:
    connection = namespace.folder / "etcd"
    connection.write_text('{"endpoints": "", "userid": "u", "password": "hush-hush", "root_prefix": "r"')
    mesh = await start(namespace.environment("pod-0", FakeRuntime()))
    output, _ = await mesh.communicate()
    assert mesh.returncode == 1
    assert str(connection).encode() in output
    assert b"hush-hush" not in output


def scrape(url: str) -> str:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # it is self-signed
    with urlopen(url, timeout=5, context=context) as response:  # noqa: S310  (a URL of the test's own)
        return str(response.read().decode())
