"""What nothing could be built with is told before anything is, field by field, and never with a secret in it."""

import dataclasses
import subprocess
import sys
from typing import Any

import pytest
from pulumi_docker_build import Platform

from components.images.build import BuildArgs, image_builder
from components.images.pull_secret import RegistryCredentials
from project import ROOT
from tests.unit.stack.engine import run

pytestmark = pytest.mark.usefixtures("docker_engine")
PLAIN = BuildArgs(registry="registry.example:5000/team")
REGISTRY_FORM = (
    "expected <host>[:<port>][/<path>] without a scheme, its host with a dot or port, like registry.example.com/ml"
)
CACHE_FORM = "expected <host>/<repository>:<tag> (not latest) or gha"
DIGEST = f"sha256:{'0' * 64}"
PLATFORMS = f"expected one that docker-build knows: {', '.join(platform.value for platform in Platform)}"
BUILDKIT_ONLY = "with engine 'docker'; 'buildkit' supports it"
ONE_PLATFORM = "expected exactly one platform with engine 'docker', that of the cluster's nodes, like linux/amd64"
DOCKER = {"engine": "docker", "platforms": ["linux/amd64"]}
ID_FORM = "expected ids of letters, digits, _, . and -"
PLATFORM_FORM = "expected <os>/<arch>[/<variant>], like linux/arm64"


def credentials(**changes: Any) -> RegistryCredentials:
    return RegistryCredentials(**({"registry": "registry.example:5000", "username": "me", "password": "pw"} | changes))


def problems(**changes: Any) -> list[str]:
    return [str(problem) for problem in dataclasses.replace(PLAIN, **changes).problems()]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        *(
            {"registry": text}
            for text in ("localhost", "localhost:5000", "10.0.0.1:5000", "[::1]:5000", "ghcr.io/a/b-c")
        ),
        {"registry": "registry:5000"},
        {"platforms": ("linux/amd64", "linux/arm64")},
        {"engine": "docker", "platforms": ["linux/arm/v7"]},
        *({"cache": text} for text in ("gha", "ghcr.io/team/cache:main", "localhost:5000/cache:1")),
        {"secrets": {"pip-index-url": "https://me:pw@pypi.example/simple", "a.b_C-1": "x"}},
        {"credentials": credentials(), "builder": "embedded", "on_preview": True},
        {"credentials": credentials(registry="registry.example:5000/team")},
        {"engine": "docker", "platforms": ["linux/arm64"], "cache": "ghcr.io/team/cache:main"},
        {**DOCKER, "insecure": True, "credentials": credentials(), "build_args": {"JOBS": "2"}},
    ],
)
def test_what_can_be_built_with_is_not_refused(changes: dict[str, Any]) -> None:
    assert problems(**changes) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"registry": ""}, f"registry: '', {REGISTRY_FORM}"),
        ({"registry": "https://registry.example"}, f"registry: 'https://registry.example', {REGISTRY_FORM}"),
        ({"registry": "me:hidden@registry.example"}, f"registry: (not shown), {REGISTRY_FORM}"),
        ({"registry": "registry.example/"}, f"registry: 'registry.example/', {REGISTRY_FORM}"),
        ({"registry": "registry.example/Team"}, f"registry: 'registry.example/Team', {REGISTRY_FORM}"),
        ({"registry": "team"}, f"registry: 'team', {REGISTRY_FORM}"),
        ({"registry": "team/v1.2"}, f"registry: 'team/v1.2', {REGISTRY_FORM}"),
        ({"engine": "podman"}, "engine: 'podman', expected buildkit or docker"),
        ({"platforms": ["arm64"]}, f"platforms[0]: 'arm64', {PLATFORM_FORM}"),
        ({"platforms": ["linux/amd64", "linux/arm/v7/x"]}, f"platforms[1]: 'linux/arm/v7/x', {PLATFORM_FORM}"),
        ({"platforms": ["linux/amd64,linux/arm64"]}, f"platforms[0]: 'linux/amd64,linux/arm64', {PLATFORM_FORM}"),
        (
            {"platforms": ["linux/arm64/v8"]},
            "platforms[0]: 'linux/arm64/v8', expected one that docker-build knows: "
            + ", ".join(p.value for p in Platform),
        ),
        (
            {"platforms": ["linux/amd64", "linux/amd64"]},
            "platforms[1]: 'linux/amd64', expected each value once; [0] has it already",
        ),
        *(
            ({"cache": text}, f"cache: {text!r}, {CACHE_FORM}")
            for text in (
                *("ghcr.io/team/cache", "ghcr.io/team/cache:latest", "cache:main", "team/cache:main"),
                *("registry.example:5000", "GHA", " "),
            )
        ),
        (
            {"cache": f"ghcr.io/team/cache@sha256:{'0' * 64}"},
            f"cache: 'ghcr.io/team/cache@sha256:{'0' * 64}', {CACHE_FORM}",
        ),
        ({"secrets": {"pip index": "hidden"}}, f"secrets: 'pip index', {ID_FORM}"),
        ({"secrets": {"": "hidden"}}, f"secrets: '', {ID_FORM}"),
        ({"secrets": {"https://me:hidden@pypi.example": "x"}}, f"secrets: (not shown), {ID_FORM}"),
        ({"secrets": {"pip-index-url": ""}}, "secrets.pip-index-url: '', expected some text"),
        ({"credentials": credentials(username="")}, "credentials.username: '', expected some text"),
        ({"credentials": credentials(password="")}, "credentials.password: '', expected some text"),
        (
            {"credentials": credentials(registry="")},
            "credentials.registry: '', expected the host of the registry that images are pushed to",
        ),
        (
            {"credentials": credentials(registry="https://registry.example:5000")},
            "credentials.registry: 'https:', expected the host of the registry that images are pushed to",
        ),
        (
            {"engine": "docker", "platforms": ["linux/amd64", "linux/arm64"]},
            f"platforms: ['linux/amd64', 'linux/arm64'], {ONE_PLATFORM}",
        ),
        ({"engine": "docker"}, f"platforms: [], {ONE_PLATFORM}"),
        (
            {**DOCKER, "secrets": {"proxy-ca": "hidden"}},
            f"secrets: ['proxy-ca'], expected no build secrets {BUILDKIT_ONLY}",
        ),
        (
            {**DOCKER, "builder": "embedded"},
            f"builder: 'embedded', expected no buildx builder {BUILDKIT_ONLY}",
        ),
        (
            {**DOCKER, "cache": "gha"},
            f"cache: 'gha', expected a repository with a tag {BUILDKIT_ONLY}",
        ),
        (
            {**DOCKER, "on_preview": True},
            f"on_preview: True, expected no builds in previews {BUILDKIT_ONLY}",
        ),
    ],
)
def test_what_cannot_be_built_with_is_told(changes: dict[str, Any], expected: str) -> None:
    assert problems(**changes) == [expected]


