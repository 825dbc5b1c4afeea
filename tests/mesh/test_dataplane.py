"""Rules of inference calls that the recording does not show: metadata, methods, streams, message sizes, TLS."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from embedded.solo_mesh import metrics
from tests.certificates import written
from tests.mesh.pod import INFER, Namespace, Pod


async def refused(
    pod: Pod, method: str, message: bytes = b"", metadata: tuple[tuple[str, str], ...] = ()
) -> grpc.StatusCode:
    call: Any = pod.channel.unary_unary(f"/{method}")
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call(message, timeout=5, metadata=metadata)
    return error.value.code()


async def test_the_runtime_gets_the_models_id_and_the_callers_metadata_without_the_meshs(namespace: Namespace) -> None:
    pod = await namespace.start()
    await pod.set_vmodel("v", "v-1", sync=True)
    await pod.infer("v", metadata=(("traceparent", "00-x"), ("mm-balanced", "true"), ("tas-model-id", "other")))
    seen = pod.runtime.metadata
    assert (seen["mm-model-id"], seen["mm-model-id-bin"], seen["traceparent"]) == ("v-1", b"v-1", "00-x")
    assert not {"mm-balanced", "tas-model-id", "mm-vmodel-id"} & set(seen)


async def test_several_ids_ask_several_models(namespace: Namespace) -> None:
    pod = await namespace.start()
    for name in ("v", "w"):
        await pod.set_vmodel(name, f"{name}-1", sync=True)
    assert await pod.infer("", metadata=(("mm-vmodel-id", "v"), ("mm-vmodel-id", "w"))) == "v-1w-1"
    both = (("mm-vmodel-id", "v"), ("mm-model-id", "w-1"))
    assert await refused(pod, INFER, metadata=both) is grpc.StatusCode.INVALID_ARGUMENT


async def test_what_cannot_be_answered_is_refused_for_what_it_is(namespace: Namespace) -> None:
    pod = await namespace.start()
    await pod.set_vmodel("v", "v-1", sync=True)
    header = (("mm-vmodel-id", "v"),)
    for method in (
        "mmesh.ModelRuntime/unloadModel",
        "mmesh.ModelMesh/unknown",
        "inference.GRPCInferenceService/ServerLive",
    ):
        assert await refused(pod, method, metadata=header) is grpc.StatusCode.UNIMPLEMENTED
    assert await refused(pod, INFER, b"\x0a\x00") is grpc.StatusCode.INVALID_ARGUMENT
    assert await refused(pod, INFER, b"\x0a\x7fv") is grpc.StatusCode.INVALID_ARGUMENT
    assert await refused(pod, INFER, bytes(17 * 1024 * 1024)) is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert pod.runtime.loaded == {"v-1"}, "no call of a client reached the runtime's management"


async def test_a_model_id_that_is_no_text_is_refused(namespace: Namespace) -> None:
    pod = await namespace.start()
    call: Any = pod.channel.unary_unary(f"/{INFER}")
    with pytest.raises(grpc.aio.AioRpcError, match="model id in the metadata is not UTF-8") as error:
        await call(b"", timeout=5, metadata=(("mm-vmodel-id-bin", b"\xff"),))
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_methods_that_callers_make_up_add_no_series_to_the_metrics(namespace: Namespace) -> None:
    pod = await namespace.start()
    await pod.set_vmodel("v", "v-1", sync=True)
    await pod.infer("v")
    for number in range(5):
        await refused(pod, f"made.up/Method{number}")
    text = metrics.render().decode()
    assert f'modelmesh_api_request_milliseconds_count{{code="OK",method="{INFER}"}}' in text
    assert 'method="other"' in text
    assert "made.up" not in text


async def test_a_stream_is_refused(namespace: Namespace) -> None:
    pod = await namespace.start()
    await pod.set_vmodel("v", "v-1", sync=True)

    async def messages() -> AsyncIterator[bytes]:
        yield b"\x0a\x01v"
        yield b"\x0a\x01v"

    call: Any = pod.channel.stream_unary(f"/{INFER}")
    with pytest.raises(grpc.aio.AioRpcError, match="Streaming not supported yet") as error:
        await call(messages())
    assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_with_tls_clients_and_peers_present_certificates(namespace: Namespace, tmp_path: Path) -> None:
    files = written(tmp_path, "modelmesh-serving", "localhost")
    tls = {
        "MM_TLS_KEY_CERT_PATH": str(files["tls.crt"]),
        "MM_TLS_PRIVATE_KEY_PATH": str(files["tls.key"]),
        "MM_TLS_TRUST_CERT_PATH": f"{files['tls.crt']},{files['ca.crt']}",
        "MM_TLS_CLIENT_AUTH": "require",
    }
    namespace.constrain(["a", "b"])
    a = await namespace.start("pod-a", labels="rt:a", environment=tls)
    await namespace.start("pod-b", labels="rt:b", environment=tls)
    pem, key, ca = (files[name].read_bytes() for name in ("tls.crt", "tls.key", "ca.crt"))
    address = f"localhost:{a.port}"
    async with grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(ca, key, pem)) as channel:
        a.channel = channel
        await a.set_vmodel("v", "v-1", kind="rt:b", sync=True)
        assert await a.infer("v") == "v-1", "handed to the other pod, over TLS too"
    async with grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(ca)) as channel:
        a.channel = channel
        assert await refused(a, INFER, b"\x0a\x01v") is grpc.StatusCode.UNAVAILABLE, "no certificate, no call"
