"""Resources that every policy lets pass, and how to spoil one."""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from policies.rules import POLICIES
from policies.rules.policy import Policy
from policies.rules.reading import UNKNOWN
from policies.rules.resource import Resource

DIGEST = f"sha256:{'a' * 64}"
IMAGE = f"registry.example:5000/server@{DIGEST}"
SECURITY = {
    "runAsNonRoot": True,
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
SIZES = {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": "64Mi"}}
CONTAINER = {
    "name": "server",
    "image": IMAGE,
    "env": [
        {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "users", "key": "password"}}},
        {"name": "HOME", "value": "/tmp"},  # noqa: S108  what containers here have
    ],
    "ports": [{"containerPort": 8080.0}],
    "resources": SIZES,
    "securityContext": SECURITY,
}
POD = {
    "initContainers": [CONTAINER | {"name": "first"}],
    "containers": [CONTAINER],
    "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}, {"name": "tmp", "emptyDir": {}}],
}
TEMPLATE = {"template": {"spec": POD}}
PLACES = {
    "apps/v1:Deployment": ("spec", "template", "spec"),
    "apps/v1:StatefulSet": ("spec", "template", "spec"),
    "apps/v1:DaemonSet": ("spec", "template", "spec"),
    "batch/v1:Job": ("spec", "template", "spec"),
    "batch/v1:CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
    "core/v1:Pod": ("spec",),
    "serving.kserve.io/v1alpha1:ServingRuntime": ("spec",),
    "serving.kserve.io/v1alpha1:ClusterServingRuntime": ("spec",),
}
"""Where in each kind of object a pod stands."""
SERVING_CONFIG = """
modelMeshImage: {name: kserve/modelmesh, digest: "@"}
storageHelperImage: {name: kserve/modelmesh-runtime-adapter, digest: "@", command: [/opt/app/puller]}
restProxy: {enabled: true, image: {name: kserve/rest-proxy, digest: "@"}}
storageSecretName: storage-config
tls: {secretName: modelmesh-tls}
imagePullSecrets:
- name: registry
internalModelMeshEnvVars:
- {name: MEM_LIMIT_MB, value: "448"}
""".replace("@", DIGEST)


def resource(token: str, properties: Mapping[str, Any], *, stack: str = "dev", within: str = "") -> Resource:
    """A Kubernetes object of some stack; `within` is the type of a component that it is part of."""
    types = f"{within}$kubernetes:{token}" if within else f"kubernetes:{token}"
    return Resource(
        token=f"kubernetes:{token}", urn=f"urn:pulumi:{stack}::modelmesh::{types}::made", properties=properties
    )


def making_pods(token: str, pod: Mapping[str, Any] = POD) -> dict[str, Any]:
    """The properties of an object of that type that makes such pods."""
    properties: dict[str, Any] = dict(pod)
    for key in reversed(PLACES[token]):
        properties = {key: properties}
    return properties


def encoded(**values: Any) -> dict[str, str]:
    """The `data` of a Secret with JSON objects in it."""
    return {key: base64.b64encode(json.dumps(value).encode()).decode() for key, value in values.items()}


CONTROLLER = {"metadata": {"name": "modelmesh-controller"}, "spec": {"replicas": 2.0, **TEMPLATE}}
CONFIGURATION = {"metadata": {"name": "model-serving-config"}, "data": {"config.yaml": SERVING_CONFIG}}
GOOD: dict[str, Sequence[Mapping[str, Any]]] = {
    **{token: [making_pods(token)] for token in PLACES},
    "apps/v1:Deployment": [making_pods("apps/v1:Deployment"), CONTROLLER],
    "core/v1:ConfigMap": [CONFIGURATION, {"metadata": {"name": "other"}, "data": {"colour": "blue"}}],
    "core/v1:Secret": [
        {"data": encoded(etcd_connection={"endpoints": "https://a.example:2379,http://etcd.ns.svc:2379"})},
        {"data": encoded(localMinIO={"type": "s3", "endpoint_url": "http://minio.ns.svc.cluster.local:9000"})},
        {"data": {"password": "bm90IEpTT04="}},
    ],
    "core/v1:Service": [{"metadata": {"name": "etcd"}, "spec": {"ports": []}}, {"spec": {"type": "ClusterIP"}}],
}
"""Properties by type."""


def spoilt(properties: Mapping[str, Any], place: Sequence[str | int], value: Any) -> dict[str, Any]:
    """A copy with another value at a place of keys and indices; with None, without any."""
    # Not `deepcopy`, by which what stands in two places here would be one there, too.
    copied = _mapped(properties, lambda leaf: leaf)
    inner = copied
    for key in place[:-1]:
        inner = inner[key]
    if value is None:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    spoilt_copy: dict[str, Any] = copied
    return spoilt_copy


def found(policy: Policy, spoilt_one: Resource, **settings: Sequence[str]) -> list[str]:
    """All that the policy says."""
    return list(policy.violations(spoilt_one, settings))


def mandatory(one: Resource) -> list[str]:
    """All that policies say that nobody may leave unheard."""
    return [
        f"{one.name}: {violation}"
        for policy in POLICIES
        if policy.level == "mandatory"
        for violation in policy.violations(one)
    ]


def readable(value: Any, unknown: str) -> Any:
    """Properties from the wire, where that text stands for what is not known yet."""
    return _mapped(value, lambda leaf: UNKNOWN if leaf == unknown else leaf)


def _mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, Mapping):
        return {key: _mapped(entry, change) for key, entry in value.items()}
    return [_mapped(entry, change) for entry in value] if isinstance(value, list) else change(value)
