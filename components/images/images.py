"""Images that a stack does not build: upstream's by default, each replaceable by its key."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Self, get_args

from ..core.problem import ROOT, FieldPath, Problem, raise_if_invalid
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

ServerType = Literal["triton", "mlserver", "ovms", "torchserve"]
SERVER_TYPES: tuple[ServerType, ...] = get_args(ServerType)
"""Model servers for which ModelMesh Serving has an adapter and a built-in runtime."""

_REGISTRY = r"([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(:\d+)?/"
_REF = re.compile(
    rf"(?P<name>({_REGISTRY})?[a-z0-9][a-z0-9._/-]*)(:(?P<tag>[\w][\w.-]{{0,127}}))?(@(?P<digest>sha256:[0-9a-f]{{64}}))?"
)
_PREFIX = re.compile(r"[a-z0-9][a-z0-9.-]*(:\d+)?(/[a-z0-9._-]+)*/?")


_REF_FORM = "repository:tag (not latest) or repository@sha256:<64 hex digits>, without a scheme and in lower case"


@dataclass(frozen=True)
class ImageRef:
    """An image reference in its parts. It has a tag, a digest or both; the digest wins."""

    name: str
    tag: str
    digest: str

    def __str__(self) -> str:
        return self.name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    def as_config(self) -> dict[str, str]:
        """The form in ModelMesh Serving's config map: a mapping of the parts."""
        parts = {"name": self.name, "tag": self.tag, "digest": self.digest}
        return {key: value for key, value in parts.items() if value}


@dataclass(frozen=True, kw_only=True)
class Images:
    """The images of an installation and its stores."""

    modelmesh: ImageRef
    controller: ImageRef
    adapter: ImageRef
    rest_proxy: ImageRef
    etcd: ImageRef
    kubectl: ImageRef
    minio: ImageRef | None = None
    """Image of MinIO; upstream publishes none any more, so it has no default."""
    servers: Mapping[str, ImageRef]
    """Images of upstream's built-in runtimes, by model server."""

    @classmethod
    def of(cls, overrides: Mapping[str, str] | None = None, *, registry: str = "") -> Self:
        """Upstream's images, with some replaced.

        Args:
            overrides: References by key; the keys are those of `DEFAULTS`, and `minio`.
            registry: Host and optional path of a mirror, like mirror.example/hub, for all images that are not replaced.

        Raises:
            InvalidSpecError: A key is unknown, or a reference or the registry has another form.
        """
        given = overrides or {}
        raise_if_invalid("Images", "upstream", _problems(given, registry))
        found = {key: ref for key, text in {**_mirrored(registry), **given}.items() if (ref := parse_ref(text))}
        return cls(
            modelmesh=found["modelmesh"],
            controller=found["modelmesh-controller"],
            adapter=found["modelmesh-runtime-adapter"],
            rest_proxy=found["rest-proxy"],
            etcd=found["etcd"],
            kubectl=found["kubectl"],
            minio=found.get("minio"),
            servers={server: found[server] for server in SERVER_TYPES},
        )


def parse_ref(text: str) -> ImageRef | None:
    """The reference in its parts; None if it pins no image: no digest, and either no tag or `latest`."""
    match = _REF.fullmatch(text)
    if not match or not (match["digest"] or match["tag"] not in (None, "latest")):
        return None
    return ImageRef(match["name"], match["tag"] or "", match["digest"] or "")


def image_problems(path: FieldPath, ref: str, *, pinned: bool = True) -> Iterator[Problem]:
    """Checks that a reference is valid, and by default that it pins an image by a tag or a digest."""
    if not pinned and not _REF.fullmatch(ref):
        yield Problem(path, ref, "repository[:tag][@digest], without a scheme and in lower case")
    elif pinned and parse_ref(ref) is None:
        yield Problem(path, ref, _REF_FORM)


def digest_problems(path: FieldPath, ref: str) -> Iterator[Problem]:
    """Checks that a reference pins an image by its digest."""
    parsed = parse_ref(ref)
    if parsed is None or not parsed.digest:
        yield Problem(path, ref, "<repository>@sha256:<64 hex digits>")


def _problems(overrides: Mapping[str, str], registry: str) -> Iterator[Problem]:
    if registry and not _PREFIX.fullmatch(registry):
        yield Problem(ROOT / "registry", registry, "<host>[:<port>][/<path>] without a scheme")
    known = (*DEFAULTS, "minio")
    for key, ref in overrides.items():
        if key not in known:
            yield Problem(ROOT / "overrides" / key, ref, f"one of the keys {', '.join(known)}")
        else:
            yield from image_problems(ROOT / "overrides" / key, ref)


def _mirrored(registry: str) -> dict[str, str]:
    """The default references, in another registry if one is given; a reference without a registry is on docker.io."""
    if not registry:
        return DEFAULTS
    repositories = {
        key: rest if "." in host else f"{host}{slash}{rest}"
        for key, (host, slash, rest) in ((key, text.partition("/")) for key, text in DEFAULTS.items())
    }
    return {key: f"{registry.rstrip('/')}/{repository}" for key, repository in repositories.items()}
