"""Shapes that Kubernetes gives to names and sizes."""

import re
from collections.abc import Iterator
from decimal import Decimal

from kubernetes.utils.quantity import parse_quantity

from ..rendering import Unknown

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_SECRET_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")


def label_problems(path: str, value: str) -> Iterator[str]:
    """Complains unless the value is a DNS label, as namespaces, containers, volumes and Services are named."""
    if not isinstance(value, Unknown) and not _LABEL.fullmatch(value):
        yield f"{path}: {value!r}, expected up to 63 small letters, digits and -, with a letter or digit at each end"


def subdomain_problems(path: str, value: str) -> Iterator[str]:
    """Complains unless the value is a DNS subdomain, as most objects are named."""
    if not isinstance(value, Unknown) and not _SUBDOMAIN.fullmatch(value):
        yield f"{path}: {value!r}, expected small letters, digits, - and ., with a letter or digit at each end"


def secret_key_problems(path: str, value: str) -> Iterator[str]:
    """Complains unless the value can be a key of a Secret."""
    if not _SECRET_KEY.fullmatch(value):
        yield f"{path}: {value!r}, expected up to 253 letters, digits, -, _ and ."


def quantity(value: object) -> Decimal | None:
    """The number behind a quantity like 512Mi or 0.5; None where it is not one, or not known yet."""
    if isinstance(value, Unknown) or not isinstance(value, str | int | float):
        return None
    try:
        return Decimal(parse_quantity(value))
    except ValueError:
        return None


def quantity_problems(path: str, value: object) -> Iterator[str]:
    """Complains unless the value is a quantity above zero."""
    number = quantity(value)
    if not isinstance(value, Unknown) and (number is None or number <= 0):
        yield f"{path}: {value!r}, expected a quantity above zero, like 500m, 2 or 512Mi"
