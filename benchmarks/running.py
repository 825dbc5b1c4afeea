"""What the programs of the benchmark have in common: the installation that the stack `dev` has up, said by name.

Nothing of it is registered, so nothing of it is changed or taken away by them.
"""

import pulumi

import components as mm
from settings import Settings


def namespace(s: Settings, opts: pulumi.ResourceOptions) -> mm.ModelNamespace:
    """The namespace of the controller, in which models are served, too."""
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
    return mm.ModelNamespace("models", args, opts)
