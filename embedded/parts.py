"""Parts of the Kubernetes node: each function writes the part's configuration and returns its process.

Nothing is started here; node.py does that.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from embedded import configuration, files, identities, volumes
from embedded.identities import Identities
from embedded.instance import API_PORT, POD_NETWORK, SERVICE_NETWORK, Instance
from embedded.processes import Process
from embedded.readiness import accepting, connected, listening


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Factory of the parts, with programs in `bin`, the command prefix `enter` and the reference of the pause image."""

    instance: Instance
    ids: Identities
    bin: Path
    enter: tuple[str, ...]
    pause_image: str

    def etcd(self) -> Process:
        """The node's etcd on loopback; clients need a certificate of a separate authority."""
        ids, address = self.ids, "https://127.0.0.1:2379"
        return self._process(
            "etcd", "/usr/bin/etcd", ready=listening(2379), flags={
                "data-dir": self.instance.data / "etcd",
                "listen-client-urls": address,
                "advertise-client-urls": address,
                "listen-peer-urls": "http://127.0.0.1:2380",
                "cert-file": ids.etcd.certificate,
                "key-file": ids.etcd.key,
                "trusted-ca-file": ids.etcd_authority.pair.certificate,
                "client-cert-auth": "true",
                "logger": "zap",
            },
        )  # fmt: skip

    def api_server(self) -> Process:
        """Kubernetes API server on the node's address; it encrypts Secrets in etcd."""
        ids, instance = self.ids, self.instance
        encryption = files.write_yaml(
            instance.settings / "encryption.yaml", configuration.encryption(identities.encryption_secret(instance))
        )
        api = ids.api(instance)
        return self._kubernetes(
            "kube-apiserver", ready=lambda _: api.ready(), flags={
                "advertise-address": instance.node_address,
                "bind-address": instance.node_address,
                "secure-port": API_PORT,
                "tls-cert-file": ids.api_server.certificate,
                "tls-private-key-file": ids.api_server.key,
                "client-ca-file": ids.cluster.pair.certificate,
                "anonymous-auth": "false",
                "authorization-mode": "Node,RBAC",
                "enable-admission-plugins": "NodeRestriction",
                "encryption-provider-config": encryption,
                "etcd-servers": "https://127.0.0.1:2379",
                "etcd-cafile": ids.etcd_authority.pair.certificate,
                "etcd-certfile": ids.etcd_client.certificate,
                "etcd-keyfile": ids.etcd_client.key,
                "kubelet-certificate-authority": ids.cluster.pair.certificate,
                "kubelet-client-certificate": ids.kubelet_client.certificate,
                "kubelet-client-key": ids.kubelet_client.key,
                # The node's name is not in DNS.
                "kubelet-preferred-address-types": "InternalIP",
                "service-cluster-ip-range": SERVICE_NETWORK,
                "service-account-issuer": "https://kubernetes.default.svc",
                "service-account-key-file": ids.service_accounts,
                "service-account-signing-key-file": ids.service_accounts,
                "profiling": "false",
            },
        )  # fmt: skip

    def controller_manager(self) -> Process:
        """Controller manager with Kubernetes' own controllers."""
        return self._kubernetes(
            "kube-controller-manager", ready=listening(10257), flags={
                "kubeconfig": self.ids.kubeconfigs["kube-controller-manager"],
                "bind-address": "127.0.0.1",
                "cluster-cidr": POD_NETWORK,
                "service-cluster-ip-range": SERVICE_NETWORK,
                "root-ca-file": self.ids.cluster.pair.certificate,
                "cluster-signing-cert-file": self.ids.cluster.pair.certificate,
                "cluster-signing-key-file": self.ids.cluster.pair.key,
                "service-account-private-key-file": self.ids.service_accounts,
                "use-service-account-credentials": "true",
                # A single replica needs no leader election, which would take seconds at every start.
                "leader-elect": "false",
                "profiling": "false",
            },
        )  # fmt: skip

    def scheduler(self) -> Process:
        """Scheduler of the single node."""
        return self._kubernetes(
            "kube-scheduler", ready=listening(10259), flags={
                "kubeconfig": self.ids.kubeconfigs["kube-scheduler"],
                "bind-address": "127.0.0.1",
                "leader-elect": "false",
                "profiling": "false",
            },
        )  # fmt: skip

    def containerd(self) -> Process:
        """Container runtime, with sockets, state and images in the data folder."""
        instance = self.instance
        files.write(instance.settings / "cni/pods.conflist", configuration.cni(instance))
        files.write(
            instance.settings / "registries" / instance.registry / "hosts.toml", configuration.registry_host(instance)
        )
        config = files.write(
            instance.settings / "containerd.toml", configuration.containerd(instance, self.pause_image)
        )
        return self._process(
            "containerd", "/usr/bin/containerd", flags={"config": config},
            ready=accepting(instance.containerd_socket),
        )  # fmt: skip

    def kubelet(self) -> Process:
        """The kubelet, which runs the pods."""
        instance, ids = self.instance, self.ids
        # An empty resolv.conf: pods could not reach the machine's name servers.
        files.write(instance.settings / "resolv.conf", "", mode=0o644)
        config = files.write_yaml(
            instance.settings / "kubelet.yaml",
            configuration.kubelet(
                instance, authority=ids.cluster.pair.certificate,
                certificate=ids.kubelet.certificate, key=ids.kubelet.key,
            ),
        )  # fmt: skip
        return self._kubernetes(
            "kubelet", ready=listening(10250), inputs=(ids.kubelet.certificate,), flags={
                "config": config,
                "kubeconfig": ids.kubeconfigs["kubelet"],
                "root-dir": configuration.KUBELET_ROOT,
                "hostname-override": instance.full_name,
                "node-ip": instance.node_address,
            },
        )  # fmt: skip

    def kube_proxy(self) -> Process:
        """Service proxy in iptables mode."""
        kubeconfig = self.ids.kubeconfigs["kube-proxy"]
        config = files.write_yaml(
            self.instance.settings / "kube-proxy.yaml", configuration.kube_proxy(self.instance, kubeconfig)
        )
        return self._kubernetes("kube-proxy", ready=listening(10249), inputs=(kubeconfig,), flags={"config": config})

    def coredns(self) -> Process:
        """Cluster DNS server."""
        kubeconfig = self.ids.kubeconfigs["coredns"]
        config = files.write(self.instance.settings / "Corefile", configuration.coredns(self.instance, kubeconfig))
        return self._process(
            "coredns", self.bin / "coredns", ready=listening(53), inputs=(kubeconfig,), flags={"conf": config}
        )

    def local_path_provisioner(self, helper_image: str) -> Process:
        """Volume provisioner, which creates and removes folders in short-lived pods with a shell of `helper_image`."""
        settings = self.instance.settings
        scripts = settings / "volume-scripts"
        for name, text in volumes.SCRIPTS.items():
            files.write(scripts / name, text, mode=0o700)
        helper = volumes.helper_pod(helper_image, scripts)
        return self._process(
            volumes.PROVISIONER, self.bin / "local-path-provisioner", "start", ready=connected(API_PORT), flags={
                "kubeconfig": self.ids.kubeconfigs[volumes.PROVISIONER],
                "config": files.write(settings / "volumes.json", volumes.configuration(self.instance)),
                "helper-pod-file": files.write_yaml(settings / "volume-helper.yaml", helper),
                "provisioner-name": volumes.DRIVER,
                "namespace": volumes.NAMESPACE,
                "service-account-name": "default",
            },
        )  # fmt: skip

    def _kubernetes(
        self, name: str, *, flags: dict[str, object], ready: Callable[[int], bool], inputs: tuple[Path, ...] = ()
    ) -> Process:
        return self._process(name, self.bin / "kubernetes", name, flags=flags, ready=ready, inputs=inputs)

    def _process(
        self, name: str, program: Path | str, *words: str, flags: dict[str, object],
        ready: Callable[[int], bool], inputs: tuple[Path, ...] = (),
    ) -> Process:  # fmt: skip
        # CoreDNS uses Go's flag package; like the others, it accepts "=" between flag and value.
        arguments = tuple(f"--{flag}={value}" for flag, value in flags.items())
        # Files are of type Path, all other values are not; files that those refer to are in `inputs`.
        named = tuple(value for value in flags.values() if isinstance(value, Path) and value.is_file())
        return Process(
            name=name, argv=(str(program), *words, *arguments), enter=self.enter, ready=ready, inputs=(*named, *inputs)
        )
