import subprocess
import sys
from pathlib import Path

import pytest

from embedded import handover
from embedded.errors import EmbeddedError
from embedded.images import Images
from embedded.instance import Instance
from project import COMMANDS

IMAGES = Images(base="10.213.0.6:5000/debian-python@sha256:aa", parts={"etcd": "10.213.0.6:5000/etcd@sha256:bb"})

MESH = {"modelmesh": "10.213.0.6:5000/kserve/modelmesh@sha256:cc"}


def write(node: Instance) -> None:
    handover.write(node, IMAGES, MESH, bin_folder=Path("/tools/b in"), pulumi_home=Path("/tools/home"))


def test_before_the_first_start_the_error_says_how_to_start(node: Instance) -> None:
    with pytest.raises(EmbeddedError, match="python -m embedded up --instance test"):
        handover.read(node)


def test_the_record_of_another_version_is_as_good_as_none(node: Instance) -> None:
    (node.data / "handover.json").write_text('{"config": {}, "path": "/tools"}')
    with pytest.raises(EmbeddedError, match="has not been started yet"):
        handover.read(node)


def test_the_facts_are_kept(node: Instance) -> None:
    write(node)
    facts = handover.read(node)
    assert facts.kubeconfig == str(node.kubeconfig)
    assert (facts.context, facts.registry, facts.builder) == ("modelmesh-test", "10.213.0.6:5000", "embedded-test")
    assert (facts.base_image, facts.images, facts.mesh) == (IMAGES.base, IMAGES.parts, MESH)
    assert facts.variables["PULUMI_BACKEND_URL"] == (node.data / "pulumi").as_uri()


def test_a_shell_gets_this_checkout_s_pulumi_first_and_nothing_that_other_stacks_would_use(node: Instance) -> None:
    write(node)
    script = f'PATH=/usr/bin; {handover.environment(node)}\necho "$PATH"; env'
    shown = subprocess.run(
        ["/bin/sh", "-c", script], capture_output=True, text=True, check=True, env={}
    ).stdout.splitlines()
    assert shown[0] == f"{COMMANDS}:{Path(sys.executable).parent}:/tools/b in:/usr/bin"
    assert {"INSTANCE=test", "PULUMI_STACK=dev"} <= set(shown)
    assert not any(line.startswith(("KUBECONFIG=", "PULUMI_BACKEND_URL=", "PULUMI_CONFIG")) for line in shown)


def test_the_passphrase_is_private_kept_and_never_printed(node: Instance) -> None:
    write(node)
    path = node.data / "passphrase"
    passphrase = path.read_text()
    write(node)
    assert path.read_text() == passphrase
    assert path.stat().st_mode & 0o777 == 0o600
    assert passphrase not in handover.text(handover.read(node)) + handover.environment(node)
