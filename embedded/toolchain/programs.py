"""The Go programs of the embedded node: what each is built from and how.

One Go module a program, because their dependency graphs conflict. A module's `go.mod` pins the version, its `go.sum`
the content, and its `tool` lines (or its own `main.go`) say what is compiled; only flags stand here.
"""

from dataclasses import dataclass

PULUMI_VERSION = "3.259.0"
KUBERNETES_VERSION = "1.34.4"
MODELMESH_VERSION = "0.12.0"
PROVIDERS = {"kubernetes": "4.25.0", "docker-build": "0.0.22"}

_K8S_VERSION_PACKAGE = "k8s.io/component-base/version"


@dataclass(frozen=True, kw_only=True)
class Copied:
    """A file or folder of a required module that is wanted as it is: `path` within `module`, copied to `to`."""

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
    tags: str = ""
    sources: tuple[Copied, ...] = ()
    results: tuple[Copied, ...] = ()


_PROVIDER_MODULE = "github.com/pulumi/pulumi-kubernetes/provider/v4"
_PULUMI_SDK = "github.com/pulumi/pulumi/sdk/v3"
_MODELMESH_SERVING = "github.com/kserve/modelmesh-serving"

# The slowest come first, so that the two builds that run at a time end together.
PROGRAMS = (
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
        module="pulumi",
        binaries=("pulumi",),
        variables=(f"{_PULUMI_SDK}/go/common/version.Version=v{PULUMI_VERSION}",),
        # The host of Python programs runs this script, which has to be of the engine's own version.
        results=(
            Copied(
                module=_PULUMI_SDK,
                path="python/cmd/pulumi-language-python-exec",
                to="pulumi-language-python-exec",
            ),
        ),
    ),
    Program(
        module="pulumi-resource-docker-build",
        binaries=("pulumi-resource-docker-build",),
        variables=(f"github.com/pulumi/pulumi-docker-build/provider.Version={PROVIDERS['docker-build']}",),
    ),
    Program(module="minio", binaries=("minio",)),
    Program(module="coredns", binaries=("coredns",)),
    Program(module="buildkit", binaries=("buildctl", "buildkitd"), tags="osusergo netgo"),
    Program(
        module="modelmesh-controller",
        binaries=("modelmesh-serving",),
        # Its manifests, protocol definitions and examples: a checksummed source of them.
        results=tuple(
            Copied(module=_MODELMESH_SERVING, path=folder, to=f"modelmesh-serving-source/{folder}")
            for folder in ("config", "proto", "docs", "fvt/testdata")
        ),
    ),
    # The last version in which the language host is part of a module that can be had.
    Program(module="pulumi-language-python", binaries=("pulumi-language-python",)),
    Program(module="modelmesh-runtime-adapter", binaries=("model-mesh-mlserver-adapter", "model-serving-puller")),
    # After kubernetes, with which it has nearly all packages in common.
    Program(module="local-path-provisioner", binaries=("local-path-provisioner",)),
    Program(module="pause", binaries=("pause",)),
)

# What an official Pulumi installation brings, and so need not be built where there is one.
PULUMI_PROGRAMS = frozenset({"pulumi", "pulumi-language-python"})
