"""The pins of the toolchain hold together, and decide what is built again."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from embedded import toolchain
from embedded.errors import EmbeddedError
from embedded.toolchain import build
from embedded.toolchain.build import Workshop
from embedded.toolchain.programs import PROGRAMS, PROVIDERS, PULUMI_VERSION, Program

MODULES = Path(build.__file__).parent


def test_every_module_has_a_program_and_a_committed_checksum() -> None:
    modules = {file.parent.name for file in MODULES.glob("*/go.mod")}
    assert modules == {program.module for program in PROGRAMS}
    without_requirements = {module for module in modules if "require" not in (MODULES / module / "go.mod").read_text()}
    assert {file.parent.name for file in MODULES.glob("*/go.sum")} == modules - without_requirements


def test_what_programs_share_is_compiled_once() -> None:
    # Upstream's own versions; the language host's engine is older, and each program is bound to its pulumi and etcd.
    separate = {"modelmesh-controller", "modelmesh-runtime-adapter"}
    bound = re.compile(r"github\.com/(pulumi/pulumi|go-git|hashicorp/hcl|zclconf/go-cty)/|go\.etcd\.io/")
    found: dict[str, dict[str, list[str]]] = {}
    for file in MODULES.glob("*/go.mod"):
        text = file.read_text()
        required = re.split(r"^(?:exclude|replace) ", text, flags=re.MULTILINE)[0]
        versions = dict(re.findall(r"^(?:\t|require )(\S+) (v\S+)", required, re.MULTILINE))
        versions |= {name: v for name, v in re.findall(r"(\S+) => \S+ (v\S+)", text) if name in versions}
        for name, version in versions.items() if file.parent.name not in separate else ():
            if not bound.match(f"{name}/"):
                found.setdefault(name, {}).setdefault(version, []).append(file.parent.name)
    assert len(found) > 500
    assert {name: versions for name, versions in found.items() if len(versions) > 1} == {}


def test_engine_providers_and_their_python_packages_are_of_the_same_versions() -> None:
    project = (MODULES.parent.parent / "pyproject.toml").read_text()
    assert f"pulumi=={PULUMI_VERSION}" in project
    for name, version in PROVIDERS.items():
        assert f"pulumi-{name}=={version}" in project


def test_a_pin_decides_the_key_and_other_files_do_not(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    go_mod = tmp_path / "one" / "go.mod"
    go_mod.write_text("module one")
    program = Program(module="one", binaries=("one",))
    first = build.key(program, tmp_path)
    (tmp_path / "one" / "schema.json").write_text("a copy of a build")
    assert build.key(program, tmp_path) == first
    assert build.key(replace(program, variables=("a=b",)), tmp_path) != first
    go_mod.write_text("module one // changed")
    assert build.key(program, tmp_path) != first
    go_mod.write_text("module one")
    replacement = tmp_path / "one" / "sdk" / "go" / "part.go"
    replacement.parent.mkdir(parents=True)
    replacement.write_text("package part")
    assert build.key(program, tmp_path) != first


def test_a_failed_build_ends_with_its_log_and_leaves_no_result(tmp_path: Path) -> None:
    compiler = tmp_path / "go"
    compiler.write_text("#!/bin/sh\necho no such package >&2\nexit 1\n")
    compiler.chmod(0o755)
    workshop = Workshop(tmp_path / "cache", compiler, print)
    pause = next(program for program in PROGRAMS if program.module == "pause")
    with pytest.raises(EmbeddedError, match=r"(?s)building pause failed:\nno such package.*pause\.log"):
        workshop.build(pause)
    assert not workshop.store(pause).exists()


def test_a_full_disk_is_an_error_before_anything_is_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELMESH_CACHE", str(tmp_path))
    monkeypatch.setattr(toolchain, "BUILD_DISK_BYTES", 10**18)
    monkeypatch.setattr(Workshop, "build", lambda *_: pytest.fail("something was built"))
    with pytest.raises(EmbeddedError, match=r"GB free.*MODELMESH_CACHE"):
        toolchain.ensure()


def test_what_a_build_needs_is_looked_for_before_anything_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELMESH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    (problem,) = toolchain.obstacles()
    assert problem.startswith("Go is not on PATH: install go1.26")
    workshop = Workshop(tmp_path / "cache/toolchain", Path("go"), print)
    for program in PROGRAMS:
        workshop.store(program).mkdir(parents=True)
    assert not toolchain.obstacles(), "nothing is left to build"


@pytest.mark.parametrize(
    ("version", "taken"),
    [("v3.259.0", True), ("v3.300.1-dev.0", True), ("v3.258.9", False), ("v4.0.0", False), ("unknown", False)],
)
def test_an_official_engine_is_taken_if_it_can_run_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, taken: bool
) -> None:
    engine = tmp_path / "pulumi"
    engine.write_text(f"#!/bin/sh\necho {version}\n")
    engine.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("MODELMESH_CACHE", str(tmp_path / "cache"))
    assert toolchain._official_pulumi() is taken


def test_an_engine_of_our_own_cache_is_not_an_official_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = tmp_path / "cache" / "bin" / "pulumi"
    engine.parent.mkdir(parents=True)
    engine.write_text(f"#!/bin/sh\necho v{PULUMI_VERSION}\n")
    engine.chmod(0o755)
    monkeypatch.setenv("PATH", f"{engine.parent}:/usr/bin:/bin")
    monkeypatch.setenv("MODELMESH_CACHE", str(tmp_path / "cache"))
    assert not toolchain._official_pulumi()
