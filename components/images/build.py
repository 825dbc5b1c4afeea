"""How and where a stack builds its images: by BuildKit, or by a Docker engine where there is nothing else.

Both push what they build, and nothing but a digest comes out of either. What the one can do and the other can't is
refused here, with what to do instead.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import pulumi
import pulumi_docker as docker
import pulumi_docker_build as docker_build

from ..core.names_and_quantities import choice_problems, duplicate_problems, shown
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
"""Without variants: the provider would take them, but its Python SDK fails on them."""
_SECRET_ID = re.compile(r"[A-Za-z0-9_.-]+")
_URL_USER = re.compile(r"://[^/\s]*@")


@dataclass(frozen=True, kw_only=True)
class BuildArgs:
    """How and where a stack builds its images."""

    registry: str
    """Host and path before the repository's name, as both the builder and the cluster's nodes know it."""
    insecure: bool = False
    """The registry speaks plain http; a Docker engine goes by its own settings instead."""
    engine: Engine = "buildkit"
    """`docker` is for machines with a Docker engine and no buildx builder."""
    builder: str | None = None
    """Name of the buildx builder; None takes the default one."""
    on_preview: bool = False
    """Previews build, too (and never push an image)."""
    build_args: Mapping[str, str] = field(default_factory=dict)
    """Kept in an image's history: nothing secret."""
    platforms: Sequence[str] = ()
    """Like linux/arm64; none leaves it to the builder."""
    cache: str = ""
    """Where layers are kept between machines: a repository with a tag, `gha` for that of GitHub Actions, or nowhere.

    Each image has an entry of its own there. BuildKit reads and writes it, also in previews that build; one that can't
    be written fails no build. A Docker engine only reads it.
    """
    secrets: Mapping[str, pulumi.Input[str]] = field(default_factory=dict, repr=False)
    """By the id under which a Dockerfile mounts them; a new value alone is no reason to build again."""
    credentials: RegistryCredentials | None = None
    """Of the registry; None takes the machine's own."""

    def problems(self) -> Iterator[str]:
        """What nothing could be built with."""
        yield from choice_problems("engine", self.engine, get_args(Engine))
        if not _REGISTRY.fullmatch(self.registry):
            yield f"registry: {shown(self.registry)}, expected {_REGISTRY_FORM}"
        for index, platform in enumerate(self.platforms):
            if not _PLATFORM.fullmatch(platform):
                yield f"platforms[{index}]: {shown(platform)}, expected <os>/<arch>[/<variant>], like linux/arm64"
            elif self.engine == "buildkit" and platform not in _BUILDKIT_PLATFORMS:
                yield f"platforms[{index}]: {platform!r}, expected one that docker-build knows, like linux/arm64"
        yield from duplicate_problems("platforms", self.platforms)
        if self.cache not in ("", GITHUB_CACHE) and not _is_cache(self.cache):
            form = "<host>/<repository>:<tag> (not latest)"
            yield f"cache: {shown(self.cache)}, expected {form} or {GITHUB_CACHE}"
        for key, argument in self.build_args.items():
            if _URL_USER.search(argument):
                yield f"build_args.{key}: a URL with a user, which stays in the image; expected it among secrets"
        for key, value in self.secrets.items():
            if not _SECRET_ID.fullmatch(key):
                yield f"secrets: id {shown(key)}, expected letters, digits, _, . and - only"
            elif isinstance(value, str) and not value:
                yield f"secrets.{key}: empty, expected some text"
        if self.credentials:
            yield from _credentials_problems(self.credentials, self.registry)
        if self.engine == "docker":
            yield from self._docker_problems()

    def _docker_problems(self) -> Iterator[str]:
        if len(self.platforms) > 1:
            several = ", ".join(map(shown, self.platforms))
            yield f"platforms: {several}, expected one at most of a Docker engine; BuildKit takes several"
        if self.secrets:
            ids = ", ".join(map(shown, self.secrets))
            yield f"secrets: {ids}, expected none of a Docker engine, which is given no way to them; BuildKit is"
        if self.builder:
            yield f"builder: {shown(self.builder)}, expected none of a Docker engine; BuildKit is reached by one"
        if self.cache == GITHUB_CACHE:
            yield f"cache: {GITHUB_CACHE!r}, expected a repository with a tag of a Docker engine; BuildKit knows it"
        if self.on_preview:
            yield "on_preview: True, expected False of a Docker engine, whose previews know no digest; BuildKit's do"


def image_builder(name: str, build: BuildArgs) -> pulumi.ProviderResource:
    """The provider that builds a stack's images, to be among the providers of whatever has an image."""
    return docker.Provider(name) if build.engine == "docker" else docker_build.Provider(name)


def _is_cache(text: str) -> bool:
    try:
        ref = parse_ref(text)
    except ValueError:
        return False
    return bool(ref.tag and not ref.digest and "/" in ref.name and _REGISTRY.fullmatch(ref.name))


def _credentials_problems(credentials: RegistryCredentials, registry: str) -> Iterator[str]:
    mine, host = (text.partition("/")[0] for text in (credentials.registry, registry))
    if mine != host:
        yield f"credentials.registry: {shown(mine)}, expected that of the registry, {shown(host)}"
    for key in ("username", "password"):
        if getattr(credentials, key) == "":
            yield f"credentials.{key}: empty, expected some text"
