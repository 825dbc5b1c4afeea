"""Shapes that Kubernetes gives to names and sizes, and how a value that has another is told."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from kubernetes.utils.quantity import parse_quantity

from .rendering import Unknown

MIB = 2**20
HIGHEST_PORT = 2**16 - 1

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_MOST_BEFORE_RANDOM = 54
"""Of a label's 63 characters, as a Job's name becomes one: Pulumi puts a dash and eight hex digits after it."""
_SECRET_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_QUANTITY = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][-+]?[0-9]+)?")


def shown(value: object) -> str:
    """The value as a problem quotes it: not at all where a URL's user or query may be in it, as credentials are."""
    return "(not shown)" if re.search(r"[@?]", str(value)) else repr(value)


def label_problems(path: str, value: object) -> Iterator[str]:
    """Complains unless the value is a DNS label, as namespaces, containers, volumes and Services are named."""
    if not isinstance(value, Unknown) and not (isinstance(value, str) and _LABEL.fullmatch(value)):
        yield f"{path}: {value!r}, expected up to 63 small letters, digits and -, with a letter or digit at each end"


def subdomain_problems(path: str, value: object) -> Iterator[str]:
    """Complains unless the value is a DNS subdomain, as most objects are named."""
    if not isinstance(value, Unknown) and not is_subdomain(value):
        yield f"{path}: {value!r}, expected small letters, digits, - and ., with a letter or digit at each end"


def is_subdomain(value: object) -> bool:
    """Whether the value is a DNS subdomain."""
    return isinstance(value, str) and bool(_SUBDOMAIN.fullmatch(value))


def prefix(name: str) -> str:
    """The name for a resource whose object Pulumi names after it: the same, unless Kubernetes would refuse that."""
    if is_subdomain(name) and len(name) <= _MOST_BEFORE_RANDOM:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower())[: _MOST_BEFORE_RANDOM - len(digest) - 1].strip("-")
    return f"{plain}-{digest}" if plain else digest


def secret_key_problems(path: str, value: str) -> Iterator[str]:
    """Complains unless the value can be a key of a Secret."""
    if not _SECRET_KEY.fullmatch(value):
        yield f"{path}: {value!r}, expected up to 253 letters, digits, -, _ and ."


def quantity(value: object) -> Decimal | None:
    """The number behind a quantity like 512Mi or 0.5; None where it is not one, or not known yet."""
    if not isinstance(value, str | int | float) or not _QUANTITY.fullmatch(str(value)):
        return None
    return Decimal(parse_quantity(value))


def quantity_problems(path: str, value: object) -> Iterator[str]:
    """Complains unless the value is a quantity above zero."""
    number = quantity(value)
    if not isinstance(value, Unknown) and (number is None or number <= 0):
        yield f"{path}: {value!r}, expected a quantity above zero, like 500m, 2 or 512Mi"


def choice(path: str, value: object, known: Sequence[str]) -> Iterator[str]:
    """Complains unless the value is one of those that are known."""
    if not isinstance(value, Unknown) and value not in known:
        expected = " or ".join(known) if len(known) == 2 else f"one of {', '.join(known)}"
        yield f"{path}: {shown(value)}, expected {expected}"


def within(path: str, value: float, least: int, most: int) -> Iterator[str]:
    """Complains unless the value is in a range."""
    if not least <= value <= most:
        yield f"{path}: {value}, expected {least} to {most}"


def again(path: str, values: Iterable[object], field: str = "") -> Iterator[str]:
    """Complains of each text that an earlier entry of the list has, too; `field` is where in an entry it stands."""
    first: dict[str, int] = {}
    for index, value in enumerate(values):
        known = isinstance(value, str) and not isinstance(value, Unknown)
        if known and (earlier := first.setdefault(str(value), index)) != index:
            yield f"{path}[{index}]{field}: {shown(value)} again, expected another than that of {path}[{earlier}]"
