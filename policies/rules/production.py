"""What a stack that others rely on has, and a stack for development need not have.

Its stores keep their data, a second controller takes over from the first, and it speaks TLS: with clients of the mesh
always, with an etcd or a model store where they are not in the cluster. Within it the stack's own stores speak plain
http: requests to MinIO are signed, not sent with the password, and etcd holds which model is where. Where that is not
to be read or changed by other pods, an etcd and a store with TLS and users take their place in the stack's config.
"""

import base64
import binascii
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from .policy import Policy, Setting, Settings
from .reading import UNKNOWN, at, entries, text, texts
from .resource import Resource
from .serving_config import PATH, serving_config

_CONTROLLER = "modelmesh-controller"
_ADDRESSES = ("endpoints", "endpoint_url", "url")
"""Where the Secrets of etcd and of model stores say where these are."""


def _ready(resource: Resource, settings: Settings) -> Iterator[str]:
    if resource.stack in settings["productionStacks"]:
        for rule in (_kept, _taken_over, _encrypted, _encrypted_beyond):
            yield from rule(resource)


def _kept(resource: Resource) -> Iterator[str]:
    if resource.kind != "StatefulSet":
        return
    claims = at(resource.properties, "spec", "volumeClaimTemplates")
    volumes = at(resource.properties, "spec", "template", "spec", "volumes")
    if claims or volumes is UNKNOWN or UNKNOWN in (volumes or ()):
        return
    if not any("persistentVolumeClaim" in volume for _, volume in entries(volumes)):
        yield "spec.template.spec.volumes: no claim, expected one: what is stored goes with its pod"


def _taken_over(resource: Resource) -> Iterator[str]:
    if (resource.kind, resource.name) == ("Deployment", _CONTROLLER):
        replicas = at(resource.properties, "spec", "replicas")
        if replicas is None or (isinstance(replicas, int | float) and replicas < 2):
            yield f"spec.replicas: {1 if replicas is None else replicas:g}, expected 2 or more: one takes over"


def _encrypted(resource: Resource) -> Iterator[str]:
    config = serving_config(resource)
    if config is not None and not at(config, "tls", "secretName"):
        yield f"{PATH}.tls.secretName: missing, expected a Secret with a certificate"


def _encrypted_beyond(resource: Resource) -> Iterator[str]:
    """Where these are told is secret, so none is quoted."""
    if resource.kind == "Secret":
        for key, value in texts(at(resource.properties, "data")):
            told = _told(value)
            for field in _ADDRESSES:
                for address in (text(at(told, field)) or "").split(","):
                    if address.startswith("http://") and not _in_cluster(urlsplit(address).hostname or ""):
                        yield f"data[{key}].{field}: http to a host beyond the cluster, expected https"


def _told(value: str) -> Any:
    try:
        return json.loads(base64.b64decode(value, validate=True))
    except (binascii.Error, ValueError):
        return None


def _in_cluster(host: str) -> bool:
    """Whether it is a Service's whole name, <service>.<namespace>.svc, perhaps of one pod. Else it may be anybody's."""
    return "svc" in host.split(".")[2:4]


PRODUCTION = Policy(
    name="production",
    description="A stack in production keeps its data, speaks TLS and survives the loss of a controller.",
    rule=_ready,
    settings={"productionStacks": Setting(description="Names of the stacks in production", default=("prod",))},
)
