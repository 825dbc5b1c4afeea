"""Which cluster a stack is on, for the few things that the program itself asks its API server."""

import shlex
from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_kubernetes as kubernetes
from kubernetes import client, config


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A kubeconfig file and the context in it: the same that the Kubernetes provider is given."""

    kubeconfig: str
    """Its path, which may start with `~`. It stays as it is written, so that a stack's state is the same for everyone
    who works on it; the provider knows what it means."""
    context: str

    @property
    def file(self) -> Path:
        """The kubeconfig on this machine."""
        return Path(self.kubeconfig).expanduser()

    def provider(
        self,
        name: str,
        *,
        kubeconfig: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> kubernetes.Provider:
        """Create the Kubernetes provider of this cluster, with the settings that the components rely on.

        Args:
            name: resource name of the provider.
            kubeconfig: path of the kubeconfig; the output of a `ClusterGuard` makes the provider wait for it.
            opts: resource options.
        """
        return kubernetes.Provider(
            name,
            kubeconfig=self.kubeconfig if kubeconfig is None else kubeconfig,
            context=self.context,
            # It keeps a moved or rewritten kubeconfig from replacing all resources.
            cluster_identifier=f"{pulumi.get_project()}/{pulumi.get_stack()}",
            enable_server_side_apply=True,
            enable_config_map_mutable=True,
            enable_secret_mutable=True,
            opts=opts,
        )

    def api_client(self, *, retries: bool = True) -> client.ApiClient:
        """A client of the official library for this cluster; loading it reads the file, no request is made.

        By itself it makes a request that fails to connect three times more, and each time waits for the whole timeout.
        """
        configuration = client.Configuration()
        if not retries:
            configuration.retries = False
        return config.new_client_from_config(
            config_file=str(self.file), context=self.context, client_configuration=configuration
        )

    def kubectl(self, *arguments: str) -> str:
        """A command line for people: kubectl on this cluster, whichever context happens to be the current one."""
        return shlex.join(["kubectl", f"--kubeconfig={self.file}", f"--context={self.context}", *arguments])
