"""What the end of an image's build says about a class that cannot be imported in it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from project.model_server import BASE
from runtime_src.image import check
from runtime_src.image.check import advice, package_of

SHARED = "cannot open shared object file: No such file or directory"


@pytest.mark.parametrize(
    ("library", "package"),
    [("libgomp.so.1", "libgomp1"), ("libGL.so.1", "libgl1"), ("libfoo2.so.3", "libfoo2-3"), ("libbare.so", "libbare")],
)
def test_a_library_is_usually_in_the_package_of_its_name(library: str, package: str) -> None:
    assert package_of(library) == package


def test_a_missing_library_is_a_debian_package_to_add() -> None:
    found = advice(ImportError(f"libgomp.so.1: {SHARED}"))
    assert "libgomp.so.1 is missing" in found
    assert "usually libgomp1, to the build argument DEBIAN_PACKAGES" in found


@pytest.mark.parametrize("library", ["libcuda.so.1", "libnvidia-ml.so.1"])
def test_the_driver_of_a_gpu_may_be_missing(library: str) -> None:
    assert not advice(OSError(f"{library}: {SHARED}"))


def imported(folder: Path, settings: str = '{"implementation": "mine.Model"}') -> subprocess.CompletedProcess[str]:
    """The check in a folder with the code of an image, with a server that does nothing."""
    (folder / "modelmesh_runtime").mkdir()
    (folder / "modelmesh_runtime/__main__.py").touch()
    shutil.copy(BASE / "modelmesh_runtime/implementation.py", folder / "modelmesh_runtime")
    (folder / "model-settings.json").write_text(settings)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(folder)}
    command = [sys.executable, check.__file__]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (
            "import nowhere",
            "✗ mine.Model cannot be imported in the image: the module nowhere is missing: put it beside",
        ),
        (
            f"raise OSError('libgomp.so.1: {SHARED}')",
            "✗ mine.Model cannot be imported in the image: the library libgomp",
        ),
        ("Modell = 1", "✗ mine.Model cannot be imported in the image: the import failed with the error above"),
    ],
)
def test_a_class_that_cannot_be_imported_ends_the_build(tmp_path: Path, code: str, expected: str) -> None:
    (tmp_path / "mine.py").write_text(code)
    done = imported(tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(expected)
    assert "Traceback" in done.stderr


@pytest.mark.parametrize("code", ["class Model: ...", f"raise ImportError('libcuda.so.1: {SHARED}')"])
def test_a_class_that_can_be_imported_or_only_lacks_a_driver_passes(tmp_path: Path, code: str) -> None:
    (tmp_path / "mine.py").write_text(code)
    assert imported(tmp_path).returncode == 0


@pytest.mark.parametrize("settings", ["", "{}", "[]", '{"implementation": null}'])
def test_settings_without_a_class_end_the_build_with_one_line(tmp_path: Path, settings: str) -> None:
    done = imported(tmp_path, settings)
    assert done.returncode == 1
    assert done.stderr.startswith("✗ model-settings.json: expected JSON with the class as implementation, got ")
    assert "Traceback" not in done.stderr
