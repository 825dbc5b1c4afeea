"""A one-machine Kubernetes node, image registry and image builder, for who has no cluster of their own.

Owns what `python -m embedded` starts and takes back. Knows nothing of the stack that is deployed on it: it hands out
a kubeconfig, a registry, a builder and image references, and whoever has those from elsewhere needs nothing of this.
"""
