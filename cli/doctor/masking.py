"""Removal of secrets from text of the cluster: logs, events and messages can quote them."""

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, cast

T = TypeVar("T")

_SHORTEST = 8
"""Length from which a value of a Secret is searched for; shorter ones are words and numbers."""
_PATTERNS = (
    (r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(-----END [A-Z ]*PRIVATE KEY-----|\Z)", "(hidden)"),
    (r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)", "(hidden)"),
    (r"(?i)(?<=bearer )[\w.~+/-]+=*", "(hidden)"),
    (r"([?&](?:X-Amz-[A-Za-z-]+|sig|code)=)[^&\s\"']+", r"\1(hidden)"),
    (
        (
            r"(?i)((?:password|passwd|secret|(?:secret_?)?access_?key(?:_?id)?|api_?key|private_?key|token)"
            r"[\"']?\s*[=:]\s*[\"']?)[^\s\"',}&]+"
        ),
        r"\1(hidden)",
    ),
)
_CONFIDENTIAL = re.compile(r"(?i)(?<!^storage\.)key|secret|pass|token|connection_string|\.auth$")
"""Matches a confidential field after its parent's name; the field `storage.key` of an InferenceService is a name."""
_PUBLIC = (".crt", ".py")
"""Ends of the keys of certificates and programs."""


class Mask:
    """Hides the values of known Secrets, and everything that looks like a credential."""

    def __init__(self, secrets: Iterable[dict[str, Any]] = ()) -> None:
        values = {value for secret in secrets for value in _values(secret) if len(value) >= _SHORTEST}
        longest_first = map(re.escape, sorted(values, key=len, reverse=True))
        known = [("|".join(longest_first), "(hidden)")] if values else []
        self._patterns = [(re.compile(pattern), hidden) for pattern, hidden in (*known, *_PATTERNS)]

    def __call__(self, value: T) -> T:
        """Return a text, or a record with texts at any depth, without secrets."""
        return cast("T", self._masked(value))

    def _masked(self, value: object) -> object:
        if isinstance(value, str):
            for pattern, hidden in self._patterns:
                value = pattern.sub(hidden, value)
            return value
        if isinstance(value, tuple | list):
            return type(value)(map(self._masked, value))
        if isinstance(value, Mapping):
            return {key: self._masked(each) for key, each in value.items()}
        if is_dataclass(value) and not isinstance(value, type):
            return replace(value, **{each.name: self._masked(getattr(value, each.name)) for each in fields(value)})
        return value


def _values(secret: dict[str, Any]) -> Iterator[str]:
    """Return the values of a Secret, and the confidential ones in a JSON text."""
    for key, encoded in (secret.get("data") or {}).items():
        if key.endswith(_PUBLIC):
            continue
        text = base64.b64decode(encoded).decode(errors="replace")
        try:
            parsed = json.loads(text)
        except ValueError:
            parsed = None
        if isinstance(parsed, dict):
            yield from _confidential(parsed)
        else:
            yield from (encoded, *text.splitlines())


def _confidential(parsed: Mapping[str, Any], parent: str = "") -> Iterator[str]:
    """Return the confidential values of a JSON object, at any depth of objects."""
    for name, value in parsed.items():
        if isinstance(value, Mapping):
            yield from _confidential(value, name)
        elif _CONFIDENTIAL.search(f"{parent}.{name}"):
            yield str(value)
