"""Rule: credentials are only in the `data` of Secrets.

Pulumi encrypts them there in its state, and the cluster hides them from users who may only read pods. A credential is
recognised by its name; private keys and passwords in URLs by their format. Credentials are not quoted in violations.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .policy import Policy, Setting, Settings
from .reading import at, entries, text, texts
from .resource import SERVING_CONFIG, Resource

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_CREDENTIALS = {
    *("password", "passwd", "passphrase", "secret", "token", "credential", "credentials"),
    *("apikey", "accesskey", "secretkey", "privatekey"),
}
_ABOUT = {"name", "names", "file", "path", "dir", "url", "uri", "ref", "type", "ttl", "seconds", "length", "size"}
"""Last words of names that describe a credential instead of holding it."""
_REFERENCE = re.compile(r"\$\(\w+\)|\$\{\w+\}")
_PRIVATE_KEY = re.compile(r"-----BEGIN ([A-Z]+ )*PRIVATE KEY-----")
_URL_PASSWORD = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@\"']*:[^\s/@\"']+@")
_ENTRY = re.compile(
    r"""["']?\b(?P<name>[A-Za-z][\w.-]*)["']?[ \t]*[:=][ \t]*(?P<value>"[^"\n]*"|'[^'\n]*'|\$\{\w+\}|[^\s,}\]{\[#]+)"""
)
"""Pattern of one entry in YAML, JSON, properties or an environment file."""


def _plain(resource: Resource, settings: Settings) -> Iterator[str]:
    if resource.kind == "ConfigMap":
        yield from _in_config_map(resource, settings)
    if resource.kind == "Secret" and texts(at(resource.properties, "stringData")):
        yield "stringData: given, expected data: the API server never returns stringData, which hides drift"
    for path, container in resource.containers:
        yield from _in_environment(f"{path}.env", container.get("env"), settings)
        for field in ("command", "args"):
            yield from _in_arguments(f"{path}.{field}", container.get(field), settings)
    if resource.pod:
        adapter = at(resource.properties, "spec", "builtInAdapter", "env")
        yield from _in_environment("spec.builtInAdapter.env", adapter, settings)
    mesh = at(resource.serving_config, "internalModelMeshEnvVars")
    yield from _in_environment(f"{SERVING_CONFIG}.internalModelMeshEnvVars", mesh, settings)


def _in_config_map(resource: Resource, settings: Settings) -> Iterator[str]:
    for key, value in texts(at(resource.properties, "data")):
        path = f"data[{key}]"
        yield from _looks(path, value)
        if _names_one(key, settings) and _is_literal(value):
            yield f"{path}: named like a credential, expected it in a Secret"
        found = [entry["name"] for entry in _ENTRY.finditer(value) if _is_literal(entry["value"])]
        for name in dict.fromkeys(found):
            if _names_one(name, settings):
                yield f"{path}: {name} has a value and is named like a credential, expected it in a Secret"


def _in_arguments(path: str, arguments: Any, settings: Settings) -> Iterator[str]:
    """Violations in command line arguments, which every process of a node may read."""
    for index, argument in enumerate(arguments if isinstance(arguments, list) else ()):
        if not isinstance(argument, str):
            continue
        yield from _looks(f"{path}[{index}]", argument)
        flag, _, value = argument.partition("=")
        if flag.startswith("-") and _names_one(flag, settings) and _is_literal(value):
            yield f"{path}[{index}]: given for {flag}, expected a file or a variable from a Secret"


def _in_environment(path: str, environment: Any, settings: Settings) -> Iterator[str]:
    for index, variable in entries(environment):
        name, value, entry = text(variable.get("name")) or "", text(variable.get("value")), f"{path}[{index}]"
        if value is not None:
            yield from _looks(f"{entry}.value", value)
        if _names_one(name, settings):
            if value is not None and _is_literal(value):
                yield f"{entry}.value: given for {name}, expected valueFrom.secretKeyRef"
            if isinstance(at(variable, "valueFrom", "configMapKeyRef"), Mapping):
                yield f"{entry}.valueFrom.configMapKeyRef: given for {name}, expected secretKeyRef"


def _looks(path: str, value: str) -> Iterator[str]:
    if _PRIVATE_KEY.search(value):
        yield f"{path}: holds a private key, expected it in a Secret"
    if _URL_PASSWORD.search(value):
        yield f"{path}: holds a URL with a password, expected it in a Secret"


def _names_one(name: str, settings: Settings) -> bool:
    words = [word.lower() for word in _WORD.findall(name)]
    # A name of "key" alone has many meanings, and a public key is not secret.
    named = _CREDENTIALS & set(words) or ("key" in words and len(words) > 1 and "public" not in words)
    return bool(named) and words[-1] not in _ABOUT and name not in settings["notCredentials"]


def _is_literal(value: str) -> bool:
    """Whether a value is neither empty, nor a boolean, nor a reference."""
    bare = value.strip("\"' \t")
    return bare.lower() not in ("", "null", "~", "true", "false") and not _REFERENCE.fullmatch(bare)


NO_PLAIN_CREDENTIALS = Policy(
    name="no-plain-credentials",
    description="Credentials are only in the data of Secrets.",
    rule=_plain,
    settings={
        "notCredentials": Setting(
            description="Names of environment variables and configuration entries that only sound like credentials"
        ),
    },
)
