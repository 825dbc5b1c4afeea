"""The rules for a runtime that ModelMesh Serving enforces in its controller's log, or not at all.

Pure functions over the rendered document; the schema is the concern of `upstream.spec_problems`. Only what would fail
or be ignored is refused: a missing memory limit, say, is not, though models' files may then fill the node's disk.
"""

import re
from collections.abc import Collection, Iterator

from ..core.metadata import key_problems, label_map_problems
from ..core.names_and_quantities import choice_problems, subdomain_problems
from ..core.reading import Spec, entries, number, text
from ..core.rendering import Unknown
from ..installation.declared_runtime import PROTOCOLS, deployment_problems
from ..installation.serving_config import ServingConfig
from .adapter_rules import adapter_problems
from .annotation_rules import annotation_problems
from .container_rules import container_problems
from .endpoint_rules import endpoint_problems
from .pod_rules import pod_problems

_MOST_REPLICAS = 2**16 - 1
_SEPARATORS = re.compile(r"[,|:]")
"""ModelMesh writes formats as `mt:<name>:<version>|pv:<protocol>` and lists of those with commas."""


def runtime_problems(document: Spec, config: ServingConfig, claims: Collection[str] = ()) -> list[str]:
    """Every reason for ModelMesh or Kubernetes to ignore or refuse a (Cluster)ServingRuntime or its pods.

    `claims` are those that the storage Secret names, which become volumes of every runtime pod.
    """
    metadata, spec = document["metadata"], document["spec"]
    return [
        *subdomain_problems("metadata.name", metadata["name"]),
        *deployment_problems("metadata.name", config.service_name, metadata["name"]),
        *label_map_problems("metadata.labels", metadata.get("labels")),
        *key_problems("metadata.annotations", metadata.get("annotations")),
        *_model_problems(spec),
        *_format_problems(spec),
        *endpoint_problems(spec, config),
        *adapter_problems(spec, config),
        *container_problems(spec, config, claims),
        *pod_problems(spec),
        *annotation_problems(document, config),
    ]


def _model_problems(spec: Spec) -> Iterator[str]:
    many = spec.get("multiModel")
    if many is not True and not isinstance(many, Unknown):
        yield f"spec.multiModel: {many!r}, ModelMesh only takes runtimes with true"
    if "httpDataEndpoint" in spec:
        yield f"spec.httpDataEndpoint: {spec['httpDataEndpoint']!r}, ignored by ModelMesh, which speaks gRPC"
    replicas = number(spec.get("replicas"))
    if replicas is not None and not 0 < replicas <= _MOST_REPLICAS:
        yield f"spec.replicas: {replicas}, expected 1-{_MOST_REPLICAS}; disabled takes all pods away"
    protocols = spec.get("protocolVersions")
    for index, protocol in enumerate(protocols if isinstance(protocols, list) else ()):
        if text(protocol) is not None:
            yield from choice_problems(f"spec.protocolVersions[{index}]", protocol, PROTOCOLS)


def _format_problems(spec: Spec) -> Iterator[str]:
    seen: dict[tuple[str, str | None], int] = {}
    for index, entry in entries(spec.get("supportedModelFormats")):
        path = f"spec.supportedModelFormats[{index}]"
        for field in ("name", "version"):
            value = text(entry.get(field))
            if value is not None and (not value or _SEPARATORS.search(value)):
                yield f"{path}.{field}: {value!r}, expected a text without , | and :, which part ModelMesh's labels"
        if "priority" in entry:
            yield f"{path}.priority: {entry['priority']!r}, ignored by ModelMesh, which picks by room and load"
        name, version = text(entry.get("name")), entry.get("version")
        if name is None or isinstance(version, Unknown):
            continue
        if (earlier := seen.setdefault((name, version), index)) != index:
            yield f"{path}: {name!r} of version {version!r}, expected once, stands at [{earlier}] too"
