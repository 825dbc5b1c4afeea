"""Rules for stacks in production.

Stores are persistent, the controller has a second replica, and traffic uses TLS: from clients of the mesh always, to
etcd and model stores if they are outside the cluster. Inside the cluster the stack's own stores use plain HTTP:
requests to MinIO are signed and do not contain the password, and etcd holds the models' locations. If other pods must
not read or change those, configure an external etcd and store with TLS and users.
"""

import base64
import binascii
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from .policy import Policy, Setting, Settings
from .reading import UNKNOWN, at, entries, text, texts
from .resource import SERVING_CONFIG, Resource

_CONTROLLER = "modelmesh-controller"
_ADDRESSES = ("endpoints", "endpoint_url", "url")
"""Fields with addresses in the Secrets of etcd and of model stores."""


def _ready(resource: Resource, settings: Settings) -> Iterator[str]:
    if resource.stack in settings["productionStacks"]:
        for rule in (_kept, _taken_over, _encrypted, _encrypted_outside):
            yield from rule(resource)


def _kept(resource: Resource) -> Iterator[str]:
    if resource.kind != "StatefulSet":
        return
    claims = at(resource.properties, "spec", "volumeClaimTemplates")
    volumes = at(resource.properties, "spec", "template", "spec", "volumes")
    if claims or volumes is UNKNOWN or UNKNOWN in (volumes or ()):
        return
    if not any("persistentVolumeClaim" in volume for _, volume in entries(volumes)):
        yield "spec.template.spec.volumes: no claim, expected one: the data is deleted with its pod"


def _taken_over(resource: Resource) -> Iterator[str]:
    if resource.kind == "Deployment" and resource.name == _CONTROLLER:
        replicas = at(resource.properties, "spec", "replicas")
        if replicas is None or (isinstance(replicas, int | float) and replicas < 2):
            yield f"spec.replicas: {1 if replicas is None else replicas:g}, expected 2 or more for failover"


def _encrypted(resource: Resource) -> Iterator[str]:
    config = resource.serving_config
    if config is not None and not at(config, "tls", "secretName"):
        yield f"{SERVING_CONFIG}.tls.secretName: missing, expected a Secret with a certificate"


def _encrypted_outside(resource: Resource) -> Iterator[str]:
    """Unencrypted addresses outside the cluster; they are in Secrets, so violations do not quote them."""
    if resource.kind == "Secret":
        for key, value in texts(at(resource.properties, "data")):
            entry = _parsed(value)
            for field in _ADDRESSES:
                for address in (text(at(entry, field)) or "").split(","):
                    if address.startswith("http://") and not _in_cluster(urlsplit(address).hostname or ""):
                        yield f"data[{key}].{field}: http to a host outside the cluster, expected https"


def _parsed(value: str) -> Any:
    try:
        return json.loads(base64.b64decode(value, validate=True))
    except (binascii.Error, ValueError):
        return None


def _in_cluster(host: str) -> bool:
    """Whether a host is the full name of a Service, <service>.<namespace>.svc, or of one of its pods."""
    return "svc" in host.split(".")[2:4]


PRODUCTION = Policy(
    name="production",
    description="A stack in production keeps its data, speaks TLS and survives the loss of a controller.",
    rule=_ready,
    settings={"productionStacks": Setting(description="Names of the stacks in production", default=("prod",))},
)
