"""What a stack keeps, publishes, certifies and rolls out, without ModelMesh Serving, which takes a minute to start."""

import pulumi
from pulumi_kubernetes import apps

import components as mm
import settings
from components.core.component import Component
from components.stores.certificate import Certificate, CertificateArgs

LABELS = {"app": "server"}

s = settings.load()
guard = mm.ClusterGuard("guard", s.guard())
kube = s.cluster.provider("cluster", kubeconfig=guard.kubeconfig)
opts = pulumi.ResourceOptions(providers=[kube, mm.image_builder("builder", s.build)])

ns = mm.Namespace("namespace", s.controller_namespace(), opts).namespace
minio = mm.Minio("minio", s.minio(namespace=ns), opts)
names = ["server", *s.values["tls"].get("dnsNames", ())]
certificate = Certificate("server", CertificateArgs(namespace=ns, secret_name="server", dns_names=names), opts)  # noqa: S106
mm.ModelArtifact("model", s.model(namespace=ns, storage=minio.storage), opts)
server = Component("modelmesh:test:Server", "server", {}, opts)
apps.v1.Deployment(
    "server",
    metadata={"name": "server", "namespace": ns},
    spec={
        "selector": {"matchLabels": LABELS},
        "template": {
            "metadata": {"labels": LABELS},
            "spec": {
                "securityContext": {"runAsNonRoot": True, "runAsUser": 1000},
                "containers": [
                    {
                        "name": "server",
                        "image": str(s.images.etcd),
                        "command": ["etcd", "--data-dir=/data/etcd"],
                        "resources": {"limits": {"memory": s.values["runtimeMemory"]}},
                        "volumeMounts": [
                            {"name": "data", "mountPath": "/data"},
                            {"name": "certificate", "mountPath": "/certificate", "readOnly": True},
                        ],
                    }
                ],
                "volumes": [
                    {"name": "data", "emptyDir": {}},
                    {"name": "certificate", "secret": {"secretName": certificate.secret_name}},
                ],
            },
        },
    },
    opts=pulumi.ResourceOptions(parent=server),
)