def test_all_problems_are_told_at_once() -> None:
    found = problems(registry="", engine="docker", builder="x", platforms=["x"], cache="x", secrets={"!": "hidden"})
    assert [problem.partition(":")[0] for problem in found] == [
        *("registry", "platforms[0]", "cache", "secrets", "secrets", "builder"),
    ]
    assert "hidden" not in str(found)


def test_no_secret_is_in_the_repr() -> None:
    args = dataclasses.replace(PLAIN, secrets={"a": "hidden"}, credentials=credentials(password="hidden"))  # noqa: S106
    assert "hidden" not in repr(args)


@pytest.mark.parametrize(("engine", "package"), [("buildkit", "docker-build"), ("docker", "docker")])
def test_the_provider_is_that_of_the_engine(engine: Any, package: str) -> None:
    found = run(lambda: image_builder("builder", dataclasses.replace(PLAIN, engine=engine)))
    assert [resource.token for resource in found.resources] == [f"pulumi:providers:{package}"]


@pytest.mark.parametrize(
    ("address", "stored"),
    [
        (None, ""),
        ("unix:///run/user/1000/docker.sock", ""),
        ("tcp://10.0.0.1:2375", ""),
        ("ssh://me@host", "ssh://me@host"),
    ],
)
def test_the_stack_keeps_no_address_of_an_engine_that_another_machine_lacks(
    address: str | None, stored: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    if address:
        monkeypatch.setenv("DOCKER_HOST", address)
    found = run(lambda: image_builder("builder", dataclasses.replace(PLAIN, engine="docker")))
    assert found.resources[0].inputs["host"] == stored


def test_an_engine_that_cannot_build_is_told_by_its_field(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.images.docker_engine.problem", lambda: "a newer one")
    assert problems(**DOCKER) == ["engine: 'docker', expected a newer one; or use 'buildkit'"]
    assert problems() == []


def test_the_sdk_of_a_docker_engine_is_loaded_for_one_alone() -> None:
    loaded = "import sys, settings; print('pulumi_docker_build' in sys.modules, 'pulumi_docker' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", loaded], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["True", "False"]
