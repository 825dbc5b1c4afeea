"""The example model: made of the pinned package, the same every time, with a manifest that says so."""

import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from models import sentiment
from models.sentiment import FORMAT, digest, make, provide
from runtime_src.modelmesh_runtime.manifest import Manifest, read_manifest
from runtimes.sentiment.vader_lexicon import EMOJI_FILE, LEXICON_FILE

ROOT = Path(__file__).parents[3]
READS = [LEXICON_FILE, EMOJI_FILE]


def test_model_is_the_same_wherever_it_is_made(tmp_path: Path) -> None:
    first, second = make(tmp_path / "a"), make(tmp_path / "b")
    assert digest(first) == digest(second)
    assert [path.name for path in first] == [
        "LICENSE.txt",
        "emoji_utf8_lexicon.txt",
        "manifest.json",
        "vader_lexicon.txt",
    ]


def test_model_brings_its_licence(tmp_path: Path) -> None:
    text = make(tmp_path / "a")[0].read_text()
    assert "MIT License" in text
    assert "Hutto" in text


def test_manifest_names_the_package_and_its_version(tmp_path: Path) -> None:
    make(tmp_path / "a")
    expected = Manifest(name="vaderSentiment", version=version("vaderSentiment"))
    assert read_manifest(tmp_path / "a", FORMAT, READS) == expected


def test_manifest_is_in_the_format_that_the_server_reads() -> None:
    assert f'FORMAT = "{FORMAT}"' in (ROOT / "runtimes/sentiment/sentiment_model.py").read_text()


def test_manifest_of_a_model_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "finance").mkdir()
    (tmp_path / "finance" / LEXICON_FILE).write_text("bull\t3.0\n")
    command = [sys.executable, "-m", "models", "--manifest", f"{tmp_path}/finance", "--version", "2"]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert made.stdout == f"{tmp_path}/finance/manifest.json\n"
    assert read_manifest(tmp_path / "finance", FORMAT, READS) == Manifest(name="finance", version="2")


def test_no_file_of_the_user_s_is_deleted(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "models", "--to", str(tmp_path / "own")]
    (tmp_path / "own").mkdir()
    assert "sha256:" in subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    (tmp_path / "own/thesis").touch()
    refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert refused.returncode == 1
    assert "own holds other files than the example model: delete it, or name another folder" in refused.stderr
    assert (tmp_path / "own/thesis").exists()


def test_making_it_again_leaves_nothing_else_behind(tmp_path: Path) -> None:
    make(tmp_path / "a")
    (tmp_path / "a" / "stale.txt").touch()
    assert {path.name for path in make(tmp_path / "a")} == {path.name for path in (tmp_path / "a").iterdir()}


def test_digest_follows_content_and_names(tmp_path: Path) -> None:
    files = make(tmp_path / "a")
    before = digest(files)
    files[0].write_text("another licence")
    changed = digest(files)
    renamed = files[0].rename(tmp_path / "a" / "LICENCE.txt")
    assert len({before, changed, digest([renamed, *files[1:]])}) == 3


def test_edits_are_kept_until_the_folder_is_deleted(tmp_path: Path) -> None:
    target = tmp_path / "build/sentiment"
    assert provide(target)
    assert provide(target)
    (target / LEXICON_FILE).write_text("bull\t3.0\n")
    (target / EMOJI_FILE).unlink()
    assert not provide(target)
    assert (target / LEXICON_FILE).read_text() == "bull\t3.0\n"
    assert not (target / EMOJI_FILE).exists()
    shutil.rmtree(target)
    assert provide(target)
    assert (target / EMOJI_FILE).exists()


def test_a_folder_in_it_is_an_edit(tmp_path: Path) -> None:
    provide(tmp_path / "sentiment")
    (tmp_path / "sentiment/mine").mkdir()
    (tmp_path / "sentiment/mine/notes").touch()
    assert not provide(tmp_path / "sentiment")
    assert (tmp_path / "sentiment/mine/notes").exists()


@pytest.mark.parametrize("recorded", [True, False])
def test_a_model_of_an_earlier_version_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recorded: bool
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(sentiment, "version", lambda _: "1.0")
        provide(tmp_path / "sentiment")
    if not recorded:
        (tmp_path / "sentiment.sha256").unlink()
    assert provide(tmp_path / "sentiment") is recorded
