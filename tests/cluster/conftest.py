"""A stack on the node that `make test` starts: the real engine, providers, API server, controller and model server."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.sentiment import TARGET, make
from project import ROOT
from runtime_src.modelmesh_runtime.manifest import MANIFEST_FILE
from tests.cluster.checkout import copied
from tests.cluster.deployment import Deployment, ProgramMaker

MODEL_FILES = ROOT / TARGET


@pytest.fixture(scope="session")
def deployment() -> Iterator[Deployment]:
    """The stack of the tests, not there yet; whatever a test leaves of it is destroyed in the end."""
    make(MODEL_FILES)
    made = Deployment.on_instance("test")
    yield made
    made.stack.pulumi("destroy", "--yes", "--skip-preview", "--non-interactive", quiet=True)


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> ProgramMaker:
    """Makes the stack of another program of this folder, not there yet; it finds the sources beside it."""

    def made(folder: str, stack: str) -> Deployment:
        make(MODEL_FILES)
        place = tmp_path_factory.mktemp(folder)
        shutil.copytree(Path(__file__).parent / folder, place, dirs_exist_ok=True)
        for sources in ("runtime_src", "runtimes/sentiment", ".build"):
            (place / sources).parent.mkdir(exist_ok=True)
            (place / sources).symlink_to(ROOT / sources)
        return Deployment.on_instance("test", stack, place)

    return made


@pytest.fixture(scope="module")
def publishing(program: ProgramMaker) -> Iterator[Deployment]:
    """The stack of the program `publishing`, a store with a published model, not there yet; it goes with the module."""
    made = program("publishing", "publishing")
    yield made
    made.run("destroy", "--yes", "--skip-preview")


@pytest.fixture
def lexicon(tmp_path: Path) -> Path:
    """A copy of the example's model that a test may change: without the manifest, which would tell that it was."""
    without_manifest = shutil.ignore_patterns(MANIFEST_FILE)
    return Path(shutil.copytree(MODEL_FILES, tmp_path / "sentiment", ignore=without_manifest))


@pytest.fixture
def other_checkout(tmp_path: Path) -> Path:
    """The same files in another place, with other times and modes, as a colleague's clone has them."""
    checkout = copied(tmp_path / "checkout")
    for path in checkout.rglob("*"):
        path.chmod(0o750 if path.is_dir() else 0o640)
    make(checkout / TARGET)
    return checkout
