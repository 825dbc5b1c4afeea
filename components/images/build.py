"""Settings of image builds: with BuildKit, or with a Docker engine if there is no BuildKit.

Both push the image and return its digest. Options that only BuildKit supports are errors with a Docker engine.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import pulumi
import pulumi_docker_build as docker_build

from ..core.names_and_quantities import choice_problems, duplicate_problems
from ..core.problem import ROOT, Problem
from . import docker_engine
from .images import parse_ref
from .pull_secret import RegistryCredentials

Engine = Literal["buildkit", "docker"]
GITHUB_CACHE = "gha"

# A first part without a dot or a port would be taken for a path on Docker Hub.
_REGISTRY = re.compile(
    r"(?=localhost(/|$)|[^/]*[.:])([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(:\d+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"
)
_REGISTRY_FORM = "<host>[:<port>][/<path>] without a scheme, its host with a dot or port, like registry.example.com/ml"
_PLATFORM = re.compile(r"[a-z0-9]+/[a-z0-9_]+(/[a-z0-9]+)?")
_BUILDKIT_PLATFORMS = tuple(platform.value for platform in docker_build.Platform)
"""Platforms without a variant; the provider accepts variants, but its Python SDK fails on them."""
_SECRET_ID = re.compile(r"[A-Za-z0-9_.-]+")
_URL_USER = re.compile(r"://[^/\s]*@")


@dataclass(frozen=True, kw_only=True)
class BuildArgs:
    """Settings of image builds and of the registry for built images."""

    registry: str
    """Host and optional path that images are pushed to; both the builder and the cluster's nodes use this name."""
    insecure: bool = False
    """Push over plain http. A Docker engine ignores this and uses its own settings."""
    engine: Engine = "buildkit"
    """`buildkit`, or `docker` on a machine with a Docker engine (24 or newer) and no buildx builder."""
    builder: str | None = None
    """Name of the buildx builder; None means the default builder."""
    on_preview: bool = False
    """Build in previews too; a preview never pushes."""
    build_args: Mapping[str, str] = field(default_factory=dict)
    """Build arguments by name. They stay in the image's history, so they must not hold secrets."""
    platforms: Sequence[str] = ()
    """Platforms like linux/arm64; empty means the builder's own. A Docker engine needs exactly one."""
    cache: str = ""
    """Layer cache that machines share: a repository with a tag, or `gha` for the cache of GitHub Actions.

    Each image has a separate entry there. BuildKit reads and writes it, in previews that build too; a cache that cannot
    be written does not fail the build. A Docker engine only reads it.
    """
    secrets: Mapping[str, pulumi.Input[str]] = field(default_factory=dict, repr=False)
    """Build secrets by the id under which a Dockerfile mounts them. A changed value alone does not cause a build."""
    credentials: RegistryCredentials | None = None
    """Credentials for the registry; None means those of the machine."""

    def problems(self) -> Iterator[Problem]:
        """Checks the arguments for the chosen engine."""
        yield from choice_problems(ROOT / "engine", self.engine, get_args(Engine))
        if not _REGISTRY.fullmatch(self.registry):
            yield Problem(ROOT / "registry", self.registry, _REGISTRY_FORM)
        for index, platform in enumerate(self.platforms):
            if not _PLATFORM.fullmatch(platform):
                yield Problem(ROOT / "platforms" / index, platform, "<os>/<arch>[/<variant>], like linux/arm64")
            elif self.engine == "buildkit" and platform not in _BUILDKIT_PLATFORMS:
                known = f"one that docker-build knows: {', '.join(_BUILDKIT_PLATFORMS)}"
                yield Problem(ROOT / "platforms" / index, platform, known)
        yield from duplicate_problems(ROOT / "platforms", self.platforms)
        if self.cache not in ("", GITHUB_CACHE) and not _is_cache(self.cache):
            form = f"<host>/<repository>:<tag> (not latest) or {GITHUB_CACHE}"
            yield Problem(ROOT / "cache", self.cache, form)
        for key, argument in self.build_args.items():
            if _URL_USER.search(argument):
                place = "a URL without a user, since build arguments stay in the image; use a build secret for it"
                yield Problem(ROOT / "build_args" / key, argument, place)
        for key, value in self.secrets.items():
            if not _SECRET_ID.fullmatch(key):
                yield Problem(ROOT / "secrets", key, "ids of letters, digits, _, . and -")
            elif value == "":
                yield Problem(ROOT / "secrets" / key, value, "some text")
        if self.credentials:
            yield from _credentials_problems(self.credentials, self.registry)
        if self.engine == "docker":
            yield from self._docker_problems()

    def _docker_problems(self) -> Iterator[Problem]:
        """Checks for options that only BuildKit supports."""
        if len(self.platforms) != 1:
            # Without one, pulumi-docker takes that of this machine, which may not be the engine's or the nodes'.
            expected = "exactly one platform with engine 'docker', that of the cluster's nodes, like linux/amd64"
            yield Problem(ROOT / "platforms", list(self.platforms), expected)
        if reason := docker_engine.problem():
            yield Problem(ROOT / "engine", self.engine, f"{reason}; or use 'buildkit'")
        unsupported = [
            ("secrets", list(self.secrets), bool(self.secrets), "no build secrets"),
            ("builder", self.builder, bool(self.builder), "no buildx builder"),
            ("cache", self.cache, self.cache == GITHUB_CACHE, "a repository with a tag"),
            ("on_preview", self.on_preview, self.on_preview, "no builds in previews"),
        ]
        for name, given, wrong, expected in unsupported:
            if wrong:
                yield Problem(ROOT / name, given, f"{expected} with engine 'docker'; 'buildkit' supports it")


def image_builder(name: str, build: BuildArgs) -> pulumi.ProviderResource:
    """The provider for RuntimeImage and ModelArtifact; pass it among their `providers`."""
    if build.engine == "buildkit":
        return docker_build.Provider(name)
    import pulumi_docker as docker  # noqa: PLC0415  takes a fifth of a second, and few programs need it

    # The provider finds a local engine itself. Without a value, the SDK stores DOCKER_HOST in the stack's state, and
    # previews on another machine show a change.
    host = os.environ.get("DOCKER_HOST", "")
    return docker.Provider(name, host=host if host.startswith("ssh://") else "")


def _is_cache(text: str) -> bool:
    ref = parse_ref(text)
    return bool(ref and not ref.digest and "/" in ref.name and _REGISTRY.fullmatch(ref.name))


def _credentials_problems(credentials: RegistryCredentials, registry: str) -> Iterator[Problem]:
    path, (own, host) = ROOT / "credentials", (text.partition("/")[0] for text in (credentials.registry, registry))
    if own != host:
        yield Problem(path / "registry", own, "the host of the registry that images are pushed to")
    for key in ("username", "password"):
        if getattr(credentials, key) == "":
            yield Problem(path / key, "", "some text")
