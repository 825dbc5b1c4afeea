"""Validators for Kubernetes names and quantities, and for values out of a list or a range.

Each yields its problems; a value that is not known before the update has none.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from kubernetes.utils.quantity import parse_quantity

from .problem import FieldPath, Problem
from .rendering import Unknown

MIB = 2**20
HIGHEST_PORT = 2**16 - 1

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LONGEST_BEFORE_SUFFIX = 54
"""Characters of a Job's name before the suffix of a dash and eight hex digits that Pulumi adds: the name becomes a
label, and those hold 63."""
_SECRET_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_QUANTITY = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][-+]?[0-9]+)?")


def label_problems(path: FieldPath, value: object) -> Iterator[Problem]:
    """Checks a DNS label: the name of a namespace, container, volume or Service."""
    if not isinstance(value, Unknown) and not (isinstance(value, str) and _LABEL.fullmatch(value)):
        yield Problem(path, value, "up to 63 lower-case letters, digits and -, with a letter or digit at each end")


def subdomain_problems(path: FieldPath, value: object) -> Iterator[Problem]:
    """Checks a DNS subdomain: the name of most objects."""
    if not isinstance(value, Unknown) and not is_subdomain(value):
        yield Problem(path, value, "lower-case letters, digits, - and ., with a letter or digit at each end")


def is_subdomain(value: object) -> bool:
    """Whether the value is a DNS subdomain."""
    return isinstance(value, str) and bool(_SUBDOMAIN.fullmatch(value))


def object_name(name: str) -> str:
    """A Pulumi resource's name as the name of its Kubernetes object: unchanged if valid, else shortened and hashed."""
    if is_subdomain(name) and len(name) <= _LONGEST_BEFORE_SUFFIX:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower())[: _LONGEST_BEFORE_SUFFIX - len(digest) - 1].strip("-")
    return f"{plain}-{digest}" if plain else digest


def secret_key_problems(path: FieldPath, value: str) -> Iterator[Problem]:
    """Checks a key of a Secret."""
    if not _SECRET_KEY.fullmatch(value):
        yield Problem(path, value, "a key of up to 253 letters, digits, -, _ and .")


def quantity(value: object) -> Decimal | None:
    """The number that a quantity like 512Mi or 0.5 stands for; None if it is not a quantity or not known yet."""
    return Decimal(parse_quantity(value)) if _QUANTITY.fullmatch(str(value)) else None


def quantity_problems(path: FieldPath, value: object) -> Iterator[Problem]:
    """Checks a quantity above zero."""
    number = quantity(value)
    if not isinstance(value, Unknown) and (number is None or number <= 0):
        yield Problem(path, value, "a quantity above zero, like 500m, 2 or 512Mi")


def choice_problems(path: FieldPath, value: object, allowed: Sequence[str]) -> Iterator[Problem]:
    """Checks that the value is one of those allowed."""
    if not isinstance(value, Unknown) and value not in allowed:
        yield Problem(path, value, " or ".join(allowed) if len(allowed) == 2 else f"one of {', '.join(allowed)}")


def range_problems(path: FieldPath, value: float, least: int, most: int) -> Iterator[Problem]:
    """Checks that least <= value <= most."""
    if not least <= value <= most:
        yield Problem(path, value, f"{least} to {most}")


def duplicate_problems(path: FieldPath, values: Iterable[object], field: str = "") -> Iterator[Problem]:
    """Checks that no text is in a list twice. `field` is the entries' field that the values were read from, if any."""
    first: dict[str, int] = {}
    for index, value in enumerate(values):
        known = isinstance(value, str) and not isinstance(value, Unknown)
        if known and (earlier := first.setdefault(str(value), index)) != index:
            entry = path / index
            yield Problem(entry / field if field else entry, value, f"each value once; [{earlier}] has it already")
