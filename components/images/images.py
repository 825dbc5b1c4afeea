"""The images of a stack that it does not build: upstream's by default, each to be overridden by key."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from ..core.names_and_quantities import shown
from ..core.problem import raise_if_invalid
from ..upstream.source import VERSION

DEFAULTS = {
    "modelmesh": f"kserve/modelmesh:{VERSION}",
    "modelmesh-controller": f"kserve/modelmesh-controller:{VERSION}",
    "modelmesh-runtime-adapter": f"kserve/modelmesh-runtime-adapter:{VERSION}",
    "rest-proxy": f"kserve/rest-proxy:{VERSION}",
    "etcd": "quay.io/coreos/etcd:v3.5.4",
    "kubectl": "registry.k8s.io/kubectl:v1.34.4",
    "triton": "nvcr.io/nvidia/tritonserver:23.04-py3",
    "mlserver": "seldonio/mlserver:1.3.2",
    "ovms": "openvino/model_server:2022.2",
    "torchserve": "pytorch/torchserve:0.7.1-cpu",
}

UNDEFAULTED = {"minio": "MinIO no longer publishes images; name a mirror or a build of your own"}
"""Keys without a default, and why."""

ServerType = Literal["triton", "mlserver", "ovms", "torchserve"]
SERVER_TYPES: tuple[ServerType, ...] = get_args(ServerType)
"""Model servers for which ModelMesh Serving brings an adapter and a runtime."""

_REGISTRY = r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(:\d+)?/"
_REF = re.compile(
    rf"(?P<name>({_REGISTRY})?[a-z0-9][a-z0-9._/-]*)(:(?P<tag>[\w][\w.-]{{0,127}}))?(@(?P<digest>sha256:[0-9a-f]{{64}}))?"
)
_PREFIX = re.compile(r"[a-z0-9][a-z0-9.-]*(:\d+)?(/[a-z0-9._-]+)*/?")


@dataclass(frozen=True)
class ImageRef:
    """One image reference in its parts; at least one of tag and digest is there, and the digest wins."""

    name: str
    tag: str
    digest: str

    def __str__(self) -> str:
        return self.name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    def as_config(self) -> dict[str, str]:
        """The form in ModelMesh Serving's config map, which takes the parts one by one."""
        parts = {"name": self.name, "tag": self.tag, "digest": self.digest}
        return {key: value for key, value in parts.items() if value}


@dataclass(frozen=True, kw_only=True)
class Images:
    """The image of every part."""

    modelmesh: ImageRef
    controller: ImageRef
    adapter: ImageRef
    rest_proxy: ImageRef
    etcd: ImageRef
    kubectl: ImageRef
    minio: ImageRef | None = None
    """None where nothing runs it."""
    servers: Mapping[str, ImageRef]
    """Of upstream's own runtimes, by the type of their model server."""

    @classmethod
    def of(cls, overrides: Mapping[str, object] | None = None, *, registry: str = "") -> "Images":
        """Take the default images, with other references for some of them.

        Args:
            overrides: references by key, such as `{"etcd": "registry.example.com/etcd:v3.5.4"}`. There is no default
                for `minio`, whose images are no longer published.
            registry: mirror that takes the place of the registry of every image that is not overridden.

        Raises:
            InvalidSpecError: an unknown key, or a reference that pins neither a tag nor a digest.
        """
        images, problems = resolve(overrides or {}, registry, with_minio=False)
        raise_if_invalid("Images", "images", problems)
        assert images
        return images


def parse_ref(text: str) -> ImageRef:
    """Splits a reference. Raises ValueError where it pins nothing: no digest, and no tag or `latest`."""
    match = _REF.fullmatch(text)
    tag, digest = (match["tag"] or "", match["digest"] or "") if match else ("", "")
    if not match or not (tag or digest) or (tag == "latest" and not digest):
        raise ValueError(
            f"{_quoted(text)} pins no image; expected repository:tag (not latest) or "
            "repository@sha256:<64 hex digits>, the repository without a scheme and in small letters"
        )
    return ImageRef(match["name"], tag, digest)


def promotion_problems(path: str, ref: str) -> Iterator[str]:
    """Complains unless the reference names an image by its digest, as one that was built and tried elsewhere is."""
    match = _REF.fullmatch(ref)
    if not match or not match["digest"]:
        yield f"{path}: {_quoted(ref)}, expected <repository>@sha256:<64 hex digits>"


def resolve(
    overrides: Mapping[str, object], registry_prefix: str = "", *, with_minio: bool = True
) -> tuple[Images | None, list[str]]:
    """The images with the overrides applied, or None and every problem found.

    `registry_prefix`, like mirror.example/hub, takes the place of the registry of every image that is not overridden.
    """
    known = [*DEFAULTS, *UNDEFAULTED]
    problems = [f"{key}: unknown image; known are {', '.join(known)}" for key in overrides if key not in known]
    if registry_prefix and not _PREFIX.fullmatch(registry_prefix):
        form = "<host>[:<port>][/<path>] without a scheme"
        problems.append(f"registry prefix: {shown(registry_prefix)}, expected {form}")
        registry_prefix = ""
    refs: dict[str, ImageRef] = {}
    for key in known:
        text = overrides.get(key, _mirrored(DEFAULTS[key], registry_prefix) if key in DEFAULTS else None)
        if text is None:
            problems += [f"{key}: missing; {UNDEFAULTED[key]}"] if with_minio else []
            continue
        try:
            refs[key] = parse_ref(str(text))
        except ValueError as problem:
            problems.append(f"{key}: {problem}")
    if problems:
        return None, problems
    images = Images(
        modelmesh=refs["modelmesh"],
        controller=refs["modelmesh-controller"],
        adapter=refs["modelmesh-runtime-adapter"],
        rest_proxy=refs["rest-proxy"],
        etcd=refs["etcd"],
        kubectl=refs["kubectl"],
        minio=refs.get("minio"),
        servers={server: refs[server] for server in SERVER_TYPES},
    )
    return images, []


def _quoted(text: str) -> str:
    return shown(text) if re.search(r"@(?!sha256:)", text) else repr(text)


def _mirrored(text: str, prefix: str) -> str:
    """The reference with another registry; one that names none means docker.io."""
    host, _, rest = text.partition("/")
    repository = rest if "." in host else text
    return f"{prefix.rstrip('/')}/{repository}" if prefix else text
