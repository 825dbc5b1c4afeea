"""Rules: images are pinned.

A tag can be pushed again, even between the starts of two pods of one runtime. Images that the stack builds or promotes
must therefore be referenced by digest. Upstream publishes its images by tag, for which violations are advisory.
"""

import re
from collections.abc import Iterator, Mapping
from functools import partial

from .policy import Policy, Setting, Settings
from .reading import Spec, at, text
from .resource import SERVING_CONFIG, Resource

_OWN = {"modelmesh:index:ServingRuntime", "modelmesh:index:ClusterServingRuntime", "modelmesh:index:ModelArtifact"}
"""Components that run images which the stack builds or promotes; resources nested deeper may run others."""
_CONFIGURED = (("modelMeshImage",), ("storageHelperImage",), ("restProxy", "image"))
"""Fields of ModelMesh Serving's configuration that name images of containers added by its controller."""
_REFERENCE = re.compile(r"(?P<repository>[^@\s]+?)(:(?P<tag>\w[\w.-]*))?(?P<digest>@sha256:[0-9a-f]{64})?")

_BY_TAG = Setting(
    description="Repositories whose images may be referenced by tag; a trailing / includes all repositories below"
)


def _pinned(resource: Resource, _: Settings) -> Iterator[str]:
    for path, image in _images(resource):
        reference = _REFERENCE.fullmatch(image)
        if not reference or not (reference["digest"] or reference["tag"] not in (None, "latest")):
            yield f"{path}: {image!r}, expected a digest, or a tag other than latest"


def _by_digest(resource: Resource, settings: Settings, *, own: bool, reason: str) -> Iterator[str]:
    if own is _OWN.isdisjoint(resource.components[-1:]):
        return
    for path, image in _images(resource):
        reference = _REFERENCE.fullmatch(image)
        repository = reference["repository"] if reference else ""
        let_pass = any(
            repository == name or (name[-1:] == "/" and image.startswith(name)) for name in settings["byTag"]
        )
        if not (let_pass or (reference and reference["digest"])):
            yield f"{path}: {image!r}, expected a digest: {reason}"


def _images(resource: Resource) -> Iterator[tuple[str, str]]:
    """Every known image as one string, with its path."""
    for path, container in resource.containers:
        if (image := text(container.get("image"))) is not None:
            yield f"{path}.image", image
    config = resource.serving_config or {}
    for place in _CONFIGURED:
        if at(config, *place[:-1], "enabled") is False:  # no container runs this image
            continue
        if isinstance(parts := at(config, *place), Mapping):
            yield ".".join((SERVING_CONFIG, *place)), _reference(parts)


def _reference(parts: Spec) -> str:
    """Reference composed of the separate fields in ModelMesh Serving's configuration."""
    tag, digest = at(parts, "tag"), at(parts, "digest")
    return f"{at(parts, 'name')}" + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")


IMAGES_PINNED = Policy(
    name="images-pinned",
    description="Every image has a digest or a tag, and no tag is called latest.",
    rule=_pinned,
)
OWN_IMAGES_BY_DIGEST = Policy(
    name="own-images-by-digest",
    description="Images that the stack builds or promotes are referenced by digest.",
    rule=partial(_by_digest, own=True, reason="the stack builds or promotes it"),
    settings={"byTag": _BY_TAG},
)
IMAGES_BY_DIGEST = Policy(
    name="images-by-digest",
    description="Images of other publishers are referenced by digest.",
    rule=partial(_by_digest, own=False, reason="a tag can be pushed again"),
    level="advisory",
    settings={"byTag": _BY_TAG},
)
