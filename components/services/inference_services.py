"""Many InferenceServices as a few resources, whose cost does not grow with their number.

Each registered resource costs an update two writes of the stack's whole state, so a thousand of them cost two thousand
writes of a thousand. Here the state has a ConfigMap for some hundred models, whose diff shows the changed ones by name,
and a Job for each ConfigMap, in which kubectl applies its content and deletes what was removed from it. A change of one
model is the change of one ConfigMap and a new Job for it. The models are validated like single ones before anything is
registered, and the update ends when every model is served.

The Job's service account owns the services: if it is deleted, Kubernetes deletes them first, and the deletion waits.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from ..core.component import Component
from ..core.names_and_quantities import duplicate_problems, label_problems
from ..core.ownership import this_stack
from ..core.problem import ROOT, Problem, Text, raise_if_invalid
from ..core.rendering import KNOWN_LATER, with_placeholders
from ..installation.declared_runtime import DeclaredRuntime
from .inference_service import (
    InferenceServiceArgs,
    carried,
    inference_service,
    load_timeout,
    namespace_context,
    ready_namespace,
    rolled_out,
)
from .many_services import ManyServices
from .part_jobs import applied_part, rights_of_jobs
from .parts import SLOT, Part, parts, size_problems, slot
from .service_rules import model_request

LABEL = "modelmesh.pulumi.com/services"
_ADDED_BYTES, _OUTPUT_BYTES = 400, 120
"""Size of what is added to each service, its labels and owner, and of a value that is known later."""
_LONGEST_NAME = 40
_SECONDS_EACH = 0.5
"""Seconds that each service adds to the time limit: many times what the benchmark measures."""
_DELETE_TIMEOUT = "60m"


@dataclass(frozen=True, kw_only=True)
class InferenceServicesArgs:
    """Arguments of InferenceServices: at least one service, all in one namespace."""

    services: Sequence[InferenceServiceArgs]

    def problems(self) -> Iterator[Problem]:
        """Check the services as a group, and each of them."""
        path = ROOT / "services"
        if not self.services:
            yield Problem(path, [], "at least one service")
        yield from duplicate_problems(path, (service.model_name for service in self.services), "model_name")
        namespaces = {service.namespace.namespace_name for service in self.services}
        if len(namespaces) > 1:
            yield Problem(path, Text(f"in {' and '.join(sorted(namespaces))}"), "services of one namespace")
        for service in self.services:
            if carried(service):
                expected = "an InferenceService: its store has headers, which a ConfigMap would show"
                yield Problem(path / service.model_name, Text("one of many"), expected)
            if service.golden is not None:
                expected = "none: each model with golden predictions needs an InferenceService"
                yield Problem(path / service.model_name / "golden", Text("set"), expected)
            yield from (problem.under("services", service.model_name) for problem in service.problems())
        yield from size_problems(path, _sizes(_rendered(self.services)))


class InferenceServices(Component):
    """Many models that are served under their names."""

    served: pulumi.Output[int]
    """Number of models; resolves when all of them answer."""

    def __init__(self, name: str, args: InferenceServicesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        raise_if_invalid("InferenceServices", name, [*_name_problems(name), *args.problems()])
        rendered = _rendered(args.services)
        split = parts(_sizes(rendered))
        super().__init__("modelmesh:index:InferenceServices", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        label = _label(name)
        metadata = {"namespace": ready_namespace(args.services), "labels": {LABEL: label}}
        account = kubernetes.core.v1.ServiceAccount(
            name,
            metadata={**metadata, "name": name},
            opts=pulumi.ResourceOptions(parent=self, custom_timeouts=pulumi.CustomTimeouts(delete=_DELETE_TIMEOUT)),
        )
        allowed = rights_of_jobs(name, namespace=account.metadata.namespace, jobs=len(split), child=child)
        owner = {
            "apiVersion": "v1", "kind": "ServiceAccount", "name": name,
            "uid": account.metadata.uid, "blockOwnerDeletion": True,
        }  # fmt: skip
        for each, whole in rendered.items():
            labels = {**(whole["metadata"].get("labels") or {}), LABEL: label, SLOT: str(slot(each))}
            whole["metadata"] |= {"labels": labels, "ownerReferences": [owner]}
        files = _resolved(rendered)
        jobs = [
            applied_part(
                name,
                part,
                label={LABEL: label},
                files=files.apply(partial(_chosen, part)),
                config=args.services[0].namespace.installation.config,
                allowed=allowed,
                child=child,
            )
            for part in split
        ]

        async def served(known: Mapping[str, Any]) -> int:
            if not pulumi.runtime.is_dry_run():
                await self._served(args, split, known)
            return len(args.services)

        self.served = pulumi.Output.all(
            label=label,
            namespace=account.metadata.namespace,
            files=files,
            jobs=[each.metadata.name for each in jobs],
            urns=[each.urn for each in jobs],
        ).apply(served)
        self.register_outputs({"served": self.served})

    async def _served(self, args: InferenceServicesArgs, split: Sequence[Part], known: Mapping[str, Any]) -> None:
        context = namespace_context(args.services[0])
        timeouts, may_serve = [], dict[str, DeclaredRuntime]()
        for service in args.services:
            model = model_request(inference_service(service))
            assert model, "a service without a model is invalid"
            candidates = model.candidates(context)
            may_serve |= {runtime.name: runtime for runtime in candidates}
            timeouts.append(load_timeout(service, candidates) + service.ready_timeout_seconds)
        await ManyServices(
            cluster=args.services[0].namespace.installation.cluster,
            namespace=known["namespace"],
            controller_namespace=args.services[0].namespace.installation.namespace_name,
            selector=f"{LABEL}={known['label']}",
            jobs={each: job for job, part in zip(known["jobs"], split, strict=True) for each in part.services},
            urns=dict(zip(known["jobs"], known["urns"], strict=True)),
            specs={name: json.loads(text)["spec"] for name, text in known["files"].items()},
            runtimes={service.model_name: (service.runtime, service.model_format) for service in args.services},
            timeout_seconds=max(timeouts) + _SECONDS_EACH * len(args.services),
            report=self.report,
        ).loaded()
        await rolled_out(args.services, list(may_serve.values()), self.report)


def _name_problems(name: str) -> Iterator[Problem]:
    yield from label_problems(ROOT / "name", name)
    if len(name) > _LONGEST_NAME:
        yield Problem(ROOT / "name", name, f"at most {_LONGEST_NAME} characters")


def _size(service: dict[str, Any]) -> int:
    """Largest size that the service's file can have."""
    text = json.dumps(with_placeholders(service))
    return len(text) + _ADDED_BYTES + _OUTPUT_BYTES * text.count(KNOWN_LATER)


