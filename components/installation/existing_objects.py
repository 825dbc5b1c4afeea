"""Objects that exist on a cluster and their owners, read before a stack creates anything.

The program blocks meanwhile, so each request is made once and has a short timeout.
"""

from dataclasses import dataclass
from typing import Any

import pulumi
import urllib3
from kubernetes import client

from ..core.cluster import Cluster
from ..core.kserve_api import message
from ..core.ownership import MARK
from ..core.problem import ROOT, Problem, Text
from ..upstream import Document

_WAIT_FOR = "pulumi.com/waitFor"
_TIMEOUT_SECONDS = 3  # the library takes whole seconds, and silently no others
_KUBE_SYSTEM: Document = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system"}}
"""Exists as long as the cluster, so its UID identifies the cluster."""


@dataclass(frozen=True)
class Existing:
    """An object on the cluster."""

    kind: str
    name: str
    owner: str | None
    """The stack that its ownership annotation names, or SHARED; None without the annotation."""
    being_deleted: bool
    """Whether it is being deleted."""
    awaited: bool
    """Whether a Pulumi program waited for it to be established, as this one did before it annotated objects."""


class ExistingObjects:
    """The objects of one cluster.

    Raises:
        ConnectionError: The cluster does not answer; each method raises it.
    """

    refused: list[Problem]
    """Requests that the API server refused, and the right that each needs."""

    def __init__(self, cluster: Cluster) -> None:
        """Reads the kubeconfig."""
        self.refused = []
        if not cluster.file.is_file():
            raise ConnectionError("the file does not exist")
        try:
            self._api = cluster.api_client(retries=False)
        except Exception as problem:  # whatever the library makes of a file that is no kubeconfig
            raise ConnectionError(f"the file cannot be used ({type(problem).__name__}: {problem})") from problem

    def cluster_uid(self) -> str:
        """Returns the cluster's identity.

        Raises:
            RunError: the user of the kubeconfig may not read it.
        """
        try:
            found = self._get(_path(_KUBE_SYSTEM), "PartialObjectMetadata") or {}
        except PermissionError as problem:
            raise pulumi.RunError(
                f"The cluster does not tell which one it is: {problem}.\n"
                "Expected the right to get the namespace kube-system, for the user of the context: a ClusterRole with\n"
                '  {apiGroups: [""], resources: [namespaces], resourceNames: [kube-system], verbs: [get]}'
            ) from None
        if not (uid := found.get("metadata", {}).get("uid")):
            raise ConnectionError("what answers there is no Kubernetes cluster: it has no namespace kube-system")
        return str(uid)

    def find(self, document: Document, *, needed: bool = True) -> Existing | None:
        """Returns the object of the document's kind and name; a refusal is recorded only if the answer is `needed`."""
        try:
            found = self._get(_path(document), "PartialObjectMetadata")
        except PermissionError as problem:
            if needed:
                self._refuse(reference(document), f"get {_resource(document)}", problem)
            return None
        return _existing(document["kind"], found) if found else None

    def all(self, document: Document) -> list[Existing]:
        """Returns all objects of the document's kind."""
        try:
            found = self._get(_collection(document), "PartialObjectMetadataList") or {}
        except PermissionError as problem:
            self._refuse(reference(document), f"list {_resource(document)}", problem)
            return []
        return [_existing(document["kind"], item) for item in found.get("items") or []]

    def served(self, group_version: str) -> set[str] | None:
        """Returns the plural names of the resources in one version of a group; None if the request is refused."""
        try:
            found = self._get(f"/apis/{group_version}") or {}
        except PermissionError as problem:
            self._refuse(f"/apis/{group_version}", "get this path", problem)
            return None
        return {resource["name"] for resource in found.get("resources", [])}

    def _refuse(self, request: str, right: str, error: PermissionError) -> None:
        self.refused.append(Problem(ROOT / "cluster", Text(f"{request}: {error}"), f"the right to {right}"))

    def _get(self, path: str, form: str = "") -> dict[str, Any] | None:
        """Sends one request; None means 404."""
        accept = "application/json" + (f";as={form};g=meta.k8s.io;v=v1" if form else "")
        try:
            found = self._api.call_api(
                path,
                "GET",
                header_params={"Accept": accept},
                auth_settings=["BearerToken"],
                response_type="object",
                _return_http_data_only=True,
                _request_timeout=_TIMEOUT_SECONDS,
            )
        except client.ApiException as problem:
            if problem.status == 404:
                return None
            if problem.status == 403:
                raise PermissionError(message(problem)) from None
            raise ConnectionError(f"{problem.status}: {message(problem)}") from problem
        except (urllib3.exceptions.HTTPError, OSError) as problem:
            raise ConnectionError(str(problem)) from problem
        if not isinstance(found, dict):
            raise ConnectionError("what answers there is no Kubernetes API server")
        return found


def reference(thing: Document | Existing) -> str:
    """Returns kind and name as kubectl takes them."""
    kind, name = (thing.kind, thing.name) if isinstance(thing, Existing) else (thing["kind"], thing["metadata"]["name"])
    return f"{'crd' if kind == 'CustomResourceDefinition' else kind.lower()}/{name}"


def _existing(kind: str, found: dict[str, Any]) -> Existing:
    metadata = found["metadata"]
    annotations = metadata.get("annotations", {})
    return Existing(
        kind=kind,
        name=metadata["name"],
        owner=annotations.get(MARK),
        being_deleted="deletionTimestamp" in metadata,
        awaited=annotations.get(_WAIT_FOR) == "condition=Established",
    )


def _resource(document: Document) -> str:
    return _collection(document).rpartition("/")[2]


def _path(document: Document) -> str:
    return f"{_collection(document)}/{document['metadata']['name']}"


def _collection(document: Document) -> str:
    """Returns the path of the collection of a cluster-scoped kind."""
    version = document["apiVersion"]
    return f"/{'apis' if '/' in version else 'api'}/{version}/{document['kind'].lower()}s"
