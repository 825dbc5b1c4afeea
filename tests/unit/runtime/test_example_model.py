"""The example model: made of the pinned package, the same every time."""

from pathlib import Path

from models.__main__ import digest, make


def test_model_is_the_same_wherever_it_is_made(tmp_path: Path) -> None:
    first, second = make(tmp_path / "a"), make(tmp_path / "b")
    assert digest(first) == digest(second)
    assert [path.name for path in first] == ["LICENSE.txt", "emoji_utf8_lexicon.txt", "vader_lexicon.txt"]


def test_model_brings_its_licence(tmp_path: Path) -> None:
    text = make(tmp_path / "a")[0].read_text()
    assert "MIT License" in text
    assert "Hutto" in text


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
