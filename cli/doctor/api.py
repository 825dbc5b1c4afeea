"""Reading from the API server: GET is the only kind of request that this module can send."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import urllib3
from kubernetes import client

from cli.errors import CommandError

Object = dict[str, Any]

TIMEOUT_SECONDS = 8
_RESOURCE = re.compile(
    r"(?:/api/v1|/apis/(?P<group>[^/]+)/[^/]+)(?:/namespaces/(?P<namespace>[^/]+))?"
    r"/(?P<plural>[^/]+)(?:/[^/]+(?:/(?P<subresource>[^/]+).*)?)?"
)


class Identity(NamedTuple):
    """An object of the cluster; the namespace of a cluster-scoped one is empty."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        """Return kind, namespace and name as pages show them."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


class DeniedError(Exception):
    """The API server refuses a request of this account."""


class Api:
    """One API server, with the rights of one account."""

    def __init__(self, api_client: client.ApiClient) -> None:
        self._client = api_client
        self._plurals = cache(self._discovered)

    def get(self, path: str, *, accept: str = "application/json", kind: str = "object", **query: Any) -> Any:
        """Return the parsed answer, or None for 404.

        Raises:
            DeniedError: The account has no right to read this.
            CommandError: The API server does not answer, or does not accept the credentials.
        """
        try:
            return self._client.call_api(
                path, "GET", query_params=list(query.items()), header_params={"Accept": accept},
                auth_settings=["BearerToken"], response_type=kind, _return_http_data_only=True,
                _request_timeout=TIMEOUT_SECONDS,
            )  # fmt: skip
        except client.ApiException as problem:
            if problem.status == 404:
                return None
            if problem.status == 403:
                raise DeniedError(_described(path)) from None
            if problem.status == 401:
                raise CommandError(
                    f"the API server does not accept the credentials of the kubeconfig (401 to GET {path}): renew them"
                ) from None
            raise CommandError(f"the API server answers {problem.status} {problem.reason} to GET {path}") from None
        except (urllib3.exceptions.HTTPError, OSError) as problem:
            raise CommandError(f"the API server does not answer GET {path}: {problem}") from None

    def read(self, api_version: str, identity: Identity) -> Object | None:
        """Return one object, or None if it or its kind does not exist."""
        path = self._path(api_version, identity.kind, identity.namespace)
        found: Object | None = self.get(f"{path}/{identity.name}") if path else None
        return found

    def listed(self, api_version: str, kind: str, namespace: str, **query: str) -> list[Object]:
        """Return all objects of a kind in a namespace; none if the kind does not exist."""
        path = self._path(api_version, kind, namespace)
        found = self.get(path, **query) if path else None
        return [{"kind": kind, **each} for each in (found or {}).get("items", [])]

    def log(self, namespace: str, pod: str, container: str, *, previous: bool, lines: int) -> list[str]:
        """Return the last lines of a container's log, or none if there is no log."""
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log"
        query = {"container": container, "tailLines": lines, "previous": str(previous).lower()}
        try:
            text = self.get(path, accept="*/*", kind="str", **query)
        except CommandError:  # 400 for a container that has not started
            return []
        return str(text or "").splitlines()

    def _path(self, api_version: str, kind: str, namespace: str) -> str:
        plural = self._plurals(api_version).get(kind)
        place = f"/namespaces/{namespace}" if namespace else ""
        return f"{_root(api_version)}{place}/{plural}" if plural else ""

    def _discovered(self, api_version: str) -> Mapping[str, str]:
        """Return the plural of each kind."""
        found = self.get(_root(api_version)) or {"resources": []}
        return {each["kind"]: each["name"] for each in found["resources"] if "/" not in each["name"]}


def _described(path: str) -> str:
    """Return the resource of a path as roles name it, and its namespace."""
    found = _RESOURCE.fullmatch(path)
    if not found:
        return path
    resource = "/".join(filter(None, [found["plural"], found["subresource"]]))
    group = f".{found['group']}" if found["group"] else ""
    return f"{resource}{group}" + (f" in {found['namespace']}" if found["namespace"] else "")


def _root(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
