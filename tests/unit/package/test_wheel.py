"""The wheel holds the components, what they need at run time, and nothing else of this repository."""

import email
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from project import ROOT


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=ROOT, check=True)
    (built,) = folder.glob("*.whl")
    return zipfile.ZipFile(built)


def metadata(wheel: zipfile.ZipFile) -> email.message.Message:
    (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    return email.message_from_bytes(wheel.read(name))


def test_the_wheel_contains_the_components_and_metadata_only(wheel: zipfile.ZipFile) -> None:
    tracked = subprocess.run(["git", "ls-files", "components"], cwd=ROOT, check=True, capture_output=True, text=True)
    expected = {
        name.replace("components/", "pulumi_modelmesh/", 1)
        for name in tracked.stdout.split()
        if (ROOT / name).is_file()
    }
    packaged = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert packaged == expected
    assert {"pulumi_modelmesh/py.typed", "pulumi_modelmesh/stores/publisher/Dockerfile"} <= packaged


def test_the_metadata_names_the_licence_and_the_version(wheel: zipfile.ZipFile) -> None:
    told = metadata(wheel)
    assert (told["Name"], told["License-Expression"]) == ("pulumi-modelmesh", "Apache-2.0")
    assert any(name.endswith("/licenses/LICENSE") for name in wheel.namelist())
    assert f"## {told['Version']}" in (ROOT / "CHANGELOG.md").read_text()


def test_dependencies_are_ranges(wheel: zipfile.ZipFile) -> None:
    requirements = metadata(wheel).get_all("Requires-Dist") or []
    assert requirements
    assert not [requirement for requirement in requirements if "==" in requirement or ">=" not in requirement]


def test_the_engine_looks_for_no_plugin_of_that_name(wheel: zipfile.ZipFile) -> None:
    """The engine takes each distribution called pulumi-… for a provider's SDK, unless it says that it is none."""
    assert json.loads(wheel.read("pulumi_modelmesh/pulumi-plugin.json"))["resource"] is False


def test_nothing_names_a_configuration_key_or_the_embedded_node(wheel: zipfile.ZipFile) -> None:
    """Whoever installs the wheel has neither this repository's program nor its node."""
    named = re.compile(r"modelmesh:(?!index:)\w+|make up|embedded|solo.mesh|runtime_src")
    found = {
        (name, match[0])
        for name in wheel.namelist()
        if name.endswith(".py")
        for match in named.finditer(wheel.read(name).decode())
    }
    assert found == set()


def test_no_link_of_the_description_is_relative(wheel: zipfile.ZipFile) -> None:
    description = str(metadata(wheel).get_payload())
    assert "InferenceService" in description
    assert re.findall(r"\]\((?!https?://)[^)]*\)", description) == []


def test_the_wheel_is_built_from_a_folder_that_git_does_not_know(tmp_path: Path) -> None:
    """As `pip install .` builds it from an archive of the repository."""
    for name in ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "components"):
        source = ROOT / name
        subprocess.run(["cp", "-r", source, tmp_path / name], check=True)
    built = subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel"], cwd=tmp_path, check=False)
    assert built.returncode == 0
