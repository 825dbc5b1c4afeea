"""Content digests and staged build contexts: only names and bytes count."""

import os
import shutil
from pathlib import Path

import pytest

from components.images import content


def make(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


def test_the_digest_is_the_same_whatever_modes_times_and_order(tmp_path: Path) -> None:
    one = make(tmp_path / "one", {"a": "1", "b/c": "2"})
    other = make(tmp_path / "other", {"b/c": "2", "a": "1"})
    (other / "a").chmod(0o755)
    os.utime(other / "a", (1, 1))
    assert content.digest(content.files(one)) == content.digest(content.files(other))


@pytest.mark.parametrize("files", [{"a": "2"}, {"b": "1"}, {"a": "1", "b": ""}, {"d/a": "1"}])
def test_the_digest_differs_with_any_name_or_byte(tmp_path: Path, files: dict[str, str]) -> None:
    one, other = make(tmp_path / "one", {"a": "1"}), make(tmp_path / "other", files)
    assert content.digest(content.files(one)) != content.digest(content.files(other))


def test_only_what_the_allow_list_names_belongs_to_a_source(tmp_path: Path) -> None:
    files = {
        ".dockerignore": "# only these\n\n*\n!Dockerfile\n!*.py\n!package\n",
        "Dockerfile": "",
        "a.py": "",
        "b.txt": "",
        "package/c.txt": "",
        "package/__pycache__/c.pyc": "",
        "package/.cache/x": "",
    }
    assert list(content.files(make(tmp_path, files))) == ["Dockerfile", "a.py", "package/c.txt"]


def test_the_dockerfile_needs_no_mention(tmp_path: Path) -> None:
    assert list(content.files(make(tmp_path, {".dockerignore": "*\n!a\n", "Dockerfile": "", "a": ""}))) == [
        "Dockerfile",
        "a",
    ]


def test_what_a_list_without_a_star_names_does_not_belong_to_a_source(tmp_path: Path) -> None:
    files = {".dockerignore": "tests\n*.md\n# later\nmodel/\n", "a.py": "", "b/tests": "", "tests/b.py": "", "c.md": ""}
    assert list(content.files(make(tmp_path, files))) == ["a.py", "b/tests"]


def test_a_mixed_list_and_a_name_that_leads_nowhere_are_refused(tmp_path: Path) -> None:
    for mixed in ("*.pyc\n!a\n", "*\n!a\nb\n"):
        with pytest.raises(content.SourceError, match="allow-list"):
            content.files(make(tmp_path / "one", {".dockerignore": mixed, "a": ""}))
    with pytest.raises(content.SourceError, match=r"'b\.py', which does not exist"):
        content.files(make(tmp_path / "other", {".dockerignore": "*\n!b.py\n", "a": ""}))


def test_a_missing_or_empty_source_is_an_error_of_one_line(tmp_path: Path) -> None:
    with pytest.raises(content.SourceError, match="is not a folder"):
        content.files(tmp_path / "nowhere")
    with pytest.raises(content.SourceError, match="holds no files"):
        content.files(tmp_path)


def test_a_context_has_each_source_in_its_folder_by_its_own_allow_list(tmp_path: Path) -> None:
    root = make(tmp_path / "root", {".dockerignore": "*\n!a\n", "Dockerfile": "", "a": "1", "b": ""})
    below = make(tmp_path / "below", {"b": "2", "c/d": "3"})
    found = {path: file.read_text() for path, file in content.context({"": root, "x/y": below}).items()}
    assert found == {"Dockerfile": "", "a": "1", "x/y/b": "2", "x/y/c/d": "3"}


def test_a_context_where_two_sources_bring_one_file_is_refused(tmp_path: Path) -> None:
    root = make(tmp_path / "root", {"Dockerfile": "", "x/a": "1"})
    with pytest.raises(content.SourceError, match="x/a, which another source"):
        content.context({"": root, "x": make(tmp_path / "below", {"a": "1"})})


def test_a_context_without_a_dockerfile_in_its_root_is_refused(tmp_path: Path) -> None:
    root, below = make(tmp_path / "root", {"a": ""}), make(tmp_path / "below", {"Dockerfile": ""})
    with pytest.raises(content.SourceError, match="no Dockerfile for the root"):
        content.context({"": root, "x": below})


def test_staging_in_two_checkouts_gives_the_same_modes_and_times(tmp_path: Path) -> None:
    source = content.files(make(tmp_path / "source", {"a": "1", "b/c": "2"}))

    def seen(staged: Path) -> dict[str, tuple[int, float]]:
        paths = [staged, *staged.rglob("*")]
        return {str(path.relative_to(staged)): (path.stat().st_mode, path.stat().st_mtime) for path in paths}

    first = content.stage(source, tmp_path / "one", "image")
    before = os.umask(0o077)
    second = content.stage(source, tmp_path / "other", "image")
    os.umask(before)
    folder, file = 0o40755, 0o100644
    assert seen(first) == {".": (folder, 0), "a": (file, 0x6B86B2), "b": (folder, 0), "b/c": (file, 0xD4735E)}
    assert seen(first) == seen(second)
    assert first.name == second.name


def test_what_is_staged_already_is_not_copied_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = content.files(make(tmp_path / "source", {"a": "1"}))
    staged = content.stage(source, tmp_path, "image")
    monkeypatch.setattr(shutil, "copyfile", lambda *_: pytest.fail("it is staged already"))
    assert content.stage(source, tmp_path, "image") == staged


def test_two_programs_may_stage_the_same_files_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = content.files(make(tmp_path / "source", {"a": "1"}))
    copy, other = shutil.copyfile, list[Path]()

    def after_another_program(file: Path, target: Path) -> None:
        monkeypatch.setattr(shutil, "copyfile", copy)
        other.append(content.stage(source, tmp_path / "contexts", "image"))
        copy(file, target)

    monkeypatch.setattr(shutil, "copyfile", after_another_program)
    assert [content.stage(source, tmp_path / "contexts", "image")] == other
    assert [*(tmp_path / "contexts").iterdir()] == other


def test_a_context_that_cannot_be_put_in_its_place_is_reported_with_the_cause(tmp_path: Path) -> None:
    source = content.files(make(tmp_path / "source", {"a": "1"}))
    staged = content.stage(source, tmp_path, "image")
    shutil.rmtree(staged)
    staged.symlink_to(tmp_path / "nowhere")
    with pytest.raises(NotADirectoryError):
        content.stage(source, tmp_path, "image")


def test_a_file_that_changes_meanwhile_is_told_and_nothing_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = content.files(make(tmp_path / "source", {"a": "1"}))
    monkeypatch.setattr(shutil, "copyfile", lambda _, target: target.write_text("changed"))
    with pytest.raises(content.SourceError, match=r"source/a was changed while it was being read"):
        content.stage(source, tmp_path / "contexts", "image")
    assert not list((tmp_path / "contexts").iterdir())


def test_contexts_that_nobody_uses_any_more_are_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stage(text: str, name: str = "image") -> Path:
        return content.stage(content.files(make(tmp_path / "source", {"a": text})), tmp_path / "contexts", name)

    kept, old = stage("1", "image-publisher"), stage("2")
    assert stage("3").exists()
    assert old.exists(), "another stack may be building it"
    monkeypatch.setattr(content, "_UNUSED_SECONDS", -1)
    stage("4")
    assert not old.exists()
    assert kept.exists(), "it is another image's"


def test_files_of_one_size_have_different_times(tmp_path: Path) -> None:
    """BuildKit would otherwise take a changed file for the one that it has."""
    times = set()
    for text in ("1", "2"):
        source = content.files(make(tmp_path / "source", {"a": text}))
        times.add((content.stage(source, tmp_path / "contexts", "image") / "a").stat().st_mtime)
    assert len(times) == 2
