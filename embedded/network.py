"""The node's network: one network namespace and one veth pair, the only change to the host's network.

Bridge, firewall rules and listening ports of the node are all inside the namespace, so deleting it removes them.
The node has no default route: connections to outside addresses fail at once with "unreachable", not by a timeout.
"""

from embedded.commands import run, succeeds
from embedded.instance import SERVICE_NETWORK, Instance

NODE_INTERFACE = "eth0"


def ensure(instance: Instance) -> None:
    """Create namespace, veth pair and addresses, or repair what is missing."""
    if not instance.netns.exists():
        run("ip", "netns", "add", instance.full_name)
    inside = ["ip", "-netns", instance.full_name]
    if not succeeds(*inside, "link", "show", NODE_INTERFACE):
        run("ip", "link", "add", instance.host_interface, "type", "veth",
            "peer", "name", NODE_INTERFACE, "netns", instance.full_name)  # fmt: skip
    prefix = instance.link.prefixlen
    run("ip", "address", "replace", f"{instance.host_address}/{prefix}", "dev", instance.host_interface)
    run("ip", "link", "set", instance.host_interface, "up")
    run(*inside, "address", "replace", f"{instance.node_address}/{prefix}", "dev", NODE_INTERFACE)
    run(*inside, "link", "set", "lo", "up")
    run(*inside, "link", "set", NODE_INTERFACE, "up")
    # The API server calls webhooks by their Service's address, which kube-proxy rewrites only if a route exists.
    run(*inside, "route", "replace", SERVICE_NETWORK, "dev", NODE_INTERFACE)
    # Pods are forwarded between bridge and link; bridged traffic has to pass iptables or replies of a Service
    # would come back from the pod's own address. Both settings belong to the namespace, not to the host.
    run("nsenter", f"--net={instance.netns}", "sysctl", "-qw",
        "net.ipv4.ip_forward=1", "net.bridge.bridge-nf-call-iptables=1")  # fmt: skip


def remove(instance: Instance) -> None:
    """Delete the namespace together with the veth pair; does nothing if they do not exist."""
    # The pair outlives the namespace until its last socket is closed; deleting the host's end takes effect at once.
    if succeeds("ip", "link", "show", instance.host_interface):
        run("ip", "link", "delete", instance.host_interface)
    if instance.netns.exists():
        run("ip", "netns", "delete", instance.full_name)
