"""etcd inside the cluster: one member on an `emptyDir`, and the Secret by which ModelMesh finds it.

Ephemeral on purpose: what it holds is ModelMesh's registry of models, which outlives etcd's pod as long as the mesh
pods live. Persistence and an etcd outside the cluster are not this component's.
"""

import json
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

from .kept_secret import encoded
from .pods import container_security, pod_security

_PORT = 2379
_NAME = "etcd"


@dataclass(frozen=True, kw_only=True)
class EtcdArgs:
    """Where it runs, from which image (`etcd` on its PATH), and the prefix of ModelMesh's keys in it."""

    namespace: pulumi.Input[str]
    image: str
    root_prefix: str


class Etcd(pulumi.ComponentResource):
    """A single etcd and its connection Secret."""

    secret_name: pulumi.Output[str]

    def __init__(self, name: str, args: EtcdArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelmesh:index:Etcd", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        labels = {"app": _NAME}
        metadata = {"name": _NAME, "namespace": args.namespace, "labels": labels}
        client_url = f"http://0.0.0.0:{_PORT}"
        kubernetes.apps.v1.Deployment(
            name,
            metadata=metadata,
            spec={
                "replicas": 1,
                "strategy": {"type": "Recreate"},  # two members that do not know each other must never answer together
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {
                        "automountServiceAccountToken": False,
                        "securityContext": pod_security(),
                        "containers": [
                            {
                                "name": "etcd",
                                "image": args.image,
                                "command": ["etcd", "--data-dir=/data"],
                                "args": [f"--listen-client-urls={client_url}", f"--advertise-client-urls={client_url}"],
                                "ports": [{"name": "client", "containerPort": _PORT}],
                                "readinessProbe": {
                                    "httpGet": {"path": "/health", "port": "client"},
                                    "periodSeconds": 2,
                                },
                                "resources": {
                                    "requests": {"cpu": "50m", "memory": "64Mi"},
                                    "limits": {"cpu": "1", "memory": "512Mi"},
                                },
                                "securityContext": container_security(),
                                "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                            }
                        ],
                        "volumes": [{"name": "data", "emptyDir": {}}],
                    },
                },
            },
            opts=child,
        )
        kubernetes.core.v1.Service(
            name,
            metadata=metadata,
            spec={"selector": labels, "ports": [{"name": "client", "port": _PORT, "targetPort": "client"}]},
            opts=child,
        )
        connection: pulumi.Output[str] = pulumi.Output.from_input(args.namespace).apply(
            # The whole name: mesh pods of other namespaces look it up, too.
            lambda ns: json.dumps({"endpoints": f"http://{_NAME}.{ns}.svc:{_PORT}", "root_prefix": args.root_prefix})
        )
        secret = kubernetes.core.v1.Secret(
            f"{name}-connection",
            metadata={"name": "model-serving-etcd", "namespace": args.namespace},
            data=connection.apply(lambda text: encoded({"etcd_connection": text})),
            opts=child,
        )
        self.secret_name = secret.metadata.apply(lambda metadata: str(metadata.name))
        self.register_outputs({"secret_name": self.secret_name})
