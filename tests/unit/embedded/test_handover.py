import json
import subprocess
from pathlib import Path

import pytest

from embedded import handover
from embedded.errors import EmbeddedError
from embedded.images import Images
from embedded.instance import Instance

IMAGES = Images(base="10.213.0.6:5000/debian-python@sha256:aa", parts={"etcd": "10.213.0.6:5000/etcd@sha256:bb"})


def write(node: Instance) -> None:
    handover.write(node, IMAGES, bin_folder=Path("/tools/b in"), pulumi_home=Path("/tools/home"))


def test_before_the_first_start_the_error_says_how_to_start(node: Instance) -> None:
    with pytest.raises(EmbeddedError, match="python -m embedded up --instance test"):
        handover.config(node)


def test_the_configuration_is_what_a_stack_needs(node: Instance) -> None:
    write(node)
    assert json.loads(handover.config(node)) == {
        "modelmesh:kubeconfig": str(node.kubeconfig),
        "modelmesh:context": "modelmesh-test",
        "modelmesh:registry": "10.213.0.6:5000",
        "modelmesh:registryInsecure": True,
        "modelmesh:builder": "embedded-test",
        "modelmesh:buildArgs": {"BASE_IMAGE": IMAGES.base},
        "modelmesh:images": {"etcd": IMAGES.parts["etcd"]},
    }


def test_a_shell_gets_the_tools_first_and_no_kubeconfig(node: Instance) -> None:
    write(node)
    script = f'PATH=/usr/bin; {handover.environment(node)}\necho "$PATH"; env'
    shown = subprocess.run(
        ["/bin/sh", "-c", script], capture_output=True, text=True, check=True, env={}
    ).stdout.splitlines()
    assert shown[0] == "/tools/b in:/usr/bin"
    assert f"PULUMI_BACKEND_URL=file://{node.data}/pulumi" in shown
    assert not any(line.startswith("KUBECONFIG=") for line in shown)


def test_the_passphrase_is_private_kept_and_never_printed(node: Instance) -> None:
    write(node)
    path = node.data / "passphrase"
    passphrase = path.read_text()
    write(node)
    assert path.read_text() == passphrase
    assert path.stat().st_mode & 0o777 == 0o600
    assert passphrase not in handover.config(node) + handover.environment(node)
