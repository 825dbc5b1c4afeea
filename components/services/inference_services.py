"""Many InferenceServices as a few resources, whose cost does not grow with their number.

Each registered resource costs an update two writes of the stack's whole state, so a thousand of them cost two thousand
writes of a thousand. Here the state has a ConfigMap for about a thousand models, whose diff shows the changed ones by
name, and one Job, in which kubectl applies the content of all ConfigMaps and deletes what was removed. The models are
validated like single ones before anything is registered, and the update ends when every model is served.

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
from pulumi_kubernetes.core import v1

from ..core.annotations import PREFIX
from ..core.component import Component
from ..core.jobs import job, kubectl_container
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
from .service_rules import model_request

LABEL = "modelmesh.pulumi.com/services"
_MOST_BYTES, _USUAL_BYTES = 900_000, 600_000
"""Size of the services in one ConfigMap, which holds 1 MiB: the largest, and the average that is aimed at."""
_ADDED_BYTES, _OUTPUT_BYTES = 400, 120
"""Size of what is added to each service, its label and owner, and of a value that is known later."""
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
            yield from (problem.under("services", service.model_name) for problem in service.problems())
            if (size := _size(inference_service(service))) > _MOST_BYTES:
                yield Problem(path / service.model_name, Text(f"{size:,} bytes"), f"at most {_MOST_BYTES:,}")


class InferenceServices(Component):
    """Many models that are served under their names."""

    served: pulumi.Output[int]
    """Number of models; resolves when all of them answer."""

    def __init__(self, name: str, args: InferenceServicesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        raise_if_invalid("InferenceServices", name, [*_name_problems(name), *args.problems()])
        rendered = {service.model_name: inference_service(service) for service in args.services}
        parts = _parts(rendered)
        super().__init__("modelmesh:index:InferenceServices", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        first = args.services[0]
        label = _label(name)
        metadata = {"namespace": ready_namespace(args.services), "labels": {LABEL: label}}
        account = kubernetes.core.v1.ServiceAccount(
            name,
            metadata={**metadata, "name": name},
            opts=pulumi.ResourceOptions(parent=self, custom_timeouts=pulumi.CustomTimeouts(delete=_DELETE_TIMEOUT)),
        )
        allowed = self._allowed(name, account, child)
        owner = {
            "apiVersion": "v1", "kind": "ServiceAccount", "name": name,
            "uid": account.metadata.uid, "blockOwnerDeletion": True,
        }  # fmt: skip
        for whole in rendered.values():
            labels = {**(whole["metadata"].get("labels") or {}), LABEL: label}
            whole["metadata"] |= {"labels": labels, "ownerReferences": [owner]}
        files = _resolved(rendered)
        names = [name, *(f"{name}-{part}" for part in range(1, len(parts)))]
        declared = [
            kubernetes.core.v1.ConfigMap(
                each,
                metadata={**metadata, "name": each, "namespace": account.metadata.namespace},
                data=files.apply(partial(_chosen, part)),
                opts=child,
            )
            for each, part in zip(names, parts, strict=True)
        ]
        mounted = [v1.VolumeProjectionArgs(config_map=v1.ConfigMapProjectionArgs(name=each)) for each in names]
        digest = files.apply(_digest)
        applied = job(
            name,
            namespace=declared[0].metadata.namespace,
            job_name=digest.apply(lambda text: f"{name}-{text[:12]}"),
            labels={LABEL: label},
            # Its progress is that of the services, which is waited for below, and shown as one line.
            annotations={"pulumi.com/skipAwait": "true"},
            service_account=name,
            image_pull_secrets=[secret.name for secret in first.namespace.installation.config.image_pull_secrets],
            containers=[_apply(first, label)],
            volumes=[v1.VolumeArgs(name="services", projected=v1.ProjectedVolumeSourceArgs(sources=mounted))],
            # A Job of the same name that has run would be taken for the new one, and then deleted.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[allowed, *declared], delete_before_replace=True),
        )

        async def served(known: Mapping[str, Any]) -> int:
            if not pulumi.runtime.is_dry_run():
                await self._served(args, known)
            return len(args.services)

        self.served = pulumi.Output.all(
            label=label,
            urn=applied.urn,
            job=applied.metadata.name,
            namespace=applied.metadata.namespace,
            files=files,
        ).apply(served)
        self.register_outputs({"served": self.served})

    @staticmethod
    def _allowed(
        name: str, account: kubernetes.core.v1.ServiceAccount, child: pulumi.ResourceOptions
    ) -> pulumi.Resource:
        """Role and binding with the permissions that the Job needs."""
        metadata = {"name": name, "namespace": account.metadata.namespace}
        group = PREFIX.rstrip("/")
        role = kubernetes.rbac.v1.Role(
            name,
            metadata=metadata,
            rules=[
                {
                    "apiGroups": [group],
                    "resources": ["inferenceservices"],
                    "verbs": ["get", "list", "create", "patch", "delete"],
                },
                # Who may not delete an account may not make it wait for others either, where that is enforced.
                {
                    "apiGroups": [""],
                    "resources": ["serviceaccounts/finalizers"],
                    "resourceNames": [name],
                    "verbs": ["update"],
                },
            ],
            opts=child,
        )
        return kubernetes.rbac.v1.RoleBinding(
            name,
            metadata=metadata,
            role_ref={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role.metadata.name},
            subjects=[{"kind": "ServiceAccount", "name": name, "namespace": account.metadata.namespace}],
            opts=child,
        )

    async def _served(self, args: InferenceServicesArgs, known: Mapping[str, Any]) -> None:
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
            job=known["job"],
            job_urn=known["urn"],
            specs={key.removesuffix(".json"): json.loads(text)["spec"] for key, text in known["files"].items()},
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


def _parts(rendered: Mapping[str, dict[str, Any]]) -> list[list[str]]:
    """Files of each ConfigMap, by hashes of their names: a new one moves no others, unless it adds a ConfigMap."""
    sizes = {f"{name}.json": _size(whole) for name, whole in rendered.items()}
    count = -(-sum(sizes.values()) // _USUAL_BYTES)
    while True:
        parts: list[list[str]] = [[] for _ in range(count)]
        for file in sizes:
            parts[int.from_bytes(hashlib.sha256(file.encode()).digest(), "big") % count].append(file)
        if all(sum(sizes[file] for file in part) <= _MOST_BYTES for part in parts):
            return parts
        count += 1


def _chosen(part: Sequence[str], files: Mapping[str, str]) -> dict[str, str]:
    return {name: files[name] for name in part}


def _label(name: str) -> str:
    """Label value of this stack's services under this name; objects that have it and are not declared are deleted."""
    return f"{name}-{hashlib.sha256(this_stack().encode()).hexdigest()[:8]}"


def _resolved(rendered: Mapping[str, dict[str, Any]]) -> pulumi.Output[dict[str, str]]:
    """JSON file of each service by its name. Each Output is awaited once, however many services contain it."""
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
        return {f"{name}.json": json.dumps(filled(whole, known), sort_keys=True) for name, whole in rendered.items()}

    return pulumi.Output.all(*outputs.values()).apply(files)


def _digest(files: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()


def _apply(first: InferenceServiceArgs, label: str) -> v1.ContainerArgs:
    return kubectl_container(
        "apply",
        str(first.namespace.installation.config.images.kubectl),
        [
            "apply", f"--namespace={first.namespace.namespace_name}", "--filename=/services",
            "--prune", f"--selector={LABEL}={label}", f"--prune-allowlist={PREFIX}v1beta1/InferenceService",
        ],
        volume_mounts=[v1.VolumeMountArgs(name="services", mount_path="/services", read_only=True)],
        requests={"cpu": "50m", "memory": "64Mi"},
        limits={"cpu": "1", "memory": "512Mi"},
    )  # fmt: skip
