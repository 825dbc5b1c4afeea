"""Which cluster a stack is on, for the few things that the program itself asks its API server."""

from dataclasses import dataclass

from kubernetes import client, config


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A kubeconfig file and the context in it: the same that the Kubernetes provider is given."""

    kubeconfig: str
    context: str

    def api_client(self) -> client.ApiClient:
        """A client of the official library for this cluster; loading it reads the file, no request is made."""
        return config.new_client_from_config(config_file=self.kubeconfig, context=self.context)
