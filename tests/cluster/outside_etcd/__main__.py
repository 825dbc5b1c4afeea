"""A mesh whose etcd is there already, and talks TLS only to clients that show a certificate.

That etcd stands in a namespace of its own, as somebody else's would; its authority also issues the mesh's certificate.
"""

import dataclasses

import pulumi
from pulumi_kubernetes import apps, core

import components as mm
import settings
from components.stores.certificate import Certificate, CertificateArgs

PORT = 2379
FILES = "/etc/etcd"
LABELS = {"app": "etcd"}

s = settings.load()
kube = s.cluster.provider("cluster")
opts = pulumi.ResourceOptions(providers=[kube, mm.image_builder("builder", s.build)])

outside = mm.Namespace("outside", mm.NamespaceArgs(namespace="outside", serves_models=False), opts).namespace
certificate = Certificate(
    "etcd",
    CertificateArgs(namespace=outside, secret_name="etcd", dns_names=["etcd.outside.svc"]),  # noqa: S106
    opts,
)
server = apps.v1.StatefulSet(
    "etcd",
    metadata={"name": "etcd", "namespace": outside, "labels": LABELS},
    spec={
        "serviceName": "etcd",
        "selector": {"matchLabels": LABELS},
        "template": {
            "metadata": {"labels": LABELS},
            "spec": {
                "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "fsGroup": 1000},
                "containers": [
                    {
                        "name": "etcd",
                        "image": str(s.images.etcd),
                        "command": ["etcd", "--data-dir=/data/etcd"],
                        "args": [
                            f"--listen-client-urls=https://0.0.0.0:{PORT}",
                            f"--advertise-client-urls=https://etcd.outside.svc:{PORT}",
                            f"--cert-file={FILES}/tls.crt",
                            f"--key-file={FILES}/tls.key",
                            f"--trusted-ca-file={FILES}/ca.crt",
                            "--client-cert-auth",
                        ],
                        "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 2},
                        "volumeMounts": [
                            {"name": "data", "mountPath": "/data"},
                            {"name": "certificate", "mountPath": FILES, "readOnly": True},
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
    opts=opts,
)
core.v1.Service(
    "etcd",
    metadata={"name": "etcd", "namespace": outside},
    spec={"selector": LABELS, "ports": [{"port": PORT}]},
    opts=opts,
)
values = certificate.values()
etcd = mm.stores.EtcdConnection(
    endpoints=[f"https://etcd.outside.svc:{PORT}"],
    root_prefix="outside",
    certificate=values["ca.crt"],
    client_certificate=values["tls.crt"],
    client_key=values["tls.key"],
)

image = mm.RuntimeImage("runtime", s.runtime_image(), opts)
ns = mm.Namespace("namespace", s.controller_namespace(), opts).namespace
minio = mm.Minio("minio", s.minio(namespace=ns), opts)
model = mm.ModelArtifact(
    "model",
    s.model(namespace=ns, storage=minio.storage),
    opts,
)
serving = mm.ModelMeshServing(
    "modelmesh",
    s.installation(namespace=ns, etcd=etcd),
    pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[server])),
)
models = mm.ModelNamespace("models", s.models(serving.installation, storage=minio.storage), opts)
args = s.runtime(namespace=models, image=image.ref)
runtime = mm.ServingRuntime("runtime", dataclasses.replace(args, labels={"etcd": "outside"}), opts)
served = s.service(namespace=models, runtime=runtime, path=model.path, image=image.ref)
service = mm.InferenceService("service", served, opts)

pulumi.export("inferenceService", s.inference_service)
pulumi.export("grpcUrl", service.grpc_url)
