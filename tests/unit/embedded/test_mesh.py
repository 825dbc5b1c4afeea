"""ModelMesh's images come from a registry that the test starts; the node's own registry is another one."""

import json
import platform
import queue
import time
from collections.abc import Iterator
from typing import Any

import pytest

from cli import node as cli_node
from embedded import lifecycle, mesh, prerequisites, registry
from embedded.errors import EmbeddedError
from embedded.instance import Instance
from tests.image_registry import IMAGE, INDEX, Registry, digest_of, serving

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


@pytest.fixture
def outside() -> Iterator[Registry]:
    """A registry that asks for a token and has its layers on another server."""
    with serving() as store, serving(token="for-anybody", blobs_at=store) as made:  # noqa: S106
        yield made


@pytest.fixture
def inside(node: Instance, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """The registry of `node`."""
    with serving() as made:
        monkeypatch.setattr(node, "node_address", "127.0.0.1")
        monkeypatch.setattr(registry, "REGISTRY_PORT", made.port)
        yield made


def published(where: Registry, name: str, tag: str = mesh.VERSION) -> str:
    """Digest of a small image that `where` serves for several architectures."""
    config, layer = (f"{kind} of {name}".encode() for kind in ("configuration", "layer"))
    for blob in (config, layer):
        (where.blobs_at or where).blobs[digest_of(blob)] = blob
    manifest = {
        "schemaVersion": 2,
        "mediaType": IMAGE,
        "config": {"digest": digest_of(config), "size": len(config)},
        "layers": [{"digest": digest_of(layer), "size": len(layer)}],
    }
    digest = where.add(name, json.dumps(manifest).encode(), IMAGE)
    entries = [
        {"digest": f"sha256:{'0' * 64}", "platform": {"os": "linux", "architecture": "s390x"}},
        {"digest": digest, "platform": {"os": "linux", "architecture": ARCHITECTURE}},
    ]
    where.add(name, json.dumps({"manifests": entries}).encode(), INDEX, tag)
    return digest


def brought_up(node: Instance, wanted: str, asked: str, *, running: bool = False) -> mesh.Mesh:
    return mesh.copy(node, mesh.find(node, wanted, asked, running=running), wanted)


def test_auto_takes_modelmesh_with_its_proxy_and_later_starts_take_the_same_bits(
    node: Instance, outside: Registry, inside: Registry
) -> None:
    first = {key: published(outside, name) for key, name in mesh.REPOSITORIES.items()}
    found = brought_up(node, "auto", outside.address)
    assert found.digests == first
    assert found.note == (
        f"ModelMesh, from {outside.address}/kserve/modelmesh:v0.12.0 ({first['modelmesh']}), with REST proxy"
    )
    assert found.references(node) == {
        "modelmesh": f"{node.registry}/kserve/modelmesh@{first['modelmesh']}",
        "rest-proxy": f"{node.registry}/kserve/rest-proxy@{first['rest-proxy']}",
    }
    for name, digest in zip(mesh.REPOSITORIES.values(), first.values(), strict=True):
        manifest = json.loads(inside.manifests[name, digest][0])
        assert {manifest["config"]["digest"], manifest["layers"][0]["digest"]} <= inside.blobs.keys()
    assert outside.blobs_at
    assert not [header for header in outside.blobs_at.seen if header], "the token is for the registry alone"

    outside.blobs_at.blobs[digest_of(b"another")] = b"another"
    outside.add(mesh.REPOSITORIES["modelmesh"], b'{"config": {}, "layers": [], "new": 1}', IMAGE, mesh.VERSION)
    outside.seen.clear()
    assert brought_up(node, "real", outside.address) == found
    assert not outside.seen, "what is kept is not asked for again"


def test_what_the_node_s_registry_lost_is_copied_again_by_its_digest(
    node: Instance, outside: Registry, inside: Registry
) -> None:
    first = published(outside, "kserve/modelmesh")
    found = brought_up(node, "auto", outside.address)
    assert found.note.endswith("without REST proxy")
    outside.add("kserve/modelmesh", b'{"config": {}, "layers": []}', IMAGE, mesh.VERSION)
    inside.manifests.clear()
    assert brought_up(node, "auto", outside.address).digests == {"modelmesh": first}
    assert ("kserve/modelmesh", first) in inside.manifests


def test_a_mirror_with_a_path_is_asked_below_it(node: Instance, outside: Registry) -> None:
    digest = published(outside, "hub/kserve/modelmesh")
    assert mesh.find(node, "auto", f"{outside.address}/hub/", running=False).digests == {"modelmesh": digest}


def test_without_it_solo_mesh_stands_in_and_is_not_asked_for_again_while_the_node_runs(
    node: Instance, outside: Registry
) -> None:
    found = brought_up(node, "auto", outside.address)
    assert found.references(node) == {}
    assert found.note.startswith(
        f"solo mesh, since {outside.address}/kserve/modelmesh:v0.12.0 cannot be read (the answer is 404"
    )
    outside.seen.clear()
    assert brought_up(node, "auto", outside.address, running=True) == found
    assert not outside.seen
    digest = published(outside, "kserve/modelmesh")
    assert mesh.find(node, "auto", outside.address, running=False).digests == {"modelmesh": digest}
    assert mesh.find(node, "real", outside.address, running=True).digests == {"modelmesh": digest}


def test_a_registry_that_does_not_answer_is_waited_for_a_few_seconds_only(
    node: Instance, outside: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert mesh._SECONDS <= 10
    monkeypatch.setattr(mesh, "_SECONDS", 1)
    published(outside, "kserve/modelmesh")
    outside.answers = queue.SimpleQueue()  # nothing is put into it until the end
    begun = time.monotonic()
    found = mesh.find(node, "auto", outside.address, running=False)
    outside.release()
    assert time.monotonic() - begun < 1.9, "both images are asked for at once"
    assert "no answer within 1 s" in found.note


def test_real_without_it_is_an_error_before_anything_is_changed(
    node: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prerequisites, "problems", lambda *_: [])
    monkeypatch.setattr(lifecycle, "_prepare", lambda *_: pytest.fail("the machine would be changed"))
    with pytest.raises(EmbeddedError) as raised:
        lifecycle.up(node, "real", "127.0.0.1:1")
    assert str(raised.value) == (
        "`mesh` is real, but there would be solo mesh, since 127.0.0.1:1/kserve/modelmesh:v0.12.0 cannot be read "
        "(Connection refused); nothing was changed"
    )
    assert [*node.data.iterdir()] == []
    assert not node.cache.exists()


def test_a_copy_that_fails_leaves_solo_mesh_unless_the_real_one_is_wanted(
    node: Instance, outside: Registry, inside: Registry
) -> None:
    published(outside, "kserve/modelmesh")
    assert outside.blobs_at
    (layer,) = [digest for digest, blob in outside.blobs_at.blobs.items() if blob.startswith(b"layer")]
    outside.blobs_at.blobs[layer] = b"xayer of kserve/modelmesh"  # not what its digest says
    found = mesh.find(node, "auto", outside.address, running=False)
    assert found.digests
    assert "solo mesh, since kserve/modelmesh cannot be copied" in mesh.copy(node, found, "auto").note
    with pytest.raises(EmbeddedError, match="`mesh` is real, but kserve/modelmesh cannot be copied"):
        mesh.copy(node, found, "real")
    assert inside.manifests == {}
    assert not (node.data / "mesh.json").exists()


@pytest.mark.usefixtures("inside")
def test_solo_asks_nobody_and_forgets_nothing(node: Instance, outside: Registry) -> None:
    published(outside, "kserve/modelmesh")
    solo = brought_up(node, "solo", outside.address)
    assert solo.note == "solo mesh, as `mesh: solo` demands"
    assert brought_up(node, "auto", outside.address, running=True) == solo, "the node was started with it"
    assert not outside.seen
    first = brought_up(node, "auto", outside.address)
    assert brought_up(node, "solo", outside.address).digests == first.digests
    assert brought_up(node, "auto", outside.address) == first


def test_another_word_is_an_error(node: Instance) -> None:
    with pytest.raises(EmbeddedError, match="`mesh` is 'rael'; expected auto, real or solo"):
        mesh.find(node, "rael", "", running=False)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ("auto", "")),
        ({"modelmesh:mesh": "real", "modelmesh:imageRegistry": "mirror.example/hub"}, ("real", "mirror.example/hub")),
    ],
)
def test_the_stack_s_file_decides(
    given: dict[str, str], expected: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = list[tuple[Any, ...]]()

    def up(_: Instance, *arguments: Any) -> str:
        calls.append(arguments)
        return "mesh: found"

    monkeypatch.setattr(lifecycle, "up", up)
    assert cli_node.start("test", given) == "mesh: found"
    assert calls == [expected]


def test_an_image_of_the_stack_s_own_is_not_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "up", lambda _, wanted: f"mesh: {wanted}")
    assert cli_node.start("test", {"modelmesh:images": {"modelmesh": "own/mesh:1"}}) == (
        "mesh: own/mesh:1, as modelmesh:images says"
    )
