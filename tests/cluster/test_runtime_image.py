"""The model server's image as it is built and run: repeatable, small, with no more in it than serving needs."""

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from benchmarks.image_size import context_of, image_size
from components.core.pods import container_security
from components.core.rendering import document
from components.images import content
from embedded.instance import Instance
from project import ROOT
from tests.cluster.deployment import Deployment, ProgramMaker
from tests.cluster.image_builds import BuiltImage, build

RUNTIME = ROOT / "runtimes/sentiment"
REPOSITORY = "test-runtime-image"
POD, MODEL = "runtime-image", "sentiment"
WRITABLE = "/tmp"  # noqa: S108  a mount point
MODEL_FOLDER = f"/models/_mlserver_models/{MODEL}"

INFER = f"/v2/models/{MODEL}/infer"
QUESTION = {"inputs": [{"name": "text", "datatype": "BYTES", "shape": [1], "data": ["What a lovely day"]}]}


@pytest.fixture(scope="module")
def only_image(program: ProgramMaker) -> Iterator[Deployment]:
    """A stack of nothing but the image, up."""
    made = program("only_image", "only-image")
    update = made.up()
    assert update.succeeded, update.output
    yield made
    made.run("destroy", "--yes", "--skip-preview")


@pytest.fixture(scope="module")
def node(deployment: Deployment) -> Instance:
    """The node of the tests."""
    assert deployment.stack.embedded
    return deployment.stack.embedded


@pytest.fixture(scope="module")
def image(node: Instance, tmp_path_factory: pytest.TempPathFactory) -> BuiltImage:
    """The image of this checkout."""
    return build(node, context_of(RUNTIME, tmp_path_factory.mktemp("context")), REPOSITORY)


def test_a_build_without_cache_of_another_checkout_is_the_same_image_as_the_stacks(
    only_image: Deployment, node: Instance, other_checkout: Path, tmp_path: Path
) -> None:
    fresh = build(node, context_of(other_checkout / "runtimes/sentiment", tmp_path), REPOSITORY, fresh=True)
    assert only_image.stack.outputs()["image"].endswith(fresh.digest)


def test_the_publisher_is_the_same_image_again_without_cache(node: Instance, tmp_path: Path, lexicon: Path) -> None:
    files = content.context({"": ROOT / "components/stores/publisher", "root/artifact": lexicon})
    context = content.stage(files, tmp_path, "publisher")
    once, again = (build(node, context, "test-publisher", fresh=fresh) for fresh in (False, True))
    assert once.digest == again.digest


def test_changed_code_is_one_new_layer_of_less_than_a_megabyte(
    image: BuiltImage, node: Instance, tmp_path: Path
) -> None:
    context = context_of(RUNTIME, tmp_path)
    with (context / "runtime/sentiment_model.py").open("a") as module:
        module.write("\nREVISION = 2\n")
    changed = build(node, context, REPOSITORY)
    (new,) = changed.layers.keys() - image.layers.keys()
    assert changed.layers[new] < 1_000_000
    assert new == list(changed.layers)[-1]


def test_it_is_at_most_60_percent_of_the_tutorials(node: Instance, tmp_path: Path) -> None:
    ours, tutorials = (image_size(node, folder, tmp_path) for folder in (RUNTIME, ROOT / "benchmarks/template"))
    print(f"{ours} {tutorials}")
    assert ours.unpacked <= 0.6 * tutorials.unpacked
    assert ours.compressed <= 0.6 * tutorials.compressed


def test_it_holds_no_shell_no_installer_and_nothing_that_gives_rights(image: BuiltImage) -> None:
    files = [entry for entry, _ in image.entries if not entry.isdir()]
    names = {PurePosixPath(file.name).name for file in files}
    assert not names & {"sh", "bash", "dash", "busybox", "env", "perl", "apt-get", "dpkg", "ldconfig", "mlserver"}
    assert not re.findall(r"\S*/(?:pip|setuptools|ensurepip|tritonclient|gevent)/\S*", "\n".join(f.name for f in files))
    programs = {file.name for file, start in image.entries if file.mode & 0o111 and start[:4] == b"\x7fELF"}
    assert {name for name in programs if ".so" not in name} == {"usr/bin/python3.11"}
    assert not [file.name for file in files if file.mode & 0o6000]


def test_only_its_folder_for_temporary_files_may_be_written_by_its_user(image: BuiltImage) -> None:
    open_to_all = [entry.name for entry, _ in image.entries if not entry.issym() and entry.mode & 0o002]
    assert open_to_all == ["tmp"]
    assert {(entry.uid, entry.gid) for entry, _ in image.entries} == {(0, 0)}
    assert image.config["config"]["User"] == "1000:1000"


def test_every_module_is_compiled_and_never_compared_with_its_source(image: BuiltImage) -> None:
    compiled = {entry.name: data for entry, data in image.entries if entry.name.endswith(".pyc")}
    # In the flags that follow the magic number, a hash of the source in place of its time, not to be checked.
    assert {data[4:8] for data in compiled.values()} == {b"\x01\0\0\0"}
    for module in RUNTIME.glob("*.py"):
        assert f"opt/runtime/__pycache__/{module.stem}.cpython-311.pyc" in compiled


def test_scanners_are_told_the_debian_packages(image: BuiltImage) -> None:
    folder = "var/lib/dpkg/status.d/"
    packages = {entry.name.removeprefix(folder): data for entry, data in image.entries if folder in entry.name}
    assert {"libc6", "libssl3"} <= packages.keys()
    assert re.search(rb"^Version: ", packages["libc6"], re.MULTILINE)


