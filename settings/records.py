"""Fields of the keys that hold objects and lists, as JSON Schema, and the places of secrets.

The schema in `Pulumi.yaml` cannot describe them, so the engine accepts anything there.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from components.checks import ROOT, FieldPath, Problem, Text

Rule = Mapping[str, Any]

_TEXT: Rule = {"type": "string"}
_TEXTS: Rule = {"type": "array", "items": _TEXT}
_NOT_BLANK: Rule = {"pattern": r"\S"}
_POSITIVE: Rule = {"minimum": 1}
_TABLE: Rule = {"additionalProperties": _TEXT}


def _object(*texts: str, required: tuple[str, ...] = (), **others: Rule) -> Rule:
    properties = {**dict.fromkeys((*required, *texts), _TEXT), **others}
    return {"type": "object", "properties": properties, "additionalProperties": False, "required": list(required)}


_RESOURCES = _object(requests={"type": "object"}, limits={"type": "object"})
SHAPES: Mapping[str, Rule] = {
    "kubeconfig": _NOT_BLANK,
    "context": _NOT_BLANK,
    "modelFormat": _NOT_BLANK,
    "loadTimeoutSeconds": _POSITIVE,
    "readyTimeoutSeconds": _POSITIVE,
    "images": _TABLE,
    "buildArgs": _TABLE,
    "buildSecrets": _TABLE,
    "meshResources": _RESOURCES,
    "adapterResources": _RESOURCES,
    "persistence": _object("etcd", "minio", "storageClass"),
    "tls": _object("clientAuth", "existingSecret", enabled={"type": "boolean"}, dnsNames=_TEXTS),
    "s3": _object("certificate", required=("endpointUrl", "region", "accessKeyId", "secretAccessKey")),
    "etcd": _object(
        *("rootPrefix", "user", "password", "certificate", "clientCertificate", "clientKey", "overrideAuthority"),
        required=("endpoints",),
        endpoints=_TEXTS,
    ),
    "runtimeEnvironment": {
        "additionalProperties": {
            **_object(required=("secret", "key")),
            "type": ["string", "object"],
            "description": "quote numbers",
        },
    },
    "runtimeGpus": {"additionalProperties": {"type": "integer"}},
    "runtimeNodeSelector": _TABLE,
    "runtimeTolerations": {
        "items": _object("key", "operator", "value", "effect", tolerationSeconds={"type": "integer"})
    },
    "pullSecrets": {"items": _object("registry", "username", "password", required=("name",))},
    "models": {"items": _object("path", required=("name",))},
}
"""Rules by key, in addition to those of `Pulumi.yaml`."""

_SECRETS = (
    ROOT / "registryPassword",
    ROOT / "buildSecrets" / "*",
    ROOT / "pullSecrets" / "*" / "password",
    ROOT / "s3" / "secretAccessKey",
    ROOT / "etcd" / "password",
    ROOT / "etcd" / "clientKey",
)
"""Values that have to be encrypted in the stack file; `*` is any entry."""
MAY_BE_SECRET = frozenset({"registryUser", *(str(path[0]) for path in _SECRETS)})
"""Keys that may hold a secret; no problem shows their values."""


def secret_problems(values: Rule, encrypted: frozenset[str], written: Rule) -> Iterator[Problem]:
    """Checks that secrets, and only secrets, are encrypted in the stack file.

    `encrypted` are the keys with something encrypted in them, `written` are the values as they are in the stack file.
    """
    for pattern in _SECRETS:
        for path, value in _found(values, pattern, ROOT):
            plain = any(text == value for _, text in _found(written, path, ROOT))
            if value and (path[0] not in encrypted or plain):
                how = "--secret --path" if len(path) > 1 else "--secret"
                expected = f"it encrypted, by pulumi config set {how} 'modelmesh:{path}'"
                yield Problem(path, Text("in plain text"), expected)
    for key in sorted(encrypted & values.keys() - MAY_BE_SECRET):
        expected = "plain text without secrets: the value is readable in the state, the cluster or images"
        yield Problem(ROOT / key, Text("encrypted"), expected)


def _found(values: Any, pattern: tuple[str | int, ...], path: FieldPath) -> Iterator[tuple[FieldPath, Any]]:
    """Values at the places that match a pattern."""
    if not pattern:
        yield path, values
    elif isinstance(values, list):
        indices = range(len(values)) if pattern[0] == "*" else [pattern[0]]
        for index in indices:
            if isinstance(index, int) and index < len(values):
                yield from _found(values[index], pattern[1:], path / index)
    elif isinstance(values, dict):
        for key in values if pattern[0] == "*" else {pattern[0]} & values.keys():
            yield from _found(values[key], pattern[1:], path / key)
