"""References to the installation of the stack `dev`, for the programs of the benchmarks.

No resource is registered for it, so the programs neither change nor delete it.
"""

import os

import pulumi

import components as mm
import settings
from project import ROOT
from settings import Settings


def installed() -> tuple[Settings, mm.ModelNamespace, pulumi.ResourceOptions]:
    """Settings of the stack `dev`, the namespace of its controller, and options for resources on its cluster."""
    os.chdir(ROOT)  # where relative paths of the configuration start
    s = settings.load()
    opts = pulumi.ResourceOptions(providers=[s.cluster.provider("cluster")])
    there = pulumi.Output.from_input(s.namespace)
    installation = mm.installation.Installation(
        cluster=s.cluster,
        namespace_name=s.namespace,
        model_namespaces=(s.namespace,),
        config=s.serving,
        namespace=there,
        admitting=there,
    )
    storage = mm.stores.ExistingStorage(secret_name=s.serving.storage_secret_name)
    args = mm.ModelNamespaceArgs(installation=installation, namespace=s.namespace, storage=storage)
    return s, mm.ModelNamespace("models", args, opts), opts
