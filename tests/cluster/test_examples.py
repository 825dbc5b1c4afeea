"""The examples, outside of the checkout, with the wheel and its dependencies installed and nothing else.

`components` cannot be imported there; the engine, the providers and the node are those of the other tests.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
import pytest
import yaml
from tritonclient.grpc import InferenceServerClient, InferInput

from cli import engine, node
from cli.predict import forwarded_port
from models.sentiment import make
from project import ROOT
from project.environments import venv_for
from tests.cluster.deployment import KINDS, Deployment

PROGRAMS = ("quickstart", "two_teams", "many_models")
S3 = {"endpoint": "https://s3.example.com", "bucket": "models", "region": "eu-central-1", "accessKeyId": "user"}
IMAGE = f"registry.example.com/server@sha256:{'1' * 64}"
HIDDEN = "not-a-secret-outside-this-test"
TEAM = S3 | {"secretAccessKey": HIDDEN, "image": IMAGE, "path": "classifier/model"}
CONFIG: dict[str, dict[str, Any]] = {
    "quickstart": {},
    "two_teams": {f"{team}:{key}": value for team in ("team-a", "team-b") for key, value in TEAM.items()},
    "many_models": {f"many-models:{key}": value for key, value in (TEAM | {"path": ""}).items()},
}


@dataclass(frozen=True)
class Place:
    """A copy of the examples, and the Python in whose environment they run."""

    folder: Path
    python: Path
    environment: dict[str, str]

    def pulumi(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        ended = subprocess.run(
            ["pulumi", *arguments, "--stack", "examples", "--non-interactive"],
            cwd=self.folder / program, env=self.environment, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        print(ended.stdout)
        return ended

    def configure(self, program: str) -> None:
        """Make the program's stack, with the node as its cluster, registry and builder."""
        assert self.pulumi(program, "stack", "init").returncode == 0
        facts = node.facts(node.named("test"))
        project = program.replace("_", "-")
        build = {"insecure": True, "builder": facts.builder, "build_args": {"BASE_IMAGE": facts.base_image}}
        here = {
            "kubeconfig": facts.kubeconfig, "context": facts.context, "registry": facts.registry, "build": build,
            "images": dict(facts.images),
        }  # fmt: skip
        file = self.folder / program / "Pulumi.examples.yaml"
        kept = yaml.safe_load(file.read_text()) if file.exists() else {}
        config = {f"{project}:{key}": value for key, value in here.items()} | CONFIG[program]
        file.write_text(yaml.safe_dump({**kept, "config": config}))


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment of the locked dependencies and of the wheel."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=ROOT, check=True)
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    (packages,) = (folder / "venv").glob("lib/python*/site-packages")
    (locked,) = venv_for(ROOT / "requirements.txt").glob("lib/python*/site-packages")
    (packages / "locked.pth").write_text(f"{locked}\n")
    own = folder / "venv/bin/python"
    (wheel,) = folder.glob("*.whl")
    subprocess.run([own, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel], check=True)
    return own


@pytest.fixture(scope="module")
def place(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("examples")
    for program in PROGRAMS:
        shutil.copytree(ROOT / "examples" / program, folder / program)
    shutil.copytree(ROOT / "runtime_src", folder / "quickstart/base")
    shutil.copytree(ROOT / "runtimes/sentiment", folder / "quickstart/server")
    make(folder / "quickstart/model")
    state = folder / "state"
    state.mkdir()
    facts = node.facts(node.named("test"))
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("PULUMI", "PYTHON"))}
    environment = engine.environment(inherited | dict(facts.variables), str(python.parent), facts.programs)
    return Place(folder, python, environment | {"PULUMI_BACKEND_URL": f"file://{state}"})


def test_the_wheel_is_all_that_is_installed(place: Place) -> None:
    code = "import pulumi_modelmesh, importlib.util; print(importlib.util.find_spec('components'))"
    ran = subprocess.run([place.python, "-c", code], cwd=place.folder, check=True, capture_output=True, text=True)
    assert ran.stdout.strip() == "None"


def mypy(place: Place, program: Path) -> str:
    """What mypy says of a program, in the environment of the examples; they share its cache."""
    command: list[str | Path] = [
        "-m",
        "mypy",
        "--strict",
        "--python-executable",
        place.python,
        "--cache-dir",
        place.folder / "cache",
    ]
    ran = subprocess.run(
        [sys.executable, *command, program], cwd=place.folder, capture_output=True, text=True, check=False
    )
    return ran.stdout


def test_the_types_of_the_package_are_found(place: Place) -> None:
    for program in PROGRAMS:
        assert mypy(place, place.folder / program / "__main__.py") == "Success: no issues found in 1 source file\n"
    wrong = place.folder / "wrong.py"
    wrong.write_text("import pulumi_modelmesh as mm\n\nmm.ModelFormat(nme='text')\n")
    assert 'Unexpected keyword argument "nme" for "ModelFormat"' in mypy(place, wrong)


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_program_is_previewed(place: Place, program: str) -> None:
    place.configure(program)
    previewed = place.pulumi(program, "preview")
    assert previewed.returncode == 0
    assert "modelmesh:index:ModelMeshServing" in previewed.stdout
    assert HIDDEN not in previewed.stdout


@pytest.fixture(scope="module")
def quickstart(place: Place) -> Iterator[Place]:
    """The quickstart, up; afterwards nothing of it is left."""
    cluster = Deployment.on_instance("test")
    before = cluster.names(KINDS)
    try:
        updated = place.pulumi("quickstart", "up", "--yes", "--skip-preview")
        assert updated.returncode == 0
        yield place
    finally:
        destroyed = place.pulumi("quickstart", "destroy", "--yes", "--skip-preview")
    assert destroyed.returncode == 0
    # Definitions are shared with other stacks and stay.
    assert {name for name in cluster.names(KINDS) - before if "customresourcedefinition" not in name} == set()
    for name in cluster.names("customresourcedefinitions"):
        if name not in before:
            cluster.stack.run(cluster.stack.kubectl("delete", name), quiet=True)


def test_the_quickstart_serves_its_model(quickstart: Place) -> None:
    outputs = json.loads(quickstart.pulumi("quickstart", "stack", "output", "--json").stdout)
    assert outputs["grpcUrl"] == "grpc://modelmesh-serving.quickstart:8033"
    tensor = InferInput("text", [1], "BYTES")
    tensor.set_data_from_numpy(numpy.array([b"What a wonderful day, I love it!"], dtype=object))
    with forwarded_port(Deployment.on_instance("test").stack, "quickstart", "modelmesh-serving") as port:
        client = InferenceServerClient(f"127.0.0.1:{port}")
        try:
            answer = client.infer("demo", [tensor], client_timeout=60)
        finally:
            client.close()
    assert float(answer.as_numpy("compound")[0]) == pytest.approx(0.8478, abs=5e-4)


def test_the_quickstart_is_not_changed_by_a_second_run(quickstart: Place) -> None:
    assert quickstart.pulumi("quickstart", "up", "--yes", "--skip-preview", "--expect-no-changes").returncode == 0
