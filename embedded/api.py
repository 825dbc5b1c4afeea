"""The few requests that a node's start makes of its Kubernetes API; a full client takes longer to load than they do."""

import http.client
import json
import ssl
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from embedded.certificates import Authority, Pair
from embedded.errors import EmbeddedError


class Api:
    """Requests to `server` as `identity`, trusting `authority` alone."""

    def __init__(self, server: str, authority: Authority, identity: Pair) -> None:
        self._address = urlsplit(server)
        self._tls = ssl.create_default_context(cafile=str(authority.pair.certificate))
        self._tls.load_cert_chain(identity.certificate, identity.key)

    def request(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Status and decoded body (text where it is no JSON); raises OSError if the server can't be reached."""
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
        """Whether pods can be created: they need the service account that a controller makes soon after the start."""
        return self.request("GET", "/api/v1/namespaces/default/serviceaccounts/default")[0] == http.client.OK

    def put_once(self, path: str, document: object) -> None:
        """Create `document` in the collection `path` unless it is there."""
        status, answer = self.request("POST", path, document)
        if status not in (http.client.CREATED, http.client.CONFLICT):
            raise EmbeddedError(f"the API server refused {document} at {path}: {status} {answer}")

    def node_condition(self, node: str) -> tuple[bool, float, str]:
        """Whether `node` is Ready, when it last said so (seconds since the epoch), and the reason it gives."""
        status, answer = self.request("GET", f"/api/v1/nodes/{node}")
        if status != http.client.OK:
            return False, 0.0, "not registered yet"
        for condition in answer["status"].get("conditions", []):
            if condition["type"] == "Ready":
                beat = _seconds(condition["lastHeartbeatTime"])
                return condition["status"] == "True", beat, condition.get("message", "")
        return False, 0.0, "no state reported yet"


def _seconds(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()