def _rendered(services: Sequence[InferenceServiceArgs]) -> dict[str, dict[str, Any]]:
    return {service.model_name: inference_service(service) for service in services}


def _sizes(rendered: Mapping[str, dict[str, Any]]) -> dict[str, int]:
    return {name: _size(whole) for name, whole in rendered.items()}


def _chosen(part: Part, files: Mapping[str, str]) -> dict[str, str]:
    return {f"{name}.json": files[name] for name in part.services}


def _label(name: str) -> str:
    """Label value of this stack's services under this name; objects that have it and are not declared are deleted."""
    return f"{name}-{hashlib.sha256(this_stack().encode()).hexdigest()[:8]}"


def _resolved(rendered: Mapping[str, dict[str, Any]]) -> pulumi.Output[dict[str, str]]:
    """JSON of each service by its name. Each Output is awaited once, however many services contain it."""
    outputs: dict[int, pulumi.Output[Any]] = {}

    def collect(value: Any) -> None:
        if isinstance(value, pulumi.Output):
            outputs[id(value)] = value
        elif isinstance(value, Mapping):
            for entry in value.values():
                collect(entry)
        elif isinstance(value, list):
            for entry in value:
                collect(entry)

    collect(rendered)

    def filled(value: Any, known: Mapping[int, Any]) -> Any:
        if isinstance(value, pulumi.Output):
            return known[id(value)]
        if isinstance(value, Mapping):
            return {key: filled(entry, known) for key, entry in value.items()}
        return [filled(entry, known) for entry in value] if isinstance(value, list) else value

    def files(values: Sequence[Any]) -> dict[str, str]:
        known = dict(zip(outputs, values, strict=True))
        return {name: json.dumps(filled(whole, known), sort_keys=True) for name, whole in rendered.items()}

    return pulumi.Output.all(*outputs.values()).apply(files)
