"""Both image builders, which get the same context, Dockerfile, arguments and platform."""

import re
from dataclasses import dataclass

import pulumi
import pulumi_docker_build as docker_build

from .build import GITHUB_CACHE, BuildArgs

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class BuildError(pulumi.RunError):
    """The image builder reported no digest."""


@dataclass(frozen=True, kw_only=True)
class StagedImage:
    """An image whose build context is staged on disk."""

    build: BuildArgs
    repository: str
    tag: str
    context: str
    """Folder of the build context, relative to the program."""

    @property
    def pushed(self) -> str:
        """Repository of the image, as used to pull it."""
        return f"{self.build.registry}/{self.repository}"

    @property
    def dockerfile(self) -> str:
        """Path of the Dockerfile, relative to the program."""
        return f"{self.context}/Dockerfile"

    @property
    def build_args(self) -> dict[str, str]:
        """Build arguments, including the time that BuildKit writes into images instead of the current one.

        With it the same inputs give the same digest, if the Dockerfile also sets the times of the files that it
        creates. It is an argument because both builders support that. BuildKit's `rewrite-timestamp` could set the
        files' times, but it compresses all layers at every build, and docker-build has no typed option for it.
        """
        return {"SOURCE_DATE_EPOCH": "0", **self.build.build_args}

    @property
    def cache(self) -> str:
        """Cache entry of this image, since images that share one would overwrite each other's layers."""
        own = self.repository.replace("/", "-")
        return own if self.build.cache == GITHUB_CACHE else f"{self.build.cache}-{own}"


def by_buildkit(name: str, image: StagedImage, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """Build and push the image with docker-build; the digest is unknown in a preview that does not build."""
    build, credentials = image.build, image.build.credentials
    name_and_tag = f"{image.pushed}:{image.tag}"
    # A refresh asks the registry for each tag, by https alone: with an insecure one it would try for three seconds, and
    # warn. It does not ask for the name of an export.
    names, tags = ([name_and_tag], None) if build.insecure else (None, [name_and_tag])
    export = docker_build.ExportRegistryArgs(names=names, insecure=build.insecure, oci_media_types=True)
    return docker_build.Image(
        name,
        # Written as an export: with the shorthand `push=True` the provider never builds in a preview.
        push=False,
        exports=[docker_build.ExportArgs(registry=export)],
        tags=tags,
        context=docker_build.BuildContextArgs(location=image.context),
        dockerfile=docker_build.DockerfileArgs(location=image.dockerfile),
        build_args=image.build_args,
        platforms=[docker_build.Platform(platform) for platform in build.platforms] or None,
        cache_from=[_cache_from(image)] if build.cache else None,
        cache_to=[_cache_to(image)] if build.cache else None,
        secrets=dict(build.secrets) or None,
        # Changed credentials do not change the image.
        ignore_secrets_in_diff_calculation=sorted(build.secrets) or None,
        registries=[
            docker_build.RegistryArgs(
                address=credentials.registry,
                username=pulumi.Output.secret(credentials.username),
                password=pulumi.Output.secret(credentials.password),
            )
        ]
        if credentials
        else None,
        builder=docker_build.BuilderConfigArgs(name=build.builder) if build.builder else None,
        build_on_preview=build.on_preview,
        opts=opts,
    ).digest


def by_docker(name: str, image: StagedImage, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """Build and push the image with a Docker engine; the digest is unknown in every preview that would build."""
    import pulumi_docker as docker  # noqa: PLC0415  takes a fifth of a second, and few programs need it

    build, credentials = image.build, image.build.credentials
    built = docker.Image(
        name,
        image_name=f"{image.pushed}:{image.tag}",
        build=docker.DockerBuildArgs(
            context=image.context,
            dockerfile=image.dockerfile,
            args=image.build_args,
            platform=build.platforms[0],
            cache_from=docker.CacheFromArgs(images=[image.cache]) if build.cache else None,
            # The engine's classic builder does not support the mounts of the Dockerfiles.
            builder_version=docker.BuilderVersion.BUILDER_BUILD_KIT,
        ),
        registry=docker.RegistryArgs(
            server=credentials.registry,
            username=pulumi.Output.secret(credentials.username),
            password=pulumi.Output.secret(credentials.password),
        )
        if credentials
        else None,
        build_on_preview=False,
        skip_push=False,
        opts=opts,
    )

    def digest(ref: str) -> str:
        # Before the digest there may be another repository to which the engine pushed the same image.
        found = ref.rpartition("@")[2]
        if not _DIGEST.fullmatch(found):
            raise BuildError(f"the Docker engine reports no digest of {image.pushed}:{image.tag}, but {ref!r}")
        return found

    return built.repo_digest.apply(digest)


def _cache_from(image: StagedImage) -> docker_build.CacheFromArgs:
    if image.build.cache == GITHUB_CACHE:
        return docker_build.CacheFromArgs(gha=docker_build.CacheFromGitHubActionsArgs(scope=image.cache))
    return docker_build.CacheFromArgs(registry=docker_build.CacheFromRegistryArgs(ref=image.cache))


def _cache_to(image: StagedImage) -> docker_build.CacheToArgs:
    mode = docker_build.CacheMode.MAX
    # A build must not fail because its cache cannot be written, as with read-only credentials.
    if image.build.cache == GITHUB_CACHE:
        gha = docker_build.CacheToGitHubActionsArgs(scope=image.cache, mode=mode, ignore_error=True)
        return docker_build.CacheToArgs(gha=gha)
    registry = docker_build.CacheToRegistryArgs(
        ref=image.cache,
        mode=mode,
        oci_media_types=True,
        image_manifest=True,  # the format that all registries accept
        ignore_error=True,
    )
    return docker_build.CacheToArgs(registry=registry)
