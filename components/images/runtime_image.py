"""An image in a registry, identified by its digest: built from source, or promoted from another stack.

Nothing is ever deleted from the registry: other stacks and running pods may use the same digest.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pulumi

from ..core.component import Component
from ..core.problem import MISSING, ROOT, Problem, Text, raise_if_invalid
from . import content
from .build import BuildArgs
from .builders import StagedImage, by_buildkit, by_docker
from .images import digest_problems

_CONTEXTS = Path(".build/context")
"""Build contexts, relative to the program, so that a stack's state is the same from every checkout."""
_REPOSITORY = re.compile(r"[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*")


@dataclass(frozen=True, kw_only=True)
class PromotedImage:
    """An image that another stack has built."""

    ref: str
    """Reference as `<repository>@sha256:…`, from the output of the stack that built the image."""

    def problems(self) -> Iterator[Problem]:
        """Checks that the reference has a digest."""
        yield from digest_problems(ROOT / "ref", self.ref)


@dataclass(frozen=True, kw_only=True)
class BuiltImage:
    """An image to build and push."""

    build: BuildArgs
    sources: Mapping[str, Path | str]
    """Source folders by their place in the build context; the one at `""`, the root, has the Dockerfile."""
    repository: str
    """Name of the repository below the registry."""

    def problems(self) -> Iterator[Problem]:
        """Checks the build, the name and the source folders."""
        yield from (problem.under("build") for problem in self.build.problems())
        if not _REPOSITORY.fullmatch(self.repository):
            yield Problem(ROOT / "repository", self.repository, "lower-case letters, digits, ., _ and - between /")
        if "" not in self.sources:
            yield Problem(ROOT / "sources" / "", MISSING, "the folder for the root of the build context")
        for folder in self.sources:
            if PurePosixPath(folder).is_absolute() or ".." in PurePosixPath(folder).parts:
                yield Problem(ROOT / "sources", folder, "folders inside the build context")
        if "" in self.sources:
            try:
                content.context(self.sources)
            except content.SourceError as error:
                yield Problem(ROOT / "sources", Text(str(error)), "folders with the files of the image")


class RuntimeImage(Component):
    """An image in the registry. A promoted one creates no resources."""

    ref: pulumi.Output[str]
    """Reference as `<repository>@sha256:…`; unknown in a preview that would have to build the image."""

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
    # Credentials and build secrets make all outputs secret; a digest reveals none of them and must show in diffs.
    digest = pulumi.Output.unsecret(builder(name, staged, child))
    return digest.apply(lambda digest: f"{staged.pushed}@{digest}")


def _tag(build: BuildArgs, files: dict[str, Path]) -> str:
    """A tag that keeps the registry from collecting the image: a hash of everything that went into it."""
    how = json.dumps({"arguments": dict(build.build_args), "platforms": [*build.platforms]}, sort_keys=True)
    return content.digest(files, {"/how": how.encode()}).removeprefix("sha256:")[:16]
