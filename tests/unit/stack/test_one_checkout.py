"""Several programs in one checkout at the same time: none takes a file from under another one."""

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from components.images import content
from components.images.build import BuildArgs
from components.images.runtime_image import BuiltImage, RuntimeImage
from models.sentiment import make
from project.environments import folder_of, provide
from tests.unit.stack.engine import run

ROUNDS, CHANGES = 100, 30
PROCESSES = multiprocessing.get_context("fork")


@contextmanager
def meanwhile(*work: Any) -> Iterator[Callable[[], int]]:
    """Runs functions in a process each, again and again while the block runs; each has to end without an error.

    Yields a function that returns how often they have run, all together.
    """
    end, runs = PROCESSES.Event(), PROCESSES.Value("i", 0)

    def repeat(function: Any) -> None:
        while not end.is_set():
            function()
            with runs.get_lock():
                runs.value += 1

    processes = [PROCESSES.Process(target=repeat, args=(function,)) for function in work]
    for process in processes:
        process.start()
    try:
        yield lambda: runs.value
    finally:
        end.set()
        for process in processes:
            process.join(60)
    assert [process.exitcode for process in processes] == [0] * len(processes)


def test_the_example_model_can_be_read_while_others_make_it(tmp_path: Path) -> None:
    target = tmp_path / "sentiment"
    make(target)
    before = content.digest(content.files(target))
    with meanwhile(lambda: make(target), lambda: make(target)):
        for _ in range(ROUNDS):
            assert content.digest(content.files(target)) == before


def test_a_changed_file_of_the_example_model_is_replaced_as_a_whole(tmp_path: Path) -> None:
    lexicon = tmp_path / "sentiment/vader_lexicon.txt"
    make(tmp_path / "sentiment")
    whole = lexicon.read_bytes()

    def change() -> None:
        other = tmp_path / "other"
        other.write_bytes(b"another version")
        other.replace(lexicon)
        make(tmp_path / "sentiment")

    seen = set()
    with meanwhile(change) as changes:
        while changes() < CHANGES:
            seen.add(lexicon.read_bytes())
    assert seen == {whole, b"another version"}


def test_stacks_build_one_image_of_different_sources(workplace: Path) -> None:
    """Each reads back what it has staged, as its builder does a moment later."""

    def build(stack: str) -> None:
        source = workplace / stack
        source.mkdir(exist_ok=True)
        (source / "Dockerfile").write_text("FROM scratch\n")
        (source / "server.py").write_text(f"print({stack!r})\n" * 1000)
        image = BuiltImage(build=BuildArgs(registry="registry.example"), sources={"": source}, repository="server")

        def program() -> None:
            RuntimeImage("runtime", image)

        made = run(program, preview=False)
        context = Path(made.one("docker-build:index:Image").inputs["context"]["location"])
        for _ in range(ROUNDS):
            assert (context / "server.py").read_bytes() == (source / "server.py").read_bytes()

    with meanwhile(lambda: build("prod")):
        for _ in range(5):
            build("staging")


def test_engines_find_the_policies_environment_while_others_point_at_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("# nothing")
    monkeypatch.setenv("MODELMESH_CACHE", str(tmp_path / "cache"))
    folder_of(requirements).mkdir(parents=True)
    (folder_of(requirements) / "done").touch()
    place = tmp_path / "venv"
    elsewhere = tmp_path / "cache/venv"

    def link() -> None:
        provide(place, requirements)

    def link_elsewhere() -> None:
        fresh = tmp_path / "fresh"
        fresh.symlink_to(elsewhere)
        fresh.replace(place)

    (elsewhere / "done").touch()
    link()
    with meanwhile(link, link_elsewhere):
        for _ in range(100 * ROUNDS):
            assert (place / "done").exists()
