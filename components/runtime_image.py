"""Builds an image with BuildKit and pushes it; what comes out is a reference by digest.

No Docker engine is used, credentials are the machine's own, and nothing is ever deleted from the registry: other stacks
and running pods may use the same digest.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pulumi
import pulumi_docker_build as docker_build

from . import content

_CONTEXTS = Path(".build/context")
"""Relative to the program, so that a stack's state is the same from every checkout."""


@dataclass(frozen=True, kw_only=True)
class BuildArgs:
    """How and where to a stack builds its images."""

    registry: str
    """Host and path before the repository's name, as both the builder and the cluster's nodes know it."""
    insecure: bool
    """The registry speaks plain http."""
    builder: str | None
    """Name of the buildx builder; None takes the default one."""
    on_preview: bool
    """Previews build, too (and never push)."""
    build_args: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RuntimeImageArgs:
    """What to build: `source` is a folder with a Dockerfile, or without one if `dockerfile` lies in a named context."""

    build: BuildArgs
    source: Path
    repository: str
    named_sources: Mapping[str, Path] = field(default_factory=dict)
    """Further folders, by the name under which the Dockerfile copies from them."""
    dockerfile_in: str | None = None
    """The named source that holds the Dockerfile."""


class RuntimeImage(pulumi.ComponentResource):
    """An image in the registry."""

    ref: pulumi.Output[str]
    """`<registry>/<repository>@sha256:…`; unknown in a preview that would have to build it."""

    def __init__(self, name: str, args: RuntimeImageArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        main = content.files(args.source)
        named = {key: content.files(folder) for key, folder in args.named_sources.items()}
        super().__init__("modelmesh:index:RuntimeImage", name, {}, opts)
        location = _staged(name, main)
        contexts = {key: _staged(f"{name}-{key}", files) for key, files in named.items()}
        repository = f"{args.build.registry}/{args.repository}"
        image = docker_build.Image(
            name,
            # Spelt as an export: with the shorthand `push=True` the provider never builds in a preview.
            push=False,
            exports=[
                docker_build.ExportArgs(
                    registry=docker_build.ExportRegistryArgs(insecure=args.build.insecure, oci_media_types=True)
                )
            ],
            # Registries drop what has no tag; a tag per content never moves.
            tags=[f"{repository}:{_tag(main, named)}"],
            context=docker_build.BuildContextArgs(
                location=location,
                named={key: docker_build.ContextArgs(location=path) for key, path in contexts.items()},
            ),
            dockerfile=docker_build.DockerfileArgs(
                location=f"{contexts[args.dockerfile_in] if args.dockerfile_in else location}/Dockerfile"
            ),
            build_args=dict(args.build.build_args),
            builder=docker_build.BuilderConfigArgs(name=args.build.builder) if args.build.builder else None,
            build_on_preview=args.build.on_preview,
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
        )
        self.ref = image.digest.apply(lambda digest: f"{repository}@{digest}")
        self.register_outputs({"ref": self.ref})


def _staged(name: str, files: dict[str, bytes]) -> str:
    target = _CONTEXTS / name
    content.stage(files, target)
    return target.as_posix()


def _tag(main: dict[str, bytes], named: Mapping[str, dict[str, bytes]]) -> str:
    everything = {f"{key}/{path}": data for key, files in {"": main, **named}.items() for path, data in files.items()}
    return content.digest(everything).removeprefix("sha256:")[:16]
