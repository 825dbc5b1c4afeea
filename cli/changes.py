"""Changes of one run in the terms of ModelMesh: models, images, and pods that are replaced."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from cli.events import Events, Step
from policies.rules.reading import UNKNOWN, at
from policies.rules.resource import Resource

_MANY_SERVICES = "modelmesh.pulumi.com/services"
"""Label of ConfigMaps that hold InferenceServices as JSON."""
_IMAGES = {"mm": ("modelMeshImage",), "adapter": ("storageHelperImage",), "rest-proxy": ("restProxy", "image")}
"""Containers that ModelMesh's controller adds, with the path of each image in the configuration."""
_NOT_IN_PODS = {"podsPerRuntime", "scaleToZero", "headlessService", "builtInServerTypes", "modelMeshEndpoint"}
"""Keys of that configuration which pods of runtimes do not depend on."""
_GATE = "modelmesh:index:GoldenGate"
"""Component of a Job that asks a candidate for golden predictions."""
_LATER = "known after the update"


class _Part(NamedTuple):
    """A model or a container. Mappings have its resource as a key, since namespaces may share names."""

    name: str
    description: str


_NONE = _Part("", "")


def models(events: Events) -> Iterator[str]:
    """Models that are added, changed and removed, each with the digest or the location of its files."""
    for name, before, after in sorted(_changed(_services(events.old), _services(events.new))):
        yield f"{_mark(before, after)} {name}: {_change(before, after)}"


def images(events: Events) -> Iterator[str]:
    """Images of containers that change, each with its containers."""
    containers: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, before, after in _changed(_images(events.old), _images(events.new)):
        containers[before, after].append(name)
    for (before, after), names in sorted(containers.items()):
        yield f"{_mark(before, after)} {_change(before, after)} ({', '.join(sorted(names))})"


def restarts(events: Events) -> Iterator[str]:
    """Workloads that exist before and after the run, and whose pods are replaced."""
    for step in events.steps:
        if step.old and step.new and (why := _why_replaced(step)):
            yield f"~ {step.new.kind} {step.new.name}: {why}"


def golden(events: Events) -> Iterator[str]:
    """Services whose golden predictions are asked in the run, each with the runtime if a candidate of that is asked."""
    for step in events.steps:
        job = step.new
        if job and job.kind == "Job" and _GATE in job.components and (step.replaced or not step.old):
            variables = {each.get("name"): each.get("value") for _, entry in job.containers for each in entry["env"]}
            on = f" on a candidate of {variables['RUNTIME']}" if variables["RUNTIME"] else ""
            yield f"~ {variables['SERVICE']}{on}"


def short(text: str) -> str:
    """Text with only the first twelve digits of each digest."""
    return re.sub(r"\b([0-9a-f]{12})[0-9a-f]{52}\b", r"\1", text)


def _changed(old: Mapping[str, _Part], new: Mapping[str, _Part]) -> Iterator[tuple[str, str, str]]:
    """Name, and old and new description of each part that differs; one that does not exist has an empty description."""
    for key in {**old, **new}:
        before, after = old.get(key, _NONE), new.get(key, _NONE)
        if before.description != after.description:
            yield after.name or before.name, before.description, after.description


def _mark(before: str, after: str) -> str:
    return "~" if before and after else "+" if after else "-"


def _change(before: str, after: str) -> str:
    return short(" → ".join(filter(None, (before, after))))


def _services(resources: Iterable[Resource]) -> dict[str, _Part]:
    """Description of each InferenceService, also of those in ConfigMaps for many."""
    found = {}
    for each in resources:
        if each.kind == "InferenceService":
            found[each.urn] = _Part(each.name, _model(at(each.properties, "spec")))
        elif each.kind == "ConfigMap" and (table := at(each.properties, "metadata", "labels", _MANY_SERVICES)):
            data = at(each.properties, "data")
            for file, text in data.items() if isinstance(data, Mapping) else ():
                description = _LATER if text is UNKNOWN else _model(json.loads(text).get("spec"))
                # Not by the ConfigMap, since another number of them has them in other places.
                found[f"{table}/{file}"] = _Part(file.removesuffix(".json"), description)
    return found


def _model(spec: Any) -> str:
    """Location of a model's files, and the runtime that it names."""
    predictor = at(spec, "predictor")
    if not isinstance(predictor, Mapping):
        return _text(predictor)
    model = predictor.get("model") or next(iter(predictor.values()), None)  # the older form is `<format>: …`
    location = at(model, "storageUri") or at(model, "storage", "path")
    runtime = at(model, "runtime")
    return f"{_text(location)}{f' on {_text(runtime)}' if runtime else ''}"


def _text(value: Any) -> str:
    return _LATER if value is UNKNOWN else str(value)


def _images(resources: Iterable[Resource]) -> dict[str, _Part]:
    """Image of each container."""
    found = {}
    for each in resources:
        for _, container in each.containers:
            name = _text(container.get("name"))
            found[f"{each.urn}/{name}"] = _Part(f"{each.name}/{name}", _text(container.get("image")))
        config = each.serving_config or {}
        for name, path in _IMAGES.items():
            image = at(config, *path)
            if isinstance(image, Mapping) and (name != "rest-proxy" or at(config, "restProxy", "enabled")):
                version = f"@{image['digest']}" if "digest" in image else f":{image.get('tag')}"
                found[f"{each.urn}/{name}"] = _Part(f"all runtimes/{name}", f"{image.get('name')}{version}")
    return found


def _why_replaced(step: Step) -> str:
    """Reason for which the pods of a workload are replaced; empty if they are not."""
    assert step.old
    assert step.new
    if step.old.serving_config is not None and step.new.serving_config is not None:
        before, after = step.old.serving_config, step.new.serving_config
        changed = [key for key in sorted({*before, *after} - _NOT_IN_PODS) if before.get(key) != after.get(key)]
        return f"all pods of runtimes roll ({', '.join(changed)})" if changed else ""
    if not step.new.pod or step.new.kind in ("Job", "CronJob"):
        return ""
    if step.replaced:
        return "replaced, its pods stop and start"
    prefix = "spec." if step.new.kind.endswith("ServingRuntime") else "spec.template."
    changed = [path for path in step.changes if path.startswith(prefix) and path != "spec.replicas"]
    paths = ", ".join(path.removeprefix(prefix).removeprefix("spec.") for path in changed)
    return f"its pods roll ({paths})" if changed else ""
