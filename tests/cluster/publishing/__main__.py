"""A store and a model in it. A file `wrong-key` beside the program makes the publisher use a key that is wrong."""

import dataclasses
from pathlib import Path

import pulumi

import components as mm
import settings

s = settings.load()
kube = s.cluster.provider("cluster")
opts = pulumi.ResourceOptions(providers=[kube, mm.image_builder("builder", s.build)])
ns = mm.Namespace("namespace", s.controller_namespace(), opts).namespace
storage = mm.Minio("minio", s.minio(namespace=ns), opts).storage
if Path("wrong-key").exists():
    storage = dataclasses.replace(storage, secret_access_key="not-the-key")  # noqa: S106
pulumi.export("path", mm.ModelArtifact("model", s.model(namespace=ns, storage=storage), opts).path)
