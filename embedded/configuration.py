"""Configuration files of the node's components, as pure functions of the instance.

Settings whose default is right for a single node are omitted; each of the others has its reason beside it.
"""

import json
from pathlib import Path

from embedded.files import quoted
from embedded.instance import DNS_DOMAIN, POD_BRIDGE, POD_NETWORK, Instance

CNI_PLUGINS = Path("/usr/lib/cni")
KUBELET_ROOT = Path("/var/lib/kubelet")  # inside the node's mount namespace; see sandbox.py


def containerd(instance: Instance, pause_image: str) -> str:
    """TOML configuration of containerd 1.6."""
    node = instance.data / "node"
    return f"""\
version = 2
root = {quoted(instance.data / "containerd")}
state = {quoted(node / "containerd-state")}
# Snapshotters that are not used here; probing them takes a while and fills the log.
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs", "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing",
]

[grpc]
address = {quoted(instance.containerd_socket)}

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{pause_image}"
# Lowering the score needs CAP_SYS_RESOURCE, which a confined machine may lack; then no container would start.
restrict_oom_score_adj = true
# Namespaces of pods are mounted below `state`, not in the machine's /run/netns.
netns_mounts_under_state_dir = true
stream_server_address = "127.0.0.1"

[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = false

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{CNI_PLUGINS}"
conf_dir = {quoted(instance.settings / "cni")}

[plugins."io.containerd.grpc.v1.cri".registry]
config_path = {quoted(instance.settings / "registries")}
"""


def registry_host(instance: Instance) -> str:
    """Registry host configuration of containerd for the node's registry, which speaks plain HTTP."""
    address = f"http://{instance.registry}"
    return f'server = "{address}"\n\n[host."{address}"]\ncapabilities = ["pull", "resolve"]\n'


def cni(instance: Instance) -> str:
    """Configuration of the pod network: one bridge, with addresses allocated from files in the data folder."""
    return json.dumps(
        {
            "cniVersion": "1.0.0",
            "name": "pods",
            "plugins": [
                {
                    "type": "bridge",
                    "bridge": POD_BRIDGE,
                    "isGateway": True,
                    "hairpinMode": True,  # a pod reaches itself through its Service
                    "ipMasq": True,  # the host has no route to the pods
                    "ipam": {
                        "type": "host-local",
                        "dataDir": str(instance.data / "node/ipam"),
                        "ranges": [[{"subnet": POD_NETWORK}]],
                        "routes": [{"dst": "0.0.0.0/0"}],
                    },
                },
                {"type": "portmap", "capabilities": {"portMappings": True}},
            ],
        },
        indent=2,
    )


def kubelet(instance: Instance, *, authority: Path, certificate: Path, key: Path) -> dict[str, object]:
    """Configuration of the kubelet (KubeletConfiguration)."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": str(instance.node_address),
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(authority)},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(certificate),
        "tlsPrivateKeyFile": str(key),
        "clusterDNS": [str(instance.node_address)],
        "clusterDomain": DNS_DOMAIN,
        "resolvConf": str(instance.settings / "resolv.conf"),
        "containerRuntimeEndpoint": f"unix://{instance.containerd_socket}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{instance.full_name}",
        "failCgroupV1": False,  # either version of cgroups works
        "failSwapOn": False,
        "oomScoreAdj": 0,  # a lower one needs CAP_SYS_RESOURCE
        "protectKernelDefaults": True,  # the machine's settings must stay as they are; see sandbox.py
        "serializeImagePulls": False,
        "imageGCHighThresholdPercent": 100,  # never: disk usage of the whole machine says nothing about the node
        "evictionHard": {"memory.available": "200Mi", "nodefs.available": "1Gi", "imagefs.available": "1Gi"},
        "logging": {"verbosity": 1},
    }


def kube_proxy(instance: Instance, kubeconfig: Path) -> dict[str, object]:
    """Configuration of kube-proxy (KubeProxyConfiguration)."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(kubeconfig)},
        "mode": "iptables",
        "bindAddress": str(instance.node_address),
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        "hostnameOverride": instance.full_name,
        "clusterCIDR": POD_NETWORK,
        "detectLocalMode": "ClusterCIDR",
        # Node ports on localhost would expose loopback listeners to the pods' network.
        "nodePortAddresses": ["primary"],
        "iptables": {"localhostNodePorts": False, "minSyncPeriod": "0s"},
        "oomScoreAdj": 0,
        # Zero leaves a setting unchanged: connection tracking can only be configured in the initial namespace.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }


def coredns(instance: Instance, kubeconfig: Path) -> str:
    """Corefile of CoreDNS; names outside the cluster do not resolve, since the node has no route to them."""
    return f"""\
{DNS_DOMAIN} in-addr.arpa {{
    bind {instance.node_address}
    errors
    kubernetes {{
        kubeconfig {quoted(kubeconfig)}
        pods verified
        ttl 5
    }}
    cache 5
}}

. {{
    bind {instance.node_address}
    template ANY ANY {{
        rcode NXDOMAIN
    }}
}}
"""


def encryption(secret: str) -> dict[str, object]:
    """EncryptionConfiguration for Secrets in etcd; `secret` is 32 random bytes in base64."""
    return {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "EncryptionConfiguration",
        "resources": [
            {
                "resources": ["secrets"],
                "providers": [{"secretbox": {"keys": [{"name": "node", "secret": secret}]}}, {"identity": {}}],
            }
        ],
    }
