"""A stack on a cluster that was recorded, for the command `doctor`."""

import datetime
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.doctor import command
from cli.doctor.findings import Report
from cli.doctor.state import SECRET
from cli.stack import Stack
from tests.unit.cli.conftest import Programs
from tests.unit.cli.doctor.recorded_cluster import RecordedCluster, recorded, well


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> RecordedCluster:
    """A cluster on which everything is well, at the time at which it was recorded."""
    time = datetime.datetime.fromisoformat(recorded("well")["now"])
    monkeypatch.setattr(command, "now", lambda: time)
    return well()


@pytest.fixture
def stack(cluster: RecordedCluster, programs: Programs, tmp_path: Path) -> Callable[[Path], Stack]:
    """Makes the stack whose engine has the state of the cluster, and whose cluster is that of a kubeconfig."""

    def made(kubeconfig: Path) -> Stack:
        outputs = {
            "grpcUrl": "grpc://modelmesh-serving:8033",
            "password": {SECRET: "v1:x"},
            "tlsCa": "-----BEGIN\na\nb",
        }
        root = {"type": "pulumi:pulumi:Stack", "urn": "urn:stack", "outputs": outputs}
        state = tmp_path / "state.json"
        state.write_text(json.dumps({"deployment": {"resources": [root, *cluster.state]}}))
        programs.add("pulumi", f'case "$1" in version) echo v3.259.0 ;; stack) cat {state} ;; esac')
        file = tmp_path / "Pulumi.prod.yaml"
        file.write_text(
            json.dumps({"config": {"modelmesh:kubeconfig": str(kubeconfig), "modelmesh:context": "recorded"}})
        )
        return Stack(name="prod", embedded=None, config_file=file, environment=dict(os.environ), root=tmp_path)

    return made


@pytest.fixture
def examine(cluster: RecordedCluster, stack: Callable[[Path], Stack], tmp_path: Path) -> Callable[[], Report]:
    """Examines the stack on the cluster as a test has left it."""

    def examined() -> Report:
        with cluster.served(tmp_path) as kubeconfig:
            return command.examine(stack(kubeconfig))

    return examined
