"""What is measured against what: the commands and settings of the servers, and the weight of their images."""

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path

from benchmarks import servers
from benchmarks.image_size import ImageSize, weigh
from benchmarks.variants import SHIPPED, VARIANTS
from project.model_server import BASE


def test_the_template_runs_with_the_servers_own_defaults() -> None:
    template = servers.of_image(servers.TEMPLATE)
    assert template.command == ("mlserver", "start", "{models}")
    assert template.environment["PYTHONPATH"] == str(servers.TEMPLATE) + "/"
    assert template.environment["MLSERVER_MODEL_IMPLEMENTATION"] == "custom_model.CustomMLModel"
    assert not {"MLSERVER_PARALLEL_WORKERS", "MLSERVER_DEBUG"} & set(template.environment)


def test_our_server_runs_as_its_image_does_with_the_code_of_the_checkout() -> None:
    ours = servers.of_image(servers.RUNTIME)
    assert ours.command[-1] == "{models}"
    assert ours.environment["PYTHONPATH"] == f"{servers.RUNTIME}:{BASE}"
    assert not [value for value in ours.environment.values() if value.startswith("/opt/runtime")]


def test_every_variant_differs_from_what_is_shipped() -> None:
    shipped = servers.of_image(servers.RUNTIME)
    assert VARIANTS[0].name == SHIPPED
    assert VARIANTS[0].of(shipped) == shipped
    assert [each.name for each in VARIANTS[1:] if not each.raw and each.of(shipped) == shipped] == []


def test_an_image_weighs_what_its_layers_weigh(tmp_path: Path) -> None:
    layers = [gzip.compress(b"base" * 1000), gzip.compress(b"code" * 10)]
    manifest = json.dumps({"layers": [{"digest": digest(layer), "size": len(layer)} for layer in layers]}).encode()
    index = json.dumps({"manifests": [{"digest": digest(manifest)}]}).encode()
    archive = tmp_path / "image.tar"
    with tarfile.open(archive, "w") as tar:
        add(tar, "index.json", index)
        for blob in (manifest, *layers):
            add(tar, f"blobs/{digest(blob).replace(':', '/')}", blob)
    assert weigh(archive) == ImageSize(compressed=sum(map(len, layers)), unpacked=4040)


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))