# A request of which the server has read the head when it is told to end, and gets the body after that.
ASK_WHILE_ENDING = """
import os, signal, socket, sys
body = sys.argv[1].encode()
connection = socket.create_connection(("127.0.0.1", 8002))
head = f"POST {sys.argv[2]} HTTP/1.1\\r\\nHost: server\\r\\nContent-Length: {len(body)}\\r\\n"
connection.sendall(head.encode() + b"Content-Type: application/json\\r\\nExpect: 100-continue\\r\\n\\r\\n")
assert b"100" in connection.recv(100)
os.kill(1, signal.SIGTERM)
connection.sendall(body)
print(connection.makefile("rb").read().decode())
"""


def label_of(answer: Any) -> str:
    """The one label of an answer."""
    (label,) = [output["data"][0] for output in answer["outputs"] if output["name"] == "label"]
    return str(label)


class Server:
    """A pod of the image on the node: root file system read-only, nothing writable but /tmp, no rights."""

    def __init__(self, deployment: Deployment, image: BuiltImage) -> None:
        self._deployment = deployment
        settings = {"name": MODEL, "parameters": {"uri": f"{MODEL_FOLDER}/vader_lexicon.txt"}}
        files = {"model-settings.json": json.dumps(settings), "vader_lexicon.txt": "lovely\t2.8\t0.6\n"}
        container = {
            "name": "server",
            "image": image.ref,
            "securityContext": document(container_security(user=1000)),
            "volumeMounts": [{"name": "tmp", "mountPath": WRITABLE}, {"name": "model", "mountPath": MODEL_FOLDER}],
            "readinessProbe": {"httpGet": {"path": "/v2/health/ready", "port": 8002}, "periodSeconds": 1},
        }
        spec = {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "containers": [container],
            "volumes": [{"name": "tmp", "emptyDir": {}}, {"name": "model", "configMap": {"name": POD}}],
        }
        self._apply({"kind": "ConfigMap", "metadata": {"name": POD}, "data": files})
        self._apply({"kind": "Pod", "metadata": {"name": POD}, "spec": spec})

    def status(self) -> Any:
        """The container's state and whether it is ready."""
        return self._deployment.get("pod", POD, "default")["status"].get("containerStatuses", [{}])[0]

    def wait(self, done: Callable[[Any], bool], seconds: float = 90) -> Any:
        """Wait for a state of the container, or show its log."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if done(status := self.status()):
                return status
            time.sleep(0.5)
        raise AssertionError(f"{self.status()}\n{self.kubectl('logs', POD)}")

    def ask(self, path: str, body: Any, folder: Path) -> Any:
        """POST to the server, through the API server."""
        request = folder / "request.json"
        request.write_text(json.dumps(body))
        proxied = f"/api/v1/namespaces/default/pods/{POD}:8002/proxy{path}"
        return json.loads(self.kubectl("create", "--raw", proxied, "--filename", str(request)) or "null")

    def python(self, program: str, *arguments: str) -> str:
        """Run a program in the container."""
        return self.kubectl("exec", POD, "--", "python", "-c", program, *arguments)

    def kubectl(self, *arguments: str) -> str:
        """What kubectl prints."""
        stack = self._deployment.stack
        return stack.run(stack.kubectl(*arguments, "--namespace", "default"), quiet=True)

    def delete(self) -> None:
        """Remove both objects."""
        self.kubectl("delete", f"pod/{POD}", f"configmap/{POD}", "--wait", "--ignore-not-found")

    def _apply(self, manifest: dict[str, Any]) -> None:
        stack = self._deployment.stack
        command = stack.kubectl("apply", "--namespace", "default", "--filename", "-")
        applied = subprocess.run(
            command, input=json.dumps({"apiVersion": "v1", **manifest}), env=stack.environment,
            capture_output=True, text=True,
        )  # fmt: skip
        assert applied.returncode == 0, applied.stderr


@pytest.fixture(scope="module")
def server(deployment: Deployment, image: BuiltImage) -> Iterator[Server]:
    """The server of the image, ready."""
    started = Server(deployment, image)
    try:
        started.wait(lambda status: status.get("ready", False))
        yield started
    finally:
        started.delete()


def test_it_answers_without_root_rights_or_a_writable_root(server: Server, tmp_path: Path) -> None:
    server.ask(f"/v2/repository/models/{MODEL}/load", {}, tmp_path)
    answer = server.ask(INFER, QUESTION, tmp_path)
    assert label_of(answer) == "positive"


def test_it_writes_nothing_but_its_metrics(server: Server) -> None:
    listed = server.python(f"import pathlib; print(*sorted(map(str, pathlib.Path('{WRITABLE}').rglob('*'))))")
    assert {PurePosixPath(path).parts[2] for path in listed.split()} <= {"metrics"}


def test_as_process_1_it_answers_what_is_under_way_when_told_to_end_and_ends_cleanly(server: Server) -> None:
    command = server.python("print(open('/proc/1/cmdline').read().split('\\0')[:-1])")
    assert command.strip() == str(["/opt/venv/bin/python", "-m", "modelmesh_runtime", "/models/_mlserver_models/"])
    answer = server.python(ASK_WHILE_ENDING, json.dumps(QUESTION), INFER)
    assert label_of(json.loads(answer.splitlines()[-1])) == "positive", answer
    ended = server.wait(lambda status: "terminated" in status.get("state", {}))
    assert ended["state"]["terminated"]["exitCode"] == 0, server.kubectl("logs", POD)
