"""The node's network: one network namespace, and on the host one veth pair and two routing rules.

Bridge, firewall rules and listening ports of the node are all inside the namespace, so deleting it removes them.
The node has no default route: connections to outside addresses fail at once with "unreachable", not by a timeout.

The registry takes pushes without credentials, and pods run images from it with root's rights. So from the host only
root reaches the node, neither other users nor containers, and pods do not reach the registry.
"""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from embedded.commands import run, succeeds
from embedded.instance import POD_BRIDGE, REGISTRY_PORT, SERVICE_NETWORK, Instance

NODE_INTERFACE = "eth0"
BRIDGE_SETTINGS = Path("/proc/sys/net/bridge")


def load_modules(modules: Sequence[str]) -> None:
    """Load kernel modules without a change to the bridges of the host.

    By default, br_netfilter passes the traffic of all bridges through the firewall, in each network namespace.
    """
    for module in modules:
        run("modprobe", module)
    if modules:
        for setting in BRIDGE_SETTINGS.glob("bridge-nf-call-*"):
            setting.write_text("0\n")


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
    enter = ("nsenter", f"--net={instance.netns}")
    run(*enter, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.bridge.bridge-nf-call-iptables=1")
    no_registry = ("INPUT", "-i", POD_BRIDGE, "-p", "tcp", "--dport", str(REGISTRY_PORT), "-j", "REJECT")
    if not succeeds(*enter, "iptables", "-w", "-C", *no_registry):
        run(*enter, "iptables", "-w", "-I", *no_registry)
    present = _present_rules(instance)
    for priority, rule in _rules(instance):
        if f"{priority}:" not in present:
            run("ip", "rule", "add", "pref", str(priority), *rule)


def remove(instance: Instance) -> None:
    """Delete the namespace together with the veth pair, and the rules; does nothing if they do not exist."""
    present = _present_rules(instance)
    for priority, rule in reversed(_rules(instance)):
        if f"{priority}:" in present:
            run("ip", "rule", "delete", "pref", str(priority), *rule)
    # The pair outlives the namespace until its last socket is closed; deleting the host's end takes effect at once.
    if succeeds("ip", "link", "show", instance.host_interface):
        run("ip", "link", "delete", instance.host_interface)
    if instance.netns.exists():
        run("ip", "netns", "delete", instance.full_name)


def _rules(instance: Instance) -> list[tuple[int, tuple[str, ...]]]:
    """Priorities and routing rules by which root's own connections, and no others, reach the node from the host."""
    to = ("to", str(instance.node_address))
    # Interface `lo` stands for what the host itself sends; containers of the host come by other interfaces.
    return [(10213, (*to, "iif", "lo", "uidrange", "0-0", "lookup", "main")), (10214, (*to, "prohibit"))]


def _present_rules(instance: Instance) -> list[str]:
    shown = subprocess.run(["ip", "rule", "show", "to", str(instance.node_address)], capture_output=True, text=True)
    return shown.stdout.split()
