"""What is on a cluster already, asked before a stack makes anything: whose objects are, and no more of them.

The program stands still meanwhile, so each request is made once and given up soon.
"""

from dataclasses import dataclass
from typing import Any

import pulumi
import urllib3
from kubernetes import client

from ..core.cluster import Cluster
from ..core.kserve_api import message
from ..core.ownership import MARK
from ..upstream import Document

_WAIT_FOR = "pulumi.com/waitFor"
_TIMEOUT_SECONDS = 3  # the library takes whole seconds, and silently no others
_KUBE_SYSTEM: Document = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system"}}
"""Every cluster has it from its first day to its last, so its UID is the cluster's."""


@dataclass(frozen=True)
class Existing:
    """An object that is there."""

    kind: str
    name: str
    owner: str | None
    """The stack whose mark it has, or SHARED; None without a mark."""
    going: bool
    """It is being deleted."""
    awaited: bool
    """A Pulumi program waited for its being established, as this one did before there were marks."""


class ExistingObjects:
    """One cluster's objects. Whatever is asked of it raises ConnectionError where the cluster does not answer."""

    refused: list[str]
    """What could not be asked, for want of a right, as "object: what is expected"."""

    def __init__(self, cluster: Cluster) -> None:
        """Reads the kubeconfig. Raises ConnectionError where it cannot be used."""
        self.refused = []
        if not cluster.file.is_file():
            raise ConnectionError("there is no such file")
        try:
            self._api = cluster.api_client(retries=False)
        except Exception as problem:  # whatever the library makes of a file that is no kubeconfig
            raise ConnectionError(f"the file cannot be used ({type(problem).__name__}: {problem})") from problem

    def cluster_uid(self) -> str:
        """The cluster's identity. Raises RunError where it may not be asked."""
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
        """The object that has the document's kind and name; a refusal counts only where the answer is `needed`."""
        try:
            found = self._get(_path(document), "PartialObjectMetadata")
        except PermissionError as problem:
            if needed:
                self._refuse(document, "get", problem)
            return None
        return _existing(document["kind"], found) if found else None

    def all(self, document: Document) -> list[Existing]:
        """All objects of the document's kind."""
        try:
            found = self._get(_collection(document), "PartialObjectMetadataList") or {}
        except PermissionError as problem:
            self._refuse(document, "list", problem)
            return []
        return [_existing(document["kind"], item) for item in found.get("items") or []]

    def served(self, group_version: str) -> set[str] | None:
        """The resources of one version of a group, by their plural names; None where it may not be asked."""
        try:
            found = self._get(f"/apis/{group_version}") or {}
        except PermissionError as problem:
            self.refused.append(f"/apis/{group_version}: {problem}; expected the right to get it")
            return None
        return {resource["name"] for resource in found.get("resources", [])}

    def _refuse(self, document: Document, verb: str, problem: PermissionError) -> None:
        resource = _collection(document).rpartition("/")[2]
        self.refused.append(f"{reference(document)}: {problem}; expected the right to {verb} {resource}")

    def _get(self, path: str, form: str = "") -> dict[str, Any] | None:
        """None for 404. Raises PermissionError with the API server's text for 403."""
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
    """Kind and name as kubectl takes them."""
    kind, name = (thing.kind, thing.name) if isinstance(thing, Existing) else (thing["kind"], thing["metadata"]["name"])
    return f"{'crd' if kind == 'CustomResourceDefinition' else kind.lower()}/{name}"


def _existing(kind: str, found: dict[str, Any]) -> Existing:
    metadata = found["metadata"]
    annotations = metadata.get("annotations", {})
    return Existing(
        kind=kind,
        name=metadata["name"],
        owner=annotations.get(MARK),
        going="deletionTimestamp" in metadata,
        awaited=annotations.get(_WAIT_FOR) == "condition=Established",
    )


def _path(document: Document) -> str:
    return f"{_collection(document)}/{document['metadata']['name']}"


def _collection(document: Document) -> str:
    """Of a kind that no namespace holds."""
    version = document["apiVersion"]
    return f"/{'apis' if '/' in version else 'api'}/{version}/{document['kind'].lower()}s"
