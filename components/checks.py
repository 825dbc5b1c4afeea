"""Checks of arguments and documents before any resource exists, and the records of what they find."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from .core.names_and_quantities import duplicate_problems, subdomain_problems
from .core.problem import HIDDEN, MISSING, ROOT, FieldPath, Problem, Text
from .core.rendering import KNOWN_LATER, Unknown, with_placeholders
from .installation.serving_config import ServingConfig
from .services.manifests import is_read, manifest_problems

__all__ = [
    "HIDDEN",
    "KNOWN_LATER",
    "MISSING",
    "ROOT",
    "FieldPath",
    "KnownLater",
    "Problem",
    "Text",
    "check",
    "duplicate_problems",
    "is_read",
    "subdomain_problems",
]

KnownLater = Unknown
"""Type of values that are known only when some resource exists; no check complains about them."""


class _Checked(Protocol):
    def problems(self) -> Iterator[Problem]: ...


def check(subject: Mapping[str, Any] | _Checked, config: ServingConfig | None = None) -> list[Problem]:
    """Check the arguments of a component, or a Kubernetes document that `is_read`.

    Args:
        subject: the arguments or the document; Outputs in it, and `KNOWN_LATER`, are not checked.
        config: configuration of the installation that a document is for; upstream's default if omitted.
    """
    if isinstance(subject, Mapping):
        return manifest_problems(with_placeholders(subject), config)
    return list(subject.problems())
