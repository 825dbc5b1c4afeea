"""Checks of ModelMesh Serving's configuration as a document, the ConfigMap `model-serving-config`.

The controller matches keys without regard to case, ignores those it does not have, and converts texts to numbers. A
value that it cannot convert keeps a running controller on its former configuration, and another one from starting.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import yaml

from ..core.problem import HIDDEN, MISSING, FieldPath, Problem, Text
from ..images.images import Images
from ..images.pull_secret import ImagePullSecret
from .serving_config import Metrics, PayloadProcessor, Resources, RestProxy, ScaleToZero, ServingConfig
from .serving_config_rules import resource_problems, serving_config_problems

_DATA = FieldPath("data")
_FILE = _DATA / "config.yaml"
_IMAGE = {"name": str, "tag": str, "digest": str, "command": list}
_QUANTITIES = {"cpu": str, "memory": str}
_RESOURCES = {"requests": _QUANTITIES, "limits": _QUANTITIES}
_KEYS: Mapping[str, Any] = {
    "inferenceServiceName": str,
    "inferenceServicePort": int,
    "headlessService": bool,
    "podsPerRuntime": int,
    "storageSecretName": str,
    "serviceAccountName": str,
    "enableAccessLogging": bool,
    "grpcMaxMessageSizeBytes": int,
    "tls": {"secretName": str, "clientAuth": str},
    "metrics": {"enabled": bool, "port": int, "scheme": str, "disablePrometheusOperatorSupport": bool},
    "scaleToZero": {"enabled": bool, "gracePeriodSeconds": int},
    "restProxy": {"enabled": bool, "port": int, "image": _IMAGE, "resources": _RESOURCES},
    "modelMeshImage": _IMAGE,
    "modelMeshResources": _RESOURCES,
    "storageHelperImage": _IMAGE,
    "storageHelperResources": _RESOURCES,
    "runtimePodLabels": dict,
    "runtimePodAnnotations": dict,
    "imagePullSecrets": list,
    "allowAnyPVC": bool,
    "builtInServerTypes": list,
    "payloadProcessors": list,
    "internalModelMeshEnvVars": list,
    "modelMeshEndpoint": str,
    "etcdSecretName": str,
}
"""Keys that the controller reads, with the type of each."""
_TYPES = {
    str: ("a text", r".*"),
    int: ("a whole number", r"\d+"),
    bool: ("true or false", r"true|false|0|1|t|f"),
    list: ("a list", ""),
    dict: ("a mapping of texts", ""),
}
"""Name of each type, and the texts that the controller converts to it."""
_FIELDS = {
    "service_name": "inferenceServiceName",
    "service_port": "inferenceServicePort",
    "pods_per_runtime": "podsPerRuntime",
    "storage_secret_name": "storageSecretName",
    "service_account_name": "serviceAccountName",
    "max_message_bytes": "grpcMaxMessageSizeBytes",
    "pod_labels": "runtimePodLabels",
    "pod_annotations": "runtimePodAnnotations",
    "management_endpoint": "modelMeshEndpoint",
}
"""Key of each field of `ServingConfig` that has the same value."""
_OTHER_FIELDS = {
    "metrics": "metrics",
    "rest_proxy": "restProxy",
    "scale_to_zero": "scaleToZero",
    "grace_period_seconds": "gracePeriodSeconds",
    "image_pull_secrets": "imagePullSecrets",
    "payload_processors": "payloadProcessors",
    "mesh_environment": "internalModelMeshEnvVars",
    "access_logging": "enableAccessLogging",
}


def config_map_problems(document: Mapping[str, Any]) -> Iterator[Problem]:
    """Checks the ConfigMap, for values that the controller refuses, ignores or misinterprets."""
    data = document.get("data", {})
    if not isinstance(data, dict) or not isinstance(text := data.get("config.yaml"), str):
        yield Problem(_FILE, MISSING, "the configuration as YAML, without which the controller refuses the ConfigMap")
        return
    for key in data.keys() - {"config.yaml"}:
        yield Problem(_DATA / key, HIDDEN, "none: ModelMesh reads only config.yaml", ignored=True)
    try:
        given = yaml.safe_load(text)
    except yaml.YAMLError as error:
        yield Problem(_FILE, Text(f"not YAML ({' '.join(str(error).split())})"), "YAML")
        return
    if not isinstance(given, dict | None):
        yield Problem(_FILE, given, "a mapping of keys and values")
        return
    values: dict[str, Any] = {}
    yield from _read(given or {}, _KEYS, _FILE, values)
    yield from _value_problems(values)


def _read(
    given: Mapping[Any, Any], keys: Mapping[str, Any], path: FieldPath, into: dict[str, Any]
) -> Iterator[Problem]:
    """Checks keys and types, and stores the values under the keys as they are in `keys`."""
    names = {name.lower(): name for name in keys}
    for key, value in given.items():
        if (name := names.get(str(key).lower())) is None:
            closest = difflib.get_close_matches(str(key), keys)
            expected = "none: ModelMesh has no such key and ignores it"
            yield Problem(path / str(key), HIDDEN, expected, f"write {closest[0]}" if closest else "", ignored=True)
        elif value is None:
            pass
        elif not isinstance(kind := keys[name], type):
            if isinstance(value, dict):
                yield from _read(value, kind, path / str(key), into.setdefault(name, {}))
            else:
                yield Problem(path / str(key), value, "a mapping")
        elif (converted := _converted(value, kind)) is None:
            yield Problem(path / str(key), value, _TYPES[kind][0])
        else:
            into[name] = converted


def _converted(value: Any, kind: type) -> Any:
    """The value as the controller reads it; None if it cannot."""
    pattern = _TYPES[kind][1]
    if kind is dict:
        plain = isinstance(value, dict) and not any(isinstance(entry, dict | list) for entry in value.values())
        return {str(key): str(entry) for key, entry in value.items()} if plain else None
    if kind is list:
        return value if isinstance(value, list) else None
    text = str(value)
    if isinstance(value, dict | list) or not re.fullmatch(pattern, text, re.IGNORECASE | re.DOTALL):
        return None
    return text.lower() in ("true", "1", "t") if kind is bool else kind(text)


def _value_problems(values: Mapping[str, Any]) -> Iterator[Problem]:
    """Checks the values by the rules of `ServingConfig`."""
    default = ServingConfig(images=Images.of())
    proxy = values.get("restProxy", {})
    for path, given, resources in (
        (_FILE / "modelMeshResources", values.get("modelMeshResources"), default.mesh()),
        (_FILE / "storageHelperResources", values.get("storageHelperResources"), default.adapter_resources),
        (_FILE / "restProxy" / "resources", proxy.get("resources"), default.rest_proxy.resources),
    ):
        if given is not None:
            yield from resource_problems(path, _merged(resources, given))
    entries = {key: values.get(key, ()) for key in ("imagePullSecrets", "internalModelMeshEnvVars")}
    for key, listed in entries.items():
        for index, entry in enumerate(listed):
            if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
                yield Problem(_FILE / key / index, HIDDEN, "a mapping with a name")
                return
    processors = [str(uri) for uri in values.get("payloadProcessors", ())]
    for index, uri in enumerate(processors):
        if " " in uri:
            yield Problem(_FILE / "payloadProcessors" / index, uri, "a URI without blanks")
            return
    metrics = values.get("metrics", {})
    grace_period = values.get("scaleToZero", {}).get("gracePeriodSeconds", default.scale_to_zero.grace_period_seconds)
    config = replace(
        default,
        **{field: values[key] for field, key in _FIELDS.items() if key in values},
        metrics=Metrics(**{key: metrics[key] for key in ("enabled", "port", "scheme") if key in metrics}),
        rest_proxy=RestProxy(**{key: proxy[key] for key in ("enabled", "port") if key in proxy}),
        scale_to_zero=ScaleToZero(grace_period_seconds=grace_period),
        image_pull_secrets=[ImagePullSecret(name=entry["name"]) for entry in entries["imagePullSecrets"]],
        mesh_environment={entry["name"]: str(entry.get("value", "")) for entry in entries["internalModelMeshEnvVars"]},
        payload_processors=[_processor(uri) for uri in processors],
    )
    for problem in serving_config_problems(_FILE, config):
        yield _by_key(problem)


def _merged(default: Resources, given: Mapping[str, Mapping[str, str]]) -> Resources:
    return Resources(
        requests={**default.requests, **given.get("requests", {})},
        limits={**default.limits, **given.get("limits", {})},
    )


def _processor(uri: str) -> PayloadProcessor:
    scheme, _, rest = uri.partition("://")
    authority, _, rest = rest.partition("/")
    path, _, rest = rest.partition("?")
    model, _, method = rest.partition("#")
    host, _, port = authority.partition(":")
    return PayloadProcessor(
        scheme=scheme,  # type: ignore[arg-type]  # the rules check it
        host=host,
        port=int(port) if port.isdecimal() else None,
        path=path,
        model_id=model or "*",
        method=method or "*",
    )


def _by_key(problem: Problem) -> Problem:
    """The problem of a field as one of the key that sets it."""
    names = {**_FIELDS, **_OTHER_FIELDS}
    path = FieldPath(*(names.get(str(part), part) for part in problem.path))
    expected = problem.expected
    for field, key in names.items():
        expected = re.sub(rf"\b{field}\b", key, expected)
    return replace(problem, path=path, expected=expected)
