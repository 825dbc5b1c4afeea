"""The etcd client against a real etcd with TLS and a password, and several endpoints of which one is dead."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded.solo_mesh.etcd import Connection, Etcd, EtcdError
from tests.certificates import written
from tests.mesh.etcd import ETCDCTL, start_etcd
from tests.mesh.pod import Namespace
from tests.processes import free_port


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """An etcd with TLS and authentication; the connection file's content."""
    folder = tmp_path_factory.mktemp("guarded")
    files = written(folder, "localhost", "127.0.0.1")
    certificate = files["ca.crt"]
    with start_etcd(folder, tls=files) as etcd:
        options: list[str | Path] = [f"--endpoints={etcd.endpoint}", "--cacert", certificate]
        for command in (["user", "add", "root:secret"], ["user", "grant-role", "root", "root"], ["auth", "enable"]):
            subprocess.run(["etcdctl", *options, *command], check=True, capture_output=True, env=ETCDCTL)
        dead = f"https://127.0.0.1:{free_port()}"
        yield {
            "endpoints": f"{dead},{etcd.endpoint}",
            "userid": "root",
            "password": "secret",
            "certificate": certificate.read_text(),
        }


async def test_a_pod_runs_on_an_etcd_with_tls_and_password(namespace: Namespace, guarded: dict[str, str]) -> None:
    (namespace.folder / "etcd").write_text(json.dumps(guarded | {"root_prefix": namespace.prefix}))
    pod = await namespace.start()
    await pod.set_vmodel("v", "v-1", sync=True)
    assert await pod.infer("v") == "v-1"
    assert {"vmodels/v", "registry/v-1", "instances/pod-0"} <= set(await namespace.keys())


async def test_a_wrong_password_is_an_error_that_does_not_tell_it(tmp_path: Path, guarded: dict[str, str]) -> None:
    (tmp_path / "etcd").write_text(json.dumps(guarded | {"password": "hush-hush"}))
    etcd = Etcd(Connection.read(tmp_path / "etcd"))
    with pytest.raises(EtcdError, match="authentication failed") as error:
        await etcd.list("x")
    await etcd.close()
    assert "hush-hush" not in str(error.value)


async def test_certificates_may_stand_in_files_beside(tmp_path: Path, guarded: dict[str, str]) -> None:
    (tmp_path / "ca.crt").write_text(guarded["certificate"])
    content = {key: value for key, value in guarded.items() if key != "certificate"}
    (tmp_path / "etcd").write_text(json.dumps(content | {"certificate_file": "ca.crt"}))
    etcd = Etcd(Connection.read(tmp_path / "etcd"))
    assert await etcd.commit({"k": 0}, {"k": "v"})
    assert await etcd.commit({"k": 0}, {"k": "w"}) is None, "somebody was faster"
    found = await etcd.get("k")
    await etcd.close()
    assert found
    assert found.value == b"v"


async def test_an_etcd_that_asks_for_certificates_is_read_with_one_and_not_without(tmp_path: Path) -> None:
    files = written(tmp_path, "localhost", "127.0.0.1")
    with start_etcd(tmp_path, tls=files, ask_clients=True) as etcd:
        anonymous = {"endpoints": etcd.endpoint, "certificate": files["ca.crt"].read_text()}
        known = anonymous | {
            "client_certificate": files["tls.crt"].read_text(),
            "client_key": files["tls.key"].read_text(),
        }
        found: dict[str, object] = {}
        for name, content in {"known": known, "anonymous": anonymous}.items():
            (tmp_path / name).write_text(json.dumps(content))
            client = Etcd(Connection.read(tmp_path / name))
            try:
                found[name] = (await client.list("x"))[0]
            except EtcdError as error:
                found[name] = error
            await client.close()
    assert found["known"] == []
    assert "UNAVAILABLE" in str(found["anonymous"])
