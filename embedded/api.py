"""Minimal client for the Kubernetes API requests of a node's start; a full client takes longer to load."""

import http.client
import json
import ssl
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from embedded.certificates import Authority, Pair
from embedded.errors import EmbeddedError


class Api:
    """Client of `server` that authenticates as `identity` and trusts only `authority`."""

    def __init__(self, server: str, authority: Authority, identity: Pair) -> None:
        self._address = urlsplit(server)
        self._tls = ssl.create_default_context(cafile=str(authority.pair.certificate))
        self._tls.load_cert_chain(identity.certificate, identity.key)

    def request(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Send a request and return the status and the decoded body (plain text if it is not a JSON object)."""
        connection = http.client.HTTPSConnection(
            self._address.hostname or "", self._address.port, timeout=5, context=self._tls
        )
        try:
            headers = {"Content-Type": "application/json"}
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            response = connection.getresponse()
            text = response.read().decode()
        except http.client.HTTPException as error:
            raise ConnectionError(str(error)) from error
        finally:
            connection.close()
        return response.status, json.loads(text) if text.startswith("{") else text

    def ready(self) -> bool:
        """Whether the API server has finished its start."""
        return self.request("GET", "/readyz")[0] == http.client.OK

    def takes_pods(self) -> bool:
        """Whether pods can be created, which requires the service account that a controller creates after the start."""
        return self.request("GET", "/api/v1/namespaces/default/serviceaccounts/default")[0] == http.client.OK

    def put_once(self, path: str, document: object) -> None:
        """Create `document` in the collection `path` unless it exists."""
        status, answer = self.request("POST", path, document)
        if status not in (http.client.CREATED, http.client.CONFLICT):
            raise EmbeddedError(f"the API server refused {document} at {path}: {status} {answer}")

    def node_condition(self, node: str) -> tuple[bool, float, str]:
        """Whether `node` is Ready, its last heartbeat (seconds since the epoch), and the reason it reports."""
        status, answer = self.request("GET", f"/api/v1/nodes/{node}")
        if status != http.client.OK:
            return False, 0.0, "not registered yet"
        for condition in answer["status"].get("conditions", []):
            if condition["type"] == "Ready":
                beat = datetime.fromisoformat(condition["lastHeartbeatTime"]).timestamp()
                return condition["status"] == "True", beat, condition.get("message", "")
        return False, 0.0, "no status reported yet"
