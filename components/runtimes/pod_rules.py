"""The rules for what a runtime's spec says of its pods as a whole: labels, nodes, pull secrets."""

from collections.abc import Iterator

from ..core.metadata import key_problems, pod_label_problems
from ..core.names_and_quantities import subdomain_problems
from ..core.reading import Spec, at, entries
from ..core.rendering import Unknown

_ARCHITECTURE = "kubernetes.io/arch"
_ARCHITECTURES = ("amd64", "arm64")


def pod_problems(spec: Spec) -> Iterator[str]:
    """Complains of pods that would not be made, would not be scheduled, or elsewhere than it was meant."""
    yield from pod_label_problems("spec.labels", spec.get("labels"))
    yield from key_problems("spec.annotations", spec.get("annotations"))
    architecture = at(spec, "nodeSelector", _ARCHITECTURE)
    if architecture is not None and not isinstance(architecture, Unknown) and architecture not in _ARCHITECTURES:
        yield (
            f"spec.nodeSelector.{_ARCHITECTURE}: {architecture!r}, expected one of {', '.join(_ARCHITECTURES)}, "
            "ModelMesh schedules to no other"
        )
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    terms = at(spec, "affinity", "nodeAffinity", required)
    if terms is not None and not isinstance(terms, Unknown):
        yield (
            f"spec.affinity.nodeAffinity.{required}: ModelMesh adds a term of its own, and a node needs to match only "
            "one of them, so yours would bind nothing; expected spec.nodeSelector instead"
        )
    for index, secret in entries(spec.get("imagePullSecrets")):
        if "name" in secret:
            yield from subdomain_problems(f"spec.imagePullSecrets[{index}].name", secret["name"])
