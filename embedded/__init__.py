"""A one-machine Kubernetes node, image registry and image builder, for users without a cluster.

`python -m embedded` starts and stops them. The package is independent of the stack that is deployed on the node: it
provides a kubeconfig, a registry, a builder and image references, all of which a stack can also get from elsewhere.
"""
