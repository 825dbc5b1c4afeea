"""Nobody but root reaches a node from the host, and pods do not reach its registry."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from embedded import network
from project import ROOT

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not network.BRIDGE_SETTINGS.exists(), reason="needs root and br_netfilter"
)
START = """
import os, socket, subprocess, sys
from pathlib import Path
from embedded import network
from embedded.instance import instance

def reaches(address, port, uid=0):
    if child := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    if uid:
        os.setuid(uid)
    try:
        socket.create_connection((address, port), timeout=5)
    except OSError:
        os._exit(1)
    os._exit(0)

def inside(namespace, code):
    command = ["nsenter", f"--net={namespace}", sys.executable, "-c", "import socket; " + code]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

def ip(*words):
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout
"""


def run(script: str) -> None:
    """Run a script in network and mount namespaces, where it can make nodes beside those of the machine."""
    fresh = 'mount -t tmpfs none /run; mount -t sysfs none /sys; ip link set lo up; exec "$@"'
    command = ["unshare", "--net", "--mount", "sh", "-ec", fresh, "sh", sys.executable, "-c", START + script]
    ended = subprocess.run(command, cwd=ROOT, text=True, capture_output=True)
    assert ended.returncode == 0, ended.stderr


def test_only_root_reaches_the_node_and_pods_do_not_reach_its_registry() -> None:
    run("""
nodes = [instance(name, {}) for name in ("dev", "test")]
before = ip("rule")
for node in (*nodes, *nodes):
    network.ensure(node)
for node in nodes:
    address = str(node.node_address)
    listen = "; ".join(f"s{port} = socket.create_server(('{address}', {port}))" for port in (5000, 53))
    server = inside(node.netns, listen + "; print('ready', flush=True); input()")
    assert server.stdout.readline() == "ready\\n"
    assert reaches(address, 5000)
    assert not reaches(address, 5000, uid=65534)
    ip("netns", "add", "pod")
    own = ("-netns", node.full_name)
    ip(*own, "link", "add", "pods0", "type", "bridge")
    ip(*own, "address", "add", "10.244.0.1/16", "dev", "pods0")
    ip(*own, "link", "set", "pods0", "up")
    ip(*own, "link", "add", "pod", "type", "veth", "peer", "name", "eth0", "netns", "pod")
    ip(*own, "link", "set", "pod", "master", "pods0", "up")
    ip("-netns", "pod", "address", "add", "10.244.0.2/16", "dev", "eth0")
    ip("-netns", "pod", "link", "set", "eth0", "up")
    ip("-netns", "pod", "route", "add", "default", "via", "10.244.0.1")
    for port, expected in ((53, 0), (5000, 1)):
        connect = f"socket.create_connection(('{address}', {port}), timeout=5)"
        assert inside("/run/netns/pod", connect).wait() == expected, port
    server.communicate("")
    ip("netns", "delete", "pod")
for node in (*nodes, *nodes):
    network.remove(node)
assert ip("rule") == before
""")


def test_a_module_for_bridges_leaves_those_of_the_host_alone() -> None:
    run("""
commands = []
network.run = lambda *command: commands.append(command)
settings = [network.BRIDGE_SETTINGS / f"bridge-nf-call-{kind}" for kind in ("iptables", "ip6tables", "arptables")]
network.load_modules([])
assert {setting.read_text() for setting in settings} == {"1\\n"}
network.load_modules(["br_netfilter"])
assert commands == [("modprobe", "br_netfilter")]
assert {setting.read_text() for setting in settings} == {"0\\n"}
""")
    assert Path("/proc/sys/net/bridge/bridge-nf-call-iptables").exists()
