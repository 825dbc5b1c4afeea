"""An image in a registry, known by its digest: built from source here, or taken as another stack built and tried it.

Nothing is ever deleted from the registry: other stacks and running pods may use the same digest.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pulumi

from ..core.component import Component
from ..core.names_and_quantities import shown
from ..core.problem import raise_if_invalid
from . import content
from .build import BuildArgs
from .builders import StagedImage, by_buildkit, by_docker
from .images import promotion_problems

_CONTEXTS = Path(".build/context")
"""Relative to the program, so that a stack's state is the same from every checkout."""
_REPOSITORY = re.compile(r"[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*")


@dataclass(frozen=True, kw_only=True)
class PromotedImage:
    """An image that is there already."""

    ref: str
    """`<repository>@sha256:…`, as the stack that built it says."""

    def problems(self) -> Iterator[str]:
        """What names no single image."""
        yield from promotion_problems("ref", self.ref)


@dataclass(frozen=True, kw_only=True)
class BuiltImage:
    """An image to build and push."""

    build: BuildArgs
    sources: Mapping[str, Path | str]
    """Folders by where they go in the build context: `""` is its root, in which the Dockerfile has to be."""
    repository: str
    """Its name below the registry."""

    def problems(self) -> Iterator[str]:
        """What could not be built; whether the folders can be used shows when they are read."""
        yield from (f"build.{problem}" for problem in self.build.problems())
        if not _REPOSITORY.fullmatch(self.repository):
            yield f"repository: {shown(self.repository)}, expected small letters, digits, ., _ and - between /"
        if "" not in self.sources:
            yield "sources: no folder for the root of the build context, expected one by the name ''"
        for folder in self.sources:
            if PurePosixPath(folder).is_absolute() or ".." in PurePosixPath(folder).parts:
                yield f"sources: {folder!r}, expected a folder inside the build context"


class RuntimeImage(Component):
    """An image in the registry; one that was promoted makes nothing."""

    ref: pulumi.Output[str]
    """`<repository>@sha256:…`; unknown in a preview that would have to build it."""

    def __init__(self, name: str, args: BuiltImage | PromotedImage, opts: pulumi.ResourceOptions | None = None) -> None:
        raise_if_invalid("RuntimeImage", name, args.problems())
        files = content.context(args.sources) if isinstance(args, BuiltImage) else {}
        super().__init__("modelmesh:index:RuntimeImage", name, {}, opts)
        if isinstance(args, PromotedImage):
            self.ref = pulumi.Output.from_input(args.ref)
        else:
            self.ref = _built(name, args, files, pulumi.ResourceOptions(parent=self, retain_on_delete=True))
        self.register_outputs({"ref": self.ref})


def _built(name: str, image: BuiltImage, files: dict[str, Path], child: pulumi.ResourceOptions) -> pulumi.Output[str]:
    staged = StagedImage(
        build=image.build,
        repository=image.repository,
        tag=_tag(image.build, files),
        context=content.stage(files, _CONTEXTS, name).as_posix(),
    )
    builder = by_docker if image.build.engine == "docker" else by_buildkit
    # Credentials and build secrets make all outputs secret; a digest tells none of them, and diffs have to show it.
    digest = pulumi.Output.unsecret(builder(name, staged, child))
    return digest.apply(lambda digest: f"{staged.pushed}@{digest}")


def _tag(build: BuildArgs, files: dict[str, Path]) -> str:
    """It keeps the image in its registry, where other stacks may run it. It names all that went in, and never moves."""
    how = json.dumps({"arguments": dict(build.build_args), "platforms": [*build.platforms]}, sort_keys=True)
    return content.digest(files, {"/how": how.encode()}).removeprefix("sha256:")[:16]
