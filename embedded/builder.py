"""Image builder: BuildKit's daemon without a Docker engine, and the file by which buildx clients find it."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from embedded import files
from embedded.instance import Instance
from embedded.processes import Process
from embedded.readiness import accepting
from project import proxies

NAME = "buildkitd"
# Proxy settings that a build needs to reach package registries.
_PROXY_VARIABLES = ("http_proxy", "https_proxy")


def process(instance: Instance, bin_folder: Path, enter: tuple[str, ...]) -> Process:
    """BuildKit's daemon in the host's network, which `enter` must not leave."""
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
    """TOML configuration of buildkitd; builds use the host's network, from which package registries are reachable."""
    return f"""\
root = {files.quoted(instance.cache / "buildkit" / instance.name)}

[grpc]
address = [{files.quoted(f"unix://{instance.builder_socket}")}]

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
    """Folder to use as DOCKER_CONFIG; it has this builder and the caller's proxy for builds, and no credentials."""
    folder = instance.data / "docker"
    node = {"Name": f"{instance.builder_name}0", "Endpoint": f"unix://{instance.builder_socket}"}
    builder = {"Name": instance.builder_name, "Driver": "remote", "Nodes": [node], "Dynamic": False}
    files.write(folder / "buildx/instances" / instance.builder_name, json.dumps(builder))
    # These variables are not inputs of an image, so a build with a proxy gives the same state as one without.
    keys = {"http_proxy": "httpProxy", "https_proxy": "httpsProxy", "no_proxy": "noProxy"}
    given = {keys[name]: value for name, value in _proxies(instance).items() if name in keys}
    files.write(folder / "config.json", json.dumps({"proxies": {"default": given}} if given else {}))
    return folder


def build_command(
    instance: Instance, buildctl: Path, context: Path, output: str, arguments: Mapping[str, str], **named: Path
) -> list[str]:
    """Command that builds the Dockerfile in `context` with values of its `ARG` instructions.

    Further build contexts are given by the name that `COPY --from` uses, and `output` as buildctl expects it.
    """
    argv = [
        str(buildctl), "--addr", f"unix://{instance.builder_socket}", "build", "--progress=plain",
        "--frontend", "dockerfile.v0", "--local", f"context={context}", "--local", f"dockerfile={context}",
        "--output", output,
    ]  # fmt: skip
    for name, folder in named.items():
        argv += ["--local", f"{name}={folder.resolve()}", "--opt", f"context:{name}=local:{name}"]
    for name, value in {**_proxies(instance), **arguments}.items():
        argv += ["--opt", f"build-arg:{name}={value}"]
    return argv


def _proxies(instance: Instance) -> dict[str, str]:
    """The caller's proxy settings with an exception for the node; empty if there are none."""
    found = {name.lower(): value for name, value in os.environ.items() if name.lower() in _PROXY_VARIABLES and value}
    exceptions = proxies.exceptions(os.environ, str(instance.node_address)) if found else {}
    return found | {name.upper(): value for name, value in found.items()} | exceptions
