"""Names, paths and addresses of one embedded node; nothing here touches the machine.

Several instances exist so that tests and benchmarks do not affect the user's node: they differ in data folder, network
namespace and link addresses, and share the cache of built artifacts.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError
from pathlib import Path
from typing import Final

from embedded.errors import EmbeddedError

NAMES: Final = ("dev", "test", "bench")
DEFAULT_NETWORK: Final = "10.213.0.0/29"

# Used inside the node's network namespace only, so every instance has the same ranges.
POD_NETWORK: Final = "10.244.0.0/16"
SERVICE_NETWORK: Final = "10.96.0.0/16"
SERVICE_OF_API: Final = "10.96.0.1"
DNS_DOMAIN: Final = "cluster.local"

API_PORT: Final = 6443
REGISTRY_PORT: Final = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """Names, paths and addresses of one node."""

    name: str
    """One of `NAMES`."""
    root: Path
    """Folder with the data of all instances; `data` is this instance's."""
    cache: Path
    """Folder of built artifacts, shared by instances and checkouts."""
    link: IPv4Network
    """Network (/30) of the link between host and node."""

    @property
    def data(self) -> Path:
        """Folder with all data of this instance."""
        return self.root / self.name

    @property
    def logs(self) -> Path:
        """Log folder: one file per process, and a folder for the pods."""
        return self.data / "logs"

    @property
    def settings(self) -> Path:
        """Folder of rendered configuration files."""
        return self.data / "etc"

    @property
    def sockets(self) -> Path:
        """Folder of sockets and process records."""
        return self.data / "run"

    @property
    def kubeconfig(self) -> Path:
        """Path of the user's kubeconfig, which is private to root."""
        return self.data / "kubeconfig"

    @property
    def context(self) -> str:
        """The kubeconfig's only context."""
        return self.full_name

    @property
    def full_name(self) -> str:
        """Name of the network namespace, the control group and the Kubernetes node."""
        return f"modelmesh-{self.name}"

    @property
    def netns(self) -> Path:
        """Path of the network namespace in the file system."""
        return Path("/run/netns") / self.full_name

    @property
    def host_interface(self) -> str:
        """Interface name of the host's end of the link."""
        return f"mm-{self.name}"

    @property
    def host_address(self) -> IPv4Address:
        """The host's address on the link."""
        return self.link[1]

    @property
    def node_address(self) -> IPv4Address:
        """The node's address on the link."""
        return self.link[2]

    @property
    def api_server(self) -> str:
        """Address of the Kubernetes API."""
        return f"https://{self.node_address}:{API_PORT}"

    @property
    def registry(self) -> str:
        """`address:port` of the registry, the same from host and node."""
        return f"{self.node_address}:{REGISTRY_PORT}"

    @property
    def containerd_socket(self) -> Path:
        """Path of containerd's socket, which the kubelet connects to."""
        return self.sockets / "containerd.sock"

    @property
    def builder_name(self) -> str:
        """Name of the builder for buildx clients."""
        return f"embedded-{self.name}"

    @property
    def builder_socket(self) -> Path:
        """Path of BuildKit's socket."""
        return self.sockets / "buildkitd.sock"


def instance(name: str, environ: Mapping[str, str] = os.environ) -> Instance:
    """Instance called `name`; MODELMESH_{DATA,CACHE,NETWORK} override its folders and link addresses."""
    if name not in NAMES:
        raise EmbeddedError(f"there is no instance {name!r}; instances are: {', '.join(NAMES)}")
    home = Path(environ.get("HOME") or Path.home())
    network = _network(environ.get("MODELMESH_NETWORK", DEFAULT_NETWORK))
    return Instance(
        name=name,
        root=_folder(environ.get("MODELMESH_DATA"), home / ".local/share/modelmesh-stack"),
        cache=_folder(environ.get("MODELMESH_CACHE"), home / ".cache/modelmesh-stack"),
        # The third instance lies behind the /29, so that users need no more free addresses than that for the others.
        link=IPv4Network((int(network.network_address) + 4 * NAMES.index(name), 30)),
    )


def _folder(value: str | None, default: Path) -> Path:
    return Path(value).expanduser().absolute() if value else default


def _network(text: str) -> IPv4Network:
    allowed = (
        f"MODELMESH_NETWORK is {text!r}; it has to be a private IPv4 network of size /29, such as {DEFAULT_NETWORK}"
    )
    try:
        network = IPv4Network(text)
    except (AddressValueError, NetmaskValueError, ValueError) as error:
        raise EmbeddedError(f"{allowed} ({error})") from error
    inside = [IPv4Network(POD_NETWORK), IPv4Network(SERVICE_NETWORK)]
    if network.prefixlen != 29 or not network.is_private or any(network.overlaps(other) for other in inside):
        raise EmbeddedError(f"{allowed}, outside the node's own {POD_NETWORK} and {SERVICE_NETWORK}")
    return network
