"""Certificates, kubeconfigs and RBAC of the node's components."""

import base64
import secrets
from dataclasses import dataclass
from pathlib import Path

from embedded import files, volumes
from embedded.api import Api
from embedded.certificates import Authority, Pair, signing_key
from embedded.instance import DNS_DOMAIN, SERVICE_OF_API, Instance

# Kubernetes has built-in bindings for these names.
_USERS = {
    "kube-controller-manager": "system:kube-controller-manager",
    "kube-scheduler": "system:kube-scheduler",
    "kube-proxy": "system:kube-proxy",
}
_DNS = "embedded:coredns"
_VOLUMES = "embedded:local-path-provisioner"
_KUBELET_CLIENT = "embedded:apiserver-kubelet-client"
# Cluster-wide rights of these users.
_RULES = {
    _DNS: [
        {"apiGroups": [""], "resources": ["services", "pods", "namespaces"], "verbs": ["list", "watch"]},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
    ],
    _VOLUMES: [
        {"apiGroups": [""], "resources": ["persistentvolumeclaims"], "verbs": ["list", "watch"]},
        {"apiGroups": [""], "resources": ["persistentvolumes"], "verbs": ["list", "watch", "create", "delete"]},
        {"apiGroups": ["storage.k8s.io"], "resources": ["storageclasses"], "verbs": ["list", "watch"]},
        {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]},
    ],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Identities:
    """Every key, certificate and kubeconfig of the node."""

    cluster: Authority
    admin: Pair
    api_server: Pair
    kubelet_client: Pair
    kubelet: Pair
    service_accounts: Path
    etcd_authority: Authority
    etcd: Pair
    etcd_client: Pair
    kubeconfigs: dict[str, Path]

    def api(self, instance: Instance) -> Api:
        """Client of the node's API with administrator rights."""
        return Api(instance.api_server, self.cluster, self.admin)


def ensure(instance: Instance) -> Identities:
    """Create what is missing or about to expire, keep the rest, and write the kubeconfigs, including the user's."""
    folder = instance.data / "pki"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    node = str(instance.node_address)
    cluster, etcd = Authority(folder, "ca"), Authority(folder, "etcd-ca")
    in_cluster = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", f"kubernetes.default.svc.{DNS_DOMAIN}"]
    admin = cluster.issue("admin", "embedded:admin", ["system:masters"])
    kubelet = cluster.issue(
        "kubelet", f"system:node:{instance.full_name}", ["system:nodes"], [instance.full_name, node]
    )
    users = {name: cluster.issue(name, user) for name, user in _USERS.items()}
    users |= {
        "coredns": cluster.issue("coredns", _DNS),
        volumes.PROVISIONER: cluster.issue(volumes.PROVISIONER, _VOLUMES),
        "kubelet": kubelet,
    }
    _write_kubeconfig(instance.kubeconfig, instance, cluster, admin)
    return Identities(
        cluster=cluster,
        admin=admin,
        api_server=cluster.issue("kube-apiserver", "kube-apiserver", hosts=[*in_cluster, node, SERVICE_OF_API]),
        kubelet_client=cluster.issue("kubelet-client", _KUBELET_CLIENT),
        kubelet=kubelet,
        service_accounts=signing_key(folder, "service-accounts"),
        etcd_authority=etcd,
        etcd=etcd.issue("etcd", "etcd", hosts=["localhost", "127.0.0.1"]),
        etcd_client=etcd.issue("etcd-client", "kube-apiserver"),
        kubeconfigs={
            name: _write_kubeconfig(folder / f"{name}.kubeconfig", instance, cluster, identity)
            for name, identity in users.items()
        },
    )


def _write_kubeconfig(path: Path, instance: Instance, authority: Authority, identity: Pair) -> Path:
    """Write a private kubeconfig with embedded credentials, so that it can be used from anywhere."""

    def data(file: Path) -> str:
        return base64.b64encode(file.read_bytes()).decode()

    name = instance.context
    cluster = {"server": instance.api_server, "certificate-authority-data": data(authority.pair.certificate)}
    user = {"client-certificate-data": data(identity.certificate), "client-key-data": data(identity.key)}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": cluster}],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }
    return files.write_yaml(path, document)


def encryption_secret(instance: Instance) -> str:
    """Encryption key of Secrets in etcd; created once, since a new key could not read existing Secrets."""
    path = instance.data / "pki/secrets-encryption.key"
    if not path.exists():
        files.write(path, base64.b64encode(secrets.token_bytes(32)))
    return path.read_text()


def grant(api: Api) -> None:
    """Grant the rights for which Kubernetes has no built-in binding."""
    group = "rbac.authorization.k8s.io"
    cluster = f"/apis/{group}/v1"
    for user, rules in _RULES.items():
        api.put_once(f"{cluster}/clusterroles", {"metadata": {"name": user}, "rules": rules})

    def bind(folder: str, user: str, kind: str, role: str) -> None:
        reference = {"apiGroup": group, "kind": kind, "name": role}
        subject = {"apiGroup": group, "kind": "User", "name": user}
        api.put_once(folder, {"metadata": {"name": user}, "roleRef": reference, "subjects": [subject]})

    for user, role in ((_DNS, _DNS), (_VOLUMES, _VOLUMES), (_KUBELET_CLIENT, "system:kubelet-api-admin")):
        bind(f"{cluster}/clusterrolebindings", user, "ClusterRole", role)
    # A pod may use any service account of its namespace, so this account is alone in its namespace.
    own = f"{cluster}/namespaces/{volumes.NAMESPACE}"
    pods = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "create", "delete"]}
    api.put_once(f"{own}/roles", {"metadata": {"name": _VOLUMES}, "rules": [pods]})
    bind(f"{own}/rolebindings", _VOLUMES, "Role", _VOLUMES)
