"""What is measured against what: the commands and settings of the servers, and the weight of their images."""

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path

from benchmarks import servers
from benchmarks.image_size import ImageSize, weigh
from benchmarks.variants import RAW, VARIANTS


def test_the_template_runs_with_the_servers_own_defaults() -> None:
    template = servers.template().image
    assert template
    assert template.command == ("mlserver", "start", template.models)
    assert template.variables["MLSERVER_MODEL_IMPLEMENTATION"] == "custom_model.CustomMLModel"
    assert not {"MLSERVER_PARALLEL_WORKERS", "MLSERVER_DEBUG"} & set(template.variables)


def test_every_variant_but_one_differs_from_what_is_shipped() -> None:
    shipped, *others = VARIANTS
    assert [name for name in others if VARIANTS[name] == VARIANTS[shipped]] == [RAW]
    assert VARIANTS[shipped] == servers.Program(source=servers.RUNTIME)


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
