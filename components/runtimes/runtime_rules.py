"""Checks of a (Cluster)ServingRuntime that ModelMesh Serving makes in its controller's log only, or not at all.

All are pure functions of the rendered document; `upstream.spec_problems` checks it against the schema. They report only
what would fail or be ignored: a missing memory limit, for example, is allowed, although models' files can then fill the
node's disk.
"""

import re
from collections.abc import Collection, Iterator

from ..core.metadata import key_problems, label_map_problems, pod_label_problems
from ..core.names_and_quantities import choice_problems, subdomain_problems
from ..core.problem import FieldPath, Problem, Text
from ..core.reading import Spec, at, entries, number, text
from ..core.rendering import Unknown
from ..installation.declared_runtime import PROTOCOLS, deployment_problems
from ..installation.serving_config import ServingConfig
from .adapter_rules import adapter_problems
from .annotation_rules import annotation_problems
from .container_rules import container_problems
from .endpoint_rules import endpoint_problems

_SPEC, _METADATA = FieldPath("spec"), FieldPath("metadata")
_MAXIMUM_REPLICAS = 2**16 - 1
_SEPARATORS = re.compile(r"[,|:]")
"""Separators in ModelMesh's labels: it writes a format as `mt:<name>:<version>|pv:<protocol>`, lists with commas."""
_ARCHITECTURE = "kubernetes.io/arch"
_ARCHITECTURES = ("amd64", "arm64")
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_REQUIRED_AFFINITY = ("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")


def runtime_problems(
    document: Spec, config: ServingConfig, claims: Collection[str] = (), *, pinned: bool = True
) -> list[Problem]:
    """Check a (Cluster)ServingRuntime, for values that ModelMesh or Kubernetes would ignore or refuse.

    `claims` are the PersistentVolumeClaims in the storage Secret, which become volumes of every runtime pod. Images
    have to be `pinned` by a tag or a digest, which a stack requires, and ModelMesh does not.
    """
    metadata, spec = document["metadata"], document["spec"]
    return [
        *subdomain_problems(_METADATA / "name", metadata["name"]),
        *deployment_problems(_METADATA / "name", config.service_name, metadata["name"]),
        *label_map_problems(_METADATA / "labels", metadata.get("labels")),
        *key_problems(_METADATA / "annotations", metadata.get("annotations")),
        *_model_problems(spec),
        *_format_problems(spec),
        *endpoint_problems(spec, config),
        *adapter_problems(spec, config),
        *container_problems(spec, config, claims, pinned=pinned),
        *_pod_problems(spec),
        *annotation_problems(document, config),
    ]


def _model_problems(spec: Spec) -> Iterator[Problem]:
    multi_model = spec.get("multiModel")
    if multi_model is not True and not isinstance(multi_model, Unknown):
        yield Problem(_SPEC / "multiModel", multi_model, "true: ModelMesh ignores other runtimes")
    if "httpDataEndpoint" in spec:
        expected = "none: ModelMesh ignores it and uses gRPC"
        yield Problem(_SPEC / "httpDataEndpoint", spec["httpDataEndpoint"], expected, ignored=True)
    replicas = number(spec.get("replicas"))
    if replicas is not None and not 0 < replicas <= _MAXIMUM_REPLICAS:
        yield Problem(_SPEC / "replicas", replicas, f"1-{_MAXIMUM_REPLICAS}", "`disabled` removes all pods")
    protocols = spec.get("protocolVersions")
    for index, protocol in enumerate(protocols if isinstance(protocols, list) else ()):
        if text(protocol) is not None:
            yield from choice_problems(_SPEC / "protocolVersions" / index, protocol, PROTOCOLS)


def _format_problems(spec: Spec) -> Iterator[Problem]:
    first: dict[tuple[str, str | None], FieldPath] = {}
    for index, entry in entries(spec.get("supportedModelFormats")):
        path = _SPEC / "supportedModelFormats" / index
        for field in ("name", "version"):
            value = text(entry.get(field))
            if value is not None and (not value or _SEPARATORS.search(value)):
                yield Problem(path / field, value, "a text without `,`, `|` and `:`, which separate ModelMesh's labels")
        if "priority" in entry:
            expected = "none: ModelMesh ignores it and chooses by free memory and load"
            yield Problem(path / "priority", entry["priority"], expected, ignored=True)
        name, version = text(entry.get("name")), entry.get("version")
        if name is None or isinstance(version, Unknown):
            continue
        if (other := first.setdefault((name, version), path)) != path:
            given = Text(f"{name!r} of version {version!r}")
            yield Problem(path, given, f"another format than that of {other}", ignored=True)


def _pod_problems(spec: Spec) -> Iterator[Problem]:
    """Check labels, node selection and pull secrets of the pods."""
    yield from pod_label_problems(_SPEC / "labels", spec.get("labels"))
    yield from key_problems(_SPEC / "annotations", spec.get("annotations"))
    yield from label_map_problems(_SPEC / "nodeSelector", spec.get("nodeSelector"))
    yield from _toleration_problems(spec)
    architecture = at(spec, "nodeSelector", _ARCHITECTURE)
    if architecture is not None and not isinstance(architecture, Unknown) and architecture not in _ARCHITECTURES:
        expected = f"{' or '.join(_ARCHITECTURES)}, the only ones that ModelMesh schedules to"
        yield Problem(_SPEC / "nodeSelector" / _ARCHITECTURE, architecture, expected)
    terms = at(spec, *_REQUIRED_AFFINITY)
    if terms is not None and not isinstance(terms, Unknown):
        expected = (
            "spec.nodeSelector instead: ModelMesh adds a term, and a node needs to match only one of the terms, so this"
            " one would have no effect"
        )
        yield Problem(FieldPath(*_SPEC, *_REQUIRED_AFFINITY), Text("set"), expected, ignored=True)
    for index, secret in entries(spec.get("imagePullSecrets")):
        if "name" in secret:
            yield from subdomain_problems(_SPEC / "imagePullSecrets" / index / "name", secret["name"])


def _toleration_problems(spec: Spec) -> Iterator[Problem]:
    """Check what the API server would refuse in the pods."""
    for index, entry in entries(spec.get("tolerations")):
        path, operator = _SPEC / "tolerations" / index, entry.get("operator", "Equal")
        yield from choice_problems(path / "operator", operator, ("Equal", "Exists"))
        if "effect" in entry:
            yield from choice_problems(path / "effect", entry["effect"], _EFFECTS)
        if key := text(entry.get("key", "")):
            yield from key_problems(path / "key", {key: ""})
        elif key is not None and operator == "Equal":
            yield Problem(path / "operator", operator, "Exists without a key, for taints with any key")
        if operator == "Exists" and entry.get("value"):
            yield Problem(path / "value", entry["value"], "none with operator Exists")
        if "tolerationSeconds" in entry and text(entry.get("effect", "")) not in (None, "NoExecute"):
            yield Problem(path / "tolerationSeconds", entry["tolerationSeconds"], "none unless effect is NoExecute")
