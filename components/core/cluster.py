"""The cluster of a stack, and access to it by the provider and by the program.

The provider's kubeconfig is part of the stack's state, and `pulumi refresh`, `pulumi up --refresh` and `pulumi destroy`
use it before, or without, running the program. If it were the user's file, which may lead to another cluster by then, a
refresh would find none of the stack's objects and drop them all from the state. So the provider gets a private copy of
the context. It is named after the cluster's UID and contains its address and CA: it leads to that cluster or nowhere.
"""

import base64
import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import yaml
from kubernetes import client, config

_FOLDER = "~/.kube/modelmesh"
_FILES = ("client-certificate", "client-key", "tokenFile")
_CA = "certificate-authority"


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A kubeconfig file and the context in it."""

    kubeconfig: str
    """Path of the kubeconfig file, which may start with `~`."""
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
        # The library reads the variable, but then discards it.
        configuration.no_proxy = os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
        if not retries:
            configuration.retries = False
        return config.new_client_from_config(
            config_file=str(self.file), context=self.context, client_configuration=configuration
        )

    def kubectl(self, *arguments: str) -> str:
        """A command line for people: kubectl on this cluster, whichever context happens to be the current one."""
        return shlex.join(["kubectl", f"--kubeconfig={self.file}", f"--context={self.context}", *arguments])

    @staticmethod
    def pinned(uid: str) -> str:
        """Path of the provider's copy for the cluster of that UID, with `~`: the same text on every machine."""
        return f"{_FOLDER}/{uid}"

    def pin(self, uid: str) -> str:
        """Write the provider's copy; `uid` is that of the cluster that the context was found to lead to."""
        path = self.pinned(uid)
        file, text = _expanded(path), yaml.safe_dump(self._minified())
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with NamedTemporaryFile("w", dir=file.parent, delete=False, encoding="utf-8") as draft:  # of mode 0600
                draft.write(text)
            Path(draft.name).replace(file)
        return path

    def _minified(self) -> dict[str, Any]:
        """The context with its cluster and its user; relative paths in them become absolute ones."""
        document = yaml.safe_load(self.file.read_text(encoding="utf-8"))
        context = _named(document, "contexts", self.context)
        server = _named(document, "clusters", context["context"]["cluster"])
        user = _named(document, "users", context["context"]["user"])
        folder = self.file.parent
        if authority := server["cluster"].pop(_CA, None):
            server["cluster"][f"{_CA}-data"] = base64.b64encode((folder / authority).read_bytes()).decode()
        for key in _FILES:
            if key in user["user"]:
                user["user"][key] = str(folder / user["user"][key])
        parts = {"clusters": [server], "users": [user], "contexts": [context]}
        return {"apiVersion": "v1", "kind": "Config", **parts}


def _named(document: dict[str, Any], section: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(entry for entry in document[section] if entry["name"] == name)
    return found


def _expanded(path: str) -> Path:
    """The file as the provider finds it: in the home folder of the account, whatever HOME says."""
    try:
        import pwd  # noqa: PLC0415  there is none on Windows

        return Path(pwd.getpwuid(os.getuid()).pw_dir, path.removeprefix("~/"))
    except (ImportError, KeyError):
        return Path(path).expanduser()
