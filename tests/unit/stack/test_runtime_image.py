"""An image is the same whichever builder makes it, its reference always one by digest, and no secret in plain text."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest

from components.core.problem import InvalidSpecError
from components.images.build import BuildArgs, image_builder
from components.images.builders import BuildError
from components.images.pull_secret import RegistryCredentials
from components.images.runtime_image import BuiltImage, PromotedImage, RuntimeImage
from tests.unit.stack.engine import DIGEST, Resource, Run, run

BUILDKIT, DOCKER = "docker-build:index:Image", "docker:index/image:Image"
TOKENS = {"buildkit": BUILDKIT, "docker": DOCKER}
BUILD = BuildArgs(registry="registry.example/team")
CREDENTIALS = RegistryCredentials(registry="registry.example", username="hidden-user", password="hidden-password")  # noqa: S106
ENGINES = pytest.mark.parametrize("engine", ["buildkit", "docker"])


pytestmark = pytest.mark.usefixtures("docker_engine")
PLATFORM = ["linux/arm64"]


@pytest.fixture(autouse=True)
def in_workplace(workplace: Path) -> None:
    (workplace / "publisher/publish.py").write_text("print('published')\n")


def built(sources: dict[str, Path] | None = None, repository: str = "server", **changes: Any) -> BuiltImage:
    platforms = PLATFORM if changes.get("engine") == "docker" else []
    build = dataclasses.replace(BUILD, **{"platforms": platforms} | changes)
    return BuiltImage(build=build, sources=sources or {"": Path("runtime_src")}, repository=repository)


def made(image: BuiltImage | PromotedImage, *, preview: bool = False, **answers: Any) -> Run:
    """The image, and a Kubernetes object that mentions it."""

    def program() -> None:
        ref = RuntimeImage("runtime", image).ref
        kubernetes.core.v1.ConfigMap("mention", data={"ref": ref})
        pulumi.export("ref", ref)

    return run(program, preview=preview, **answers)


def resource(image: BuiltImage) -> Resource:
    return made(image).one(TOKENS[image.build.engine])


def what_is_built(image: Resource) -> dict[str, Any]:
    """The inputs that decide what an image is, by one name for both builders."""
    inputs = image.inputs
    if image.token == BUILDKIT:
        (platform,) = inputs.get("platforms", [None])
        return {
            "context": inputs["context"]["location"],
            "dockerfile": inputs["dockerfile"]["location"],
            "args": inputs["buildArgs"],
            "platform": platform,
            "pushed": inputs["tags"][0],
        }
    assert inputs["build"]["builderVersion"] == "BuilderBuildKit"
    keys = ("context", "dockerfile", "args", "platform")
    return {**{key: inputs["build"].get(key) for key in keys}, "pushed": inputs["imageName"]}


@pytest.mark.parametrize(
    "changes",
    [{"platforms": ["linux/amd64"]}, {"build_args": {"BASE_IMAGE": f"base@{DIGEST}"}, "platforms": ["linux/arm64"]}],
    ids=["plain", "arguments"],
)
@pytest.mark.parametrize(
    "sources",
    [{"": Path("runtime_src")}, {"": Path("publisher"), "root/artifact": Path(".build/models/sentiment")}],
    ids=["one", "two"],
)
def test_both_builders_build_the_same(changes: dict[str, Any], sources: dict[str, Path]) -> None:
    one, other = (what_is_built(resource(built(sources, engine=engine, **changes))) for engine in TOKENS)
    assert one == other
    assert re.fullmatch(r"\.build/context/runtime-[0-9a-f]{16}", one["context"])
    assert Path(one["dockerfile"]).is_file()
    assert one["args"] == {"SOURCE_DATE_EPOCH": "0", **changes.get("build_args", {})}
    assert [one["platform"]] == changes["platforms"]


@ENGINES
def test_the_reference_is_the_built_digest_in_our_repository(engine: Any) -> None:
    assert made(built(engine=engine)).outputs["ref"] == f"registry.example/team/server@{DIGEST}"


@pytest.mark.parametrize("reported", ["registry.example/team/server@<none>", "server:1", f"server@{DIGEST}0"])
def test_what_is_no_digest_is_an_error(reported: str) -> None:
    with pytest.raises(BuildError, match="Docker engine reports no digest of"):
        made(built(engine="docker"), repo_digest=reported)


@ENGINES
def test_the_reference_is_unknown_where_a_preview_does_not_build(engine: Any) -> None:
    found = made(built(engine=engine), preview=True, builds=False)
    assert found.outputs["ref"] is None
    assert "registry.example" not in str(found.one("kubernetes:core/v1:ConfigMap").inputs)


@ENGINES
def test_a_preview_pushes_nothing_and_an_update_does(engine: Any) -> None:
    image = resource(built(engine=engine))
    if engine == "buildkit":
        assert image.inputs["push"] is False
        assert [*image.inputs["exports"][0]] == ["registry"]
    else:
        assert image.inputs["skipPush"] is False
    assert image.inputs["buildOnPreview"] is False


def test_a_preview_builds_where_that_is_wanted() -> None:
    assert resource(built(on_preview=True)).inputs["buildOnPreview"] is True


@ENGINES
def test_images_stay_in_the_registry(engine: Any) -> None:
    assert resource(built(engine=engine)).retained


@ENGINES
def test_the_tag_is_that_of_all_that_goes_in(engine: Any) -> None:
    def tag(**changes: Any) -> str:
        return str(what_is_built(resource(built(engine=engine, **changes)))["pushed"])

    before = tag()
    assert re.fullmatch("registry.example/team/server:[0-9a-f]{16}", before)
    assert tag() == before
    # An older image of another base keeps its tag, and with it its place in the registry.
    assert len({before, tag(build_args={"BASE_IMAGE": "base"}), tag(platforms=["linux/amd64"])}) == 3
    Path("runtime_src/server.py").write_text(f"print('changed for {engine}')\n")
    assert tag() != before


def test_each_source_is_staged_in_its_folder_by_its_own_allow_list() -> None:
    image = resource(built({"": Path("publisher"), "artifact": Path("runtime_src")}))
    context = Path(what_is_built(image)["context"])
    staged = sorted(path.relative_to(context).as_posix() for path in context.rglob("*") if path.is_file())
    assert staged == ["Dockerfile", "artifact/Dockerfile", "artifact/server.py", "publish.py"]


def test_nothing_is_said_of_what_is_not_set() -> None:
    image = resource(built())
    absent = {"platforms", "cacheFrom", "cacheTo", "secrets", "registries", "builder", "ignoreSecretsInDiffCalculation"}
    assert not absent & image.inputs.keys()
    image = resource(built(engine="docker"))
    assert "registry" not in image.inputs
    assert "cacheFrom" not in image.inputs["build"]


def test_buildkit_is_told_all_of_it() -> None:
    inputs = resource(
        built(insecure=True, builder="embedded", platforms=["linux/amd64", "linux/arm64"], build_args={"JOBS": "2"})
    ).inputs
    assert inputs["exports"] == [{"registry": inputs["exports"][0]["registry"]}]
    assert inputs["exports"][0]["registry"]["insecure"] is True
    assert inputs["builder"] == {"name": "embedded"}
    assert inputs["platforms"] == ["linux/amd64", "linux/arm64"]
    assert inputs["buildArgs"] == {"SOURCE_DATE_EPOCH": "0", "JOBS": "2"}


def test_a_refresh_looks_images_up_only_where_it_can() -> None:
    # The provider looks up tags, by https. The names of an export are pushed just the same.
    pushed = r"registry\.example/team/server:[0-9a-f]{16}"
    inputs = resource(built()).inputs
    assert re.fullmatch(pushed, *inputs["tags"])
    assert "names" not in inputs["exports"][0]["registry"]
    inputs = resource(built(insecure=True)).inputs
    assert re.fullmatch(pushed, *inputs["exports"][0]["registry"]["names"])
    assert "tags" not in inputs


def test_layers_are_cached_in_a_registry_with_all_that_every_registry_takes() -> None:
    inputs = resource(built(repository="models/sentiment", cache="ghcr.io/team/cache:main")).inputs
    assert inputs["cacheFrom"] == [{"registry": {"ref": "ghcr.io/team/cache:main-models-sentiment"}}]
    (written,) = inputs["cacheTo"]
    expected = {"mode": "max", "ociMediaTypes": True, "imageManifest": True, "ignoreError": True}
    assert expected.items() <= written["registry"].items()
    assert written["registry"]["ref"] == inputs["cacheFrom"][0]["registry"]["ref"]


def test_layers_are_cached_by_github_actions() -> None:
    inputs = resource(built(cache="gha")).inputs
    assert inputs["cacheFrom"] == [{"gha": {"scope": "server"}}]
    assert inputs["cacheTo"] == [{"gha": {"scope": "server", "mode": "max", "ignoreError": True}}]


def test_a_docker_engine_reads_the_cache() -> None:
    inputs = resource(built(engine="docker", cache="ghcr.io/team/cache:main")).inputs
    assert inputs["build"]["cacheFrom"] == {"images": ["ghcr.io/team/cache:main-server"]}
    assert inputs["build"]["args"] == {"SOURCE_DATE_EPOCH": "0"}


def test_two_images_have_a_cache_each() -> None:
    entries = {
        resource(built(repository=repository, cache=cache)).inputs["cacheFrom"][0].popitem()[1].popitem()[1]
        for repository in ("server", "models/sentiment")
        for cache in ("gha", "ghcr.io/team/cache:main")
    }
    assert len(entries) == 4


def test_build_secrets_are_mounted_by_id_and_are_secret_but_not_the_digest() -> None:
    found = made(built(secrets={"pip-index-url": "hidden-url", "proxy-ca": "hidden-ca"}))
    image, mention = found.one(BUILDKIT), found.one("kubernetes:core/v1:ConfigMap")
    assert image.inputs["secrets"] == {"pip-index-url": "hidden-url", "proxy-ca": "hidden-ca"}
    assert set(image.secrets) == {"hidden-url", "hidden-ca"}
    assert not any("hidden" in text for text in image.plain)
    assert f"registry.example/team/server@{DIGEST}" in mention.plain
    assert mention.secrets == ()


def test_another_value_of_a_build_secret_alone_builds_nothing() -> None:
    image = resource(built(secrets={"proxy-ca": "x", "pip-index-url": "y"}))
    assert image.inputs["ignoreSecretsInDiffCalculation"] == ["pip-index-url", "proxy-ca"]


@pytest.mark.parametrize(
    ("engine", "key", "host"), [("buildkit", "registries", "address"), ("docker", "registry", "server")]
)
def test_credentials_are_secret_but_not_the_digest(engine: Any, key: str, host: str) -> None:
    found = made(built(engine=engine, credentials=CREDENTIALS))
    image, mention = found.one(TOKENS[engine]), found.one("kubernetes:core/v1:ConfigMap")
    entry = image.inputs[key][0] if engine == "buildkit" else image.inputs[key]
    assert entry == {host: "registry.example", "username": "hidden-user", "password": "hidden-password"}
    assert set(image.secrets) == {"hidden-user", "hidden-password"}
    assert not any("hidden" in text for text in image.plain)
    assert f"registry.example/team/server@{DIGEST}" in mention.plain
    assert mention.secrets == ()


def test_a_promoted_image_is_taken_as_it_is() -> None:
    ref = f"registry.example/team/server@{DIGEST}"
    found = made(PromotedImage(ref=ref), preview=True, builds=False)
    assert found.outputs["ref"] == ref
    assert [image.token for image in found.resources if "RuntimeImage" in image.urn] == ["modelmesh:index:RuntimeImage"]


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (
            PromotedImage(ref="team/server:1"),
            "ref: 'team/server:1', expected <repository>@sha256:<64 hex digits>",
        ),
        (
            PromotedImage(ref="team/server@sha256:12"),
            "ref: 'team/server@sha256:12', expected <repository>@sha256:<64 hex digits>",
        ),
        (PromotedImage(ref=""), "ref: '', expected <repository>@sha256:<64 hex digits>"),
        (
            PromotedImage(ref=f"https://me:hidden@x/y@{DIGEST}"),
            "ref: (not shown), expected <repository>@sha256:<64 hex digits>",
        ),
        (
            built(platforms=["arm64"]),
            "build.platforms[0]: 'arm64', expected <os>/<arch>[/<variant>], like linux/arm64",
        ),
        (
            built(repository="Server"),
            "repository: 'Server', expected lower-case letters, digits, ., _ and - between /",
        ),
        (
            built({"artifact": Path("runtime_src")}),
            'sources[""]: missing, expected the folder for the root of the build context',
        ),
        *(
            (
                built({"": Path("runtime_src"), folder: Path("runtime_src")}),
                f"sources: {folder!r}, expected folders inside the build context",
            )
            for folder in ("/artifact", "a/../../b")
        ),
    ],
)
def test_what_is_no_image_is_refused_before_anything_is_registered(
    image: BuiltImage | PromotedImage, expected: str
) -> None:
    def program() -> None:
        with pytest.raises(InvalidSpecError) as raised:
            RuntimeImage("runtime", image)
        assert [str(problem) for problem in raised.value.problems] == [expected]

    assert run(program).resources == []


def test_sources_that_cannot_be_used_are_refused_before_anything_is_registered(tmp_path: Path) -> None:
    def program() -> None:
        (tmp_path / "server.py").touch()
        with pytest.raises(InvalidSpecError, match="no Dockerfile"):
            RuntimeImage("runtime", built({"": tmp_path}))

    assert run(program).resources == []


@ENGINES
def test_every_image_is_built_by_the_provider_of_its_engine(engine: Any) -> None:
    image = built(engine=engine)

    def program() -> None:
        opts = pulumi.ResourceOptions(providers=[image_builder("builder", image.build)])
        RuntimeImage("runtime", image, opts)

    assert "::builder::" in run(program).one(TOKENS[engine]).provider
