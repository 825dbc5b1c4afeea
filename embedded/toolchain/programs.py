"""Go programs of the embedded node: the sources and build flags of each.

Each program is a separate Go module, because their dependency graphs conflict. A module's `go.mod` pins the version,
its `go.sum` the content, and its `tool` lines (or its own `main.go`) say what is compiled; this file has the flags.
"""

from dataclasses import dataclass

PULUMI_VERSION = "3.259.0"
KUBERNETES_VERSION = "1.34.4"
PROVIDERS = {"kubernetes": "4.25.0", "docker-build": "0.0.22"}

_K8S_VERSION_PACKAGE = "k8s.io/component-base/version"


@dataclass(frozen=True, kw_only=True)
class Copied:
    """File or folder that is copied unchanged from a required module: `path` within `module`, to `to`."""

    module: str
    path: str
    to: str


@dataclass(frozen=True, kw_only=True)
class Program:
    """One Go module of this folder and the binaries it yields.

    `binaries` are named as `go build` names them; `variables` are set by the linker; `sources` are copied beside the
    module's own files before compiling, `results` beside the binaries afterwards.
    """

    module: str
    binaries: tuple[str, ...]
    variables: tuple[str, ...] = ()
    sources: tuple[Copied, ...] = ()
    results: tuple[Copied, ...] = ()


_PROVIDER_MODULE = "github.com/pulumi/pulumi-kubernetes/provider/v4"
_PULUMI_SDK = "github.com/pulumi/pulumi/sdk/v3"
_MODELMESH_SERVING = "github.com/kserve/modelmesh-serving"

# A program comes after those that it shares packages with, since two builds at once would both compile them; the quick
# ones come last, so that the two lanes end together. What programs share has the same version in all of them, so that
# it is compiled once; only the controller and the adapter keep upstream's versions.
PROGRAMS = (
    # The last version whose language host is part of an available module.
    Program(module="pulumi-language-python", binaries=("pulumi-language-python",)),
    Program(
        module="pulumi",
        binaries=("pulumi",),
        variables=(f"{_PULUMI_SDK}/go/common/version.Version=v{PULUMI_VERSION}",),
        # The host of Python programs runs this script, which must have the engine's version.
        results=(
            Copied(
                module=_PULUMI_SDK,
                path="python/cmd/pulumi-language-python-exec",
                to="pulumi-language-python-exec",
            ),
        ),
    ),
    Program(
        module="modelmesh-controller",
        binaries=("modelmesh-serving",),
        # Manifests, protocol definitions and examples, verified by the module's checksum.
        results=tuple(
            Copied(module=_MODELMESH_SERVING, path=folder, to=f"modelmesh-serving-source/{folder}")
            for folder in ("config", "proto", "docs", "fvt/testdata")
        ),
    ),
    Program(
        module="pulumi-resource-kubernetes",
        binaries=("pulumi-resource-kubernetes",),
        sources=tuple(
            Copied(module=_PROVIDER_MODULE, path=f"cmd/pulumi-resource-kubernetes/{name}", to=name)
            for name in ("schema.json", "terraform-mapping.json")
        ),
    ),
    Program(
        module="kubernetes",
        binaries=("kubernetes",),
        variables=(
            f"{_K8S_VERSION_PACKAGE}.gitVersion=v{KUBERNETES_VERSION}",
            f"{_K8S_VERSION_PACKAGE}.gitMajor=1",
            f"{_K8S_VERSION_PACKAGE}.gitMinor=34",
        ),
    ),
    Program(
        module="pulumi-resource-docker-build",
        binaries=("pulumi-resource-docker-build",),
        variables=(f"github.com/pulumi/pulumi-docker-build/provider.Version={PROVIDERS['docker-build']}",),
    ),
    Program(module="minio", binaries=("minio",)),
    Program(module="buildkit", binaries=("buildctl", "buildkitd")),
    Program(module="modelmesh-runtime-adapter", binaries=("model-mesh-mlserver-adapter", "model-serving-puller")),
    # These two share nearly all packages with kubernetes.
    Program(module="coredns", binaries=("coredns",)),
    Program(module="local-path-provisioner", binaries=("local-path-provisioner",)),
    Program(module="pause", binaries=("pause",)),
)


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Cost of a program in a build of all programs from nothing: its part of the seconds on two cores, and packages."""

    seconds: int
    packages: int


COSTS = {
    "pulumi-language-python": Cost(seconds=29, packages=564),
    "pulumi": Cost(seconds=110, packages=1208),
    "pulumi-resource-kubernetes": Cost(seconds=92, packages=1080),
    "kubernetes": Cost(seconds=185, packages=1457),
    "pulumi-resource-docker-build": Cost(seconds=54, packages=694),
    "minio": Cost(seconds=59, packages=413),
    "modelmesh-controller": Cost(seconds=79, packages=752),
    "buildkit": Cost(seconds=17, packages=295),
    "modelmesh-runtime-adapter": Cost(seconds=16, packages=301),
    "coredns": Cost(seconds=4, packages=54),
    "local-path-provisioner": Cost(seconds=3, packages=6),
    "pause": Cost(seconds=1, packages=1),
}

# Programs that an official Pulumi installation contains, which need not be built if there is one.
PULUMI_PROGRAMS = frozenset({"pulumi", "pulumi-language-python"})
