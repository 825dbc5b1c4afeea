"""The image builder: BuildKit's daemon without a Docker engine, and the file by which buildx clients find it."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from embedded import files
from embedded.errors import EmbeddedError
from embedded.instance import Instance
from embedded.processes import Process
from embedded.readiness import accepting

NAME = "buildkitd"
# What a build needs to get at package registries behind a company's proxy.
_PROXY_VARIABLES = ("http_proxy", "https_proxy", "no_proxy")


def process(instance: Instance, bin_folder: Path, enter: tuple[str, ...]) -> Process:
    """buildkitd in the host's network (`enter` has to leave that alone)."""
    config = files.write(instance.settings / "buildkitd.toml", configuration(instance))
    return Process(
        name=NAME,
        argv=(str(bin_folder / "buildkitd"), "--config", str(config)),
        enter=enter,
        environ=_proxies(instance),
        inputs=(config,),
        ready=accepting(instance.builder_socket),
    )


def configuration(instance: Instance) -> str:
    """buildkitd's TOML: builds use the host's network, for that is where package registries are reached from."""
    return f"""\
root = "{instance.cache / "buildkit" / instance.name}"

[grpc]
address = ["unix://{instance.builder_socket}"]

[worker.oci]
networkMode = "host"
snapshotter = "overlayfs"
defaultCgroupParent = "{instance.full_name}/build"
gc = true
reservedSpace = "2GB"
maxUsedSpace = "20GB"

[worker.containerd]
enabled = false

[registry."{instance.registry}"]
http = true
"""


def docker_config(instance: Instance) -> Path:
    """The folder to use as DOCKER_CONFIG: it knows the one builder and no credentials."""
    folder = instance.data / "docker"
    node = {"Name": f"{instance.builder_name}0", "Endpoint": f"unix://{instance.builder_socket}"}
    builder = {"Name": instance.builder_name, "Driver": "remote", "Nodes": [node], "Dynamic": False}
    files.write(folder / "buildx/instances" / instance.builder_name, json.dumps(builder))
    return folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """One image to build and push.

    Attributes:
        target: `registry/repository:tag`.
        context: folder with the Dockerfile.
        named: further contexts by the name that `COPY --from` uses.
        arguments: build arguments.
    """

    target: str
    context: Path
    named: Mapping[str, Path] = field(default_factory=dict)
    arguments: Mapping[str, str] = field(default_factory=dict)


def build(instance: Instance, buildctl: Path, wanted: Build, log: Path) -> None:
    """Build and push; buildctl's own progress goes to `log`, whose end an error shows."""
    # Layers stay uncompressed: they never leave the machine, and its cores have better things to do.
    output = (
        f"type=image,name={wanted.target},push=true,oci-mediatypes=true,rewrite-timestamp=true,compression=uncompressed"
    )
    argv = [
        str(buildctl), "--addr", f"unix://{instance.builder_socket}", "build", "--progress=plain",
        "--frontend", "dockerfile.v0",
        "--local", f"context={wanted.context}", "--local", f"dockerfile={wanted.context}",
        "--output", output, "--opt", "build-arg:SOURCE_DATE_EPOCH=0",
    ]  # fmt: skip
    for name, folder in wanted.named.items():
        argv += ["--local", f"{name}={folder.resolve()}", "--opt", f"context:{name}=local:{name}"]
    for name, value in {**_proxies(instance), **wanted.arguments}.items():
        argv += ["--opt", f"build-arg:{name}={value}"]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output_file:
        result = subprocess.run(argv, stdout=output_file, stderr=subprocess.STDOUT, check=False)
    if result.returncode != 0:
        raise EmbeddedError(f"building {wanted.target} failed; {log} ends with:\n{files.tail(log, 25)}")


def _proxies(instance: Instance) -> dict[str, str]:
    """The caller's proxy settings, with the node itself excepted; nothing if there are none."""
    found = {name.lower(): value for name, value in os.environ.items() if name.lower() in _PROXY_VARIABLES and value}
    if not found:
        return {}
    found["no_proxy"] = ",".join(filter(None, [found.get("no_proxy"), str(instance.node_address)]))
    return found | {name.upper(): value for name, value in found.items()}
