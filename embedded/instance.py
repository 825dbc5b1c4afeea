"""Names, paths and addresses of one embedded node; nothing here touches the machine.

Several instances exist so that tests and benchmarks do not affect the user's node: they differ in data folder, network
namespace and link addresses, and share the cache of built artifacts.
"""

import os
from collections.abc import Mapping
from ipaddress import AddressValueError, IPv4Network, NetmaskValueError
from pathlib import Path
from typing import Final

from embedded.errors import EmbeddedError

NAMES: Final = ("dev", "test", "bench")
DEFAULT_NETWORK: Final = "10.213.0.0/29"

# Used inside the node's network namespace only, so every instance has the same ranges.
POD_NETWORK: Final = "10.244.0.0/16"
SERVICE_NETWORK: Final = "10.96.0.0/16"
SERVICE_OF_API: Final = "10.96.0.1"
POD_BRIDGE: Final = "pods0"
DNS_DOMAIN: Final = "cluster.local"

API_PORT: Final = 6443
REGISTRY_PORT: Final = 5000


class Instance:
    """Names, paths and addresses of one node.

    Args:
        name: One of `NAMES`.
        root: Folder with the data of all instances.
        cache: Folder of built artifacts, shared by instances and checkouts.
        link: Network (/30) of the link between host and node.
    """

    def __init__(self, *, name: str, root: Path, cache: Path, link: IPv4Network) -> None:
        self.name, self.root, self.cache, self.link = name, root, cache, link
        self.full_name = self.context = f"modelmesh-{name}"
        """Name of the network namespace, the control group and the Kubernetes node, and of the kubeconfig's context."""
        self.netns = Path("/run/netns") / self.full_name
        self.host_interface = f"mm-{name}"
        """Interface name of the host's end of the link."""
        self.host_address, self.node_address = link[1], link[2]
        self.api_server = f"https://{self.node_address}:{API_PORT}"
        self.registry = f"{self.node_address}:{REGISTRY_PORT}"
        """`address:port` of the registry, the same from host and node."""
        self.builder_name = f"embedded-{name}"
        """Name of the builder for buildx clients."""

        self.data = root / name
        """Folder with all data of this instance; what follows is in it."""
        self.logs = self.data / "logs"
        """One file per process, and a folder for the pods."""
        self.settings = self.data / "etc"
        """Folder of rendered configuration files."""
        self.sockets = self.data / "run"
        """Folder of sockets and process records."""
        self.containerd_socket = self.sockets / "containerd.sock"
        self.builder_socket = self.sockets / "buildkitd.sock"
        self.handover = self.data / "handover.json"
        """File of the facts about the node, written when everything runs."""
        self.kubeconfig = self.data / "kubeconfig"
        """The user's kubeconfig, which is private to root."""

    @property
    def was_up(self) -> bool:
        """Whether the node was up before, so that its data and its images exist."""
        return self.handover.exists()


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
