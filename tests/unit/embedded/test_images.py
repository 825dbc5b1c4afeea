import re
from pathlib import Path

import pytest

import embedded
from embedded.images import Image, on_base_image

RECIPES = sorted(Path(embedded.__file__).parent.glob("images/*/Dockerfile"))


def image(folder: Path, **arguments: str) -> Image:
    return Image(name="i", files={".": folder}, arguments=arguments)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "context"
    (made / "sub").mkdir(parents=True)
    (made / "Dockerfile").write_text("FROM scratch\n")
    (made / "sub/data").write_text("1")
    return made


def test_the_same_inputs_elsewhere_have_the_same_key(folder: Path, tmp_path: Path) -> None:
    before = image(folder).key()
    assert image(folder.rename(tmp_path / "another")).key() == before


def test_every_input_changes_the_key(folder: Path) -> None:
    keys = [image(folder).key()]
    (folder / "sub/data").write_text("2")
    keys.append(image(folder).key())
    (folder / "sub/data").chmod(0o755)
    keys.append(image(folder).key())
    (folder / "sub/data").rename(folder / "sub/other")
    keys.append(image(folder).key())
    keys.append(image(folder, VERSION="1").key())
    keys.append(Image(name="i", files={".": folder}, named={"more": {".": folder / "sub"}}).key())
    assert len(set(keys)) == len(keys)


def test_a_base_image_counts_by_its_digest_not_by_its_registry(folder: Path) -> None:
    one, other = "10.0.0.1:5000/base@sha256:aa", "10.0.0.2:5000/base@sha256:aa"
    assert image(folder, BASE_IMAGE=one).key() == image(folder, BASE_IMAGE=other).key()
    assert image(folder, BASE_IMAGE=one).key() != image(folder, BASE_IMAGE="10.0.0.1:5000/base@sha256:bb").key()


def test_caches_beside_the_sources_do_not_count(folder: Path) -> None:
    before = image(folder).key()
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__/x.pyc").write_text("")
    assert image(folder).key() == before


def test_images_on_the_base_image_name_it_by_digest(tmp_path: Path) -> None:
    made = on_base_image("r/base@sha256:aa", tmp_path, tmp_path)
    assert {recipe.arguments["BASE_IMAGE"] for recipe in made.values()} == {"r/base@sha256:aa"}


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.parent.name)
def test_recipes_start_from_what_is_here_and_run_as_nobody_special(path: Path) -> None:
    text = path.read_text()
    assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) <= {"scratch", "${BASE_IMAGE}"}
    if path.parent.name != "debian-python":  # builds install into it, so who builds on it decides
        assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", text, re.MULTILINE)
