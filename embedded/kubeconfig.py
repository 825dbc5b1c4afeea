"""Kubeconfig files with one context and all credentials embedded, so that they can be used from anywhere."""

import base64
from pathlib import Path

from embedded import files
from embedded.certificates import Pair


def write(path: Path, *, server: str, name: str, authority: Path, identity: Pair) -> Path:
    """Write a private (0600) kubeconfig with the context `name`."""
    return files.write_yaml(
        path,
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": {"server": server, "certificate-authority-data": _data(authority)}}],
            "users": [
                {
                    "name": name,
                    "user": {
                        "client-certificate-data": _data(identity.certificate),
                        "client-key-data": _data(identity.key),
                    },
                }
            ],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "current-context": name,
        },
    )


def _data(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
