"""What stands inside the keys that hold objects and lists: their fields, of which type, and which of them are secrets.

The schema in `Pulumi.yaml` has no words for that, so the engine takes anything there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Record:
    """The fields of an object: all of one type unless said otherwise, none required unless said otherwise."""

    fields: tuple[str, ...]
    lists: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()


RECORDS = {
    "persistence": Record(("etcd", "minio", "storageClass")),
    "tls": Record(("enabled", "clientAuth", "dnsNames", "existingSecret"), lists=("dnsNames",), flags=("enabled",)),
    "s3": Record(
        ("endpointUrl", "region", "accessKeyId", "secretAccessKey", "certificate"),
        required=("endpointUrl", "region", "accessKeyId", "secretAccessKey"),
        secrets=("secretAccessKey",),
    ),
    "etcd": Record(
        (
            "endpoints", "rootPrefix", "user", "password", "certificate", "clientCertificate", "clientKey",
            "overrideAuthority",
        ),
        lists=("endpoints",),
        required=("endpoints",),
        secrets=("password", "clientKey"),
    ),
}  # fmt: skip
PULL_SECRET = Record(("name", "registry", "username", "password"), required=("name",), secrets=("password",))
MODEL = Record(("name", "path"), required=("name",))
_SECRET_TEXTS = ("registryPassword",)
_SECRET_TABLES = ("buildSecrets",)
_TABLES = ("buildArgs", "buildSecrets")
_QUANTITIES = ("meshResources", "adapterResources")
_LISTS = ("builtInRuntimes", "platforms")
MAY_BE_SECRET = frozenset(
    {
        *("registryUser", *_SECRET_TEXTS, *_SECRET_TABLES, "pullSecrets"),
        *(key for key, record in RECORDS.items() if record.secrets),
    }
)
"""Keys that may hold a secret: no problem shows what stands there."""


def record_problems(values: Mapping[str, Any]) -> Iterator[str]:
    """What has another shape than its key is for. A value is never shown: it may be a secret."""
    for key in _TABLES:
        yield from _all_text(key, values.get(key, {}))
    for key in _LISTS:
        yield from _texts(key, values.get(key, []))
    for key, record in RECORDS.items():
        yield from _record(key, record, values.get(key, {}))
    for index, entry in enumerate(values.get("pullSecrets", [])):
        path = f"pullSecrets[{index}]"
        if isinstance(entry, dict):
            yield from _record(path, PULL_SECRET, entry)
        else:
            yield f"{path}: expected an object with {', '.join(PULL_SECRET.fields)}"
    for index, entry in enumerate(values.get("models", [])):
        if isinstance(entry, dict):
            yield from _record(f"models[{index}]", MODEL, entry)
        else:
            yield f"models[{index}]: expected an object with {' and '.join(MODEL.fields)}"
    for key in _QUANTITIES:
        yield from _unknown(key, values.get(key, {}), ("requests", "limits"))
        for side, quantities in values.get(key, {}).items():
            if not isinstance(quantities, dict):
                yield f"{key}.{side}: {quantities!r}, expected quantities of cpu and memory"


def plain_secrets(values: Mapping[str, Any], encrypted: frozenset[str]) -> Iterator[str]:
    """Secrets that stand readable in the stack file."""
    for path in _secret_paths(values):
        key = path.partition(".")[0].partition("[")[0]
        if key not in encrypted:
            how = "--secret --path" if path != key else "--secret"
            yield f"{path}: in plain text, expected it encrypted: pulumi config set {how} 'modelmesh:{path}'"


def shown_secrets(encrypted: frozenset[str]) -> Iterator[str]:
    """What is encrypted in the stack file, and readable wherever the stack hands it on."""
    for key in sorted(encrypted - MAY_BE_SECRET):
        yield f"{key}: encrypted, but it ends readable in state, cluster or images; expected plain text and no secret"


def _secret_paths(values: Mapping[str, Any]) -> Iterator[str]:
    yield from (key for key in _SECRET_TEXTS if values.get(key))
    for key in _SECRET_TABLES:
        yield from (f"{key}.{name}" for name in values.get(key, {}))
    for key, record in RECORDS.items():
        yield from (f"{key}.{name}" for name in record.secrets if name in values.get(key, {}))
    for index, entry in enumerate(values.get("pullSecrets", [])):
        yield from (f"pullSecrets[{index}].{name}" for name in PULL_SECRET.secrets if name in entry)


def _record(path: str, record: Record, entries: Mapping[str, Any]) -> Iterator[str]:
    yield from _unknown(path, entries, record.fields)
    for name, value in entries.items():
        if name in record.lists:
            yield from (
                [f"{path}.{name}: expected a list"] if type(value) is not list else _texts(f"{path}.{name}", value)
            )
        elif name in record.flags:
            yield from [f"{path}.{name}: expected true or false"] if type(value) is not bool else ()
        elif name in record.fields and not isinstance(value, str):
            yield f"{path}.{name}: expected string"
    for name in record.required:
        if entries and name not in entries:
            yield f"{path}.{name}: missing"


def _all_text(path: str, entries: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{path}.{name}: expected string" for name, value in entries.items() if not isinstance(value, str))


def _texts(path: str, values: list[Any]) -> Iterator[str]:
    yield from (f"{path}[{index}]: expected string" for index, value in enumerate(values) if not isinstance(value, str))


def _unknown(path: str, entries: Mapping[str, Any], known: tuple[str, ...]) -> Iterator[str]:
    yield from (f"{path}.{name}: unknown; known are {', '.join(known)}" for name in entries if name not in known)
