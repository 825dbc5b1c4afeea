"""A Job that asks a candidate for the golden predictions of a service, before the service or its runtime changes."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_kubernetes.core import v1

from ..core.annotations import PREFIX
from ..core.component import Component
from ..core.jobs import job, job_container
from ..core.names_and_quantities import object_name
from ..core.rendering import encoded
from ..installation.installation import Installation
from .golden_predictions import GoldenPredictions

_PROGRAM = Path(__file__).with_name("golden") / "ask.py"
_FILES, _TLS = "/golden", "/tls"
_SLACK_SECONDS = 600
"""Time for pulling the image, for the requests, and for deleting the candidate."""


@dataclass(frozen=True, kw_only=True)
class GoldenGateArgs:
    """Arguments of GoldenGate."""

    installation: Installation
    namespace: pulumi.Input[str]
    """Name of the service's namespace; resolves when it has everything that the model needs."""
    namespace_name: str
    service: dict[str, Any]
    """The InferenceService that is to go live, without its namespace."""
    predictions: GoldenPredictions
    load_seconds: float
    """Time limit for loading the model."""
    runtime: dict[str, Any] | None = None
    """Candidate of the ServingRuntime on which the service is tried; None means the runtime that there is."""
    runtime_name: str = ""
    """Name of the ServingRuntime that it is a candidate for."""


class GoldenGate(Component):
    """A Job with an account that may create, read and delete the candidate, and nothing else.

    The Job runs again when it has failed, or when the service, the predictions or the image has changed. With a
    candidate of the runtime, only that and the image count.
    """

    def __init__(self, name: str, args: GoldenGateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelmesh:index:GoldenGate", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        service = args.service["metadata"]["name"]
        suffix = "golden-runtime" if args.runtime else "golden"
        named = {"name": f"{service}-{suffix}", "namespace": args.namespace}
        metadata = {**args.service["metadata"], "name": candidate_name(service), "namespace": args.namespace_name}
        manifests = {"service.json": {**args.service, "metadata": metadata}}
        manifests |= {"runtime.json": args.runtime} if args.runtime else {}
        files: pulumi.Output[dict[str, str]] = pulumi.Output.all(
            **{file: pulumi.Output.json_dumps(manifest, sort_keys=True) for file, manifest in manifests.items()}
        ).apply(
            lambda texts: {
                **texts,
                "golden.json": args.predictions.content(),
                _PROGRAM.name: _PROGRAM.read_text(encoding="utf-8"),
            }
        )
        # Parameters of a store may be credentials, so this is no ConfigMap.
        declared = kubernetes.core.v1.Secret(name, metadata=named, data=files.apply(encoded), opts=child)
        account, allowed = self._account(name, named, [*_rules(service, args.runtime_name)], child)
        tls = args.installation.tls_secret
        environment = {
            "SERVICE": service,
            "RUNTIME": args.runtime_name,
            "TARGET": f"{args.installation.config.service_name}.{args.namespace_name}:"
            f"{args.installation.config.service_port}",
            "SECONDS": f"{args.load_seconds:g}",
            "TLS": _TLS if tls else "",
            # Another value replaces the Job.
            "CONTENT": files.apply(lambda texts: _digest(texts["runtime.json"] if args.runtime else texts)),
        }
        mounts = {"golden": _FILES, **({"tls": _TLS} if tls else {})}
        container = job_container(
            "ask",
            args.predictions.image,
            command=["python", "-I", f"{_FILES}/{_PROGRAM.name}"],
            env=[
                *(v1.EnvVarArgs(name=key, value=value) for key, value in environment.items()),
                _label_variable("JOB", "job-name"),
                _label_variable("JOB_UID", "controller-uid"),
            ],
            volume_mounts=[
                v1.VolumeMountArgs(name=volume, mount_path=path, read_only=True) for volume, path in mounts.items()
            ],
            requests={"cpu": "50m", "memory": "128Mi"},
            limits={"cpu": "1", "memory": "512Mi"},
        )
        job(
            object_name(name),
            namespace=account.metadata.namespace,
            containers=[container],
            volumes=[
                v1.VolumeArgs(
                    name="golden",
                    secret=v1.SecretVolumeSourceArgs(secret_name=declared.metadata.name, default_mode=0o440),
                ),
                *([_tls_volume(args.installation)] if tls else []),
            ],
            service_account=account.metadata.name,
            image_pull_secrets=[secret.name for secret in args.installation.config.image_pull_secrets],
            deadline_seconds=int(args.load_seconds) + _SLACK_SECONDS,
            retries=0,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[allowed]),
        )
        self.register_outputs({})

    @staticmethod
    def _account(
        name: str, named: dict[str, Any], rules: list[dict[str, Any]], child: pulumi.ResourceOptions
    ) -> tuple[kubernetes.core.v1.ServiceAccount, pulumi.Resource]:
        """Account of the Job, and the binding of its rights."""
        account = kubernetes.core.v1.ServiceAccount(name, metadata=named, opts=child)
        metadata = {**named, "namespace": account.metadata.namespace}
        role = kubernetes.rbac.v1.Role(
            name,
            metadata=metadata,
            rules=rules,
            opts=child,
        )
        binding = kubernetes.rbac.v1.RoleBinding(
            name,
            metadata=metadata,
            role_ref={"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role.metadata.name},
            subjects=[
                {"kind": "ServiceAccount", "name": account.metadata.name, "namespace": account.metadata.namespace}
            ],
            opts=child,
        )
        return account, binding


def candidate_name(name: str) -> str:
    """Name of the candidate of a service or a runtime."""
    return f"{name}-candidate"


def _rules(service: str, runtime: str) -> Iterator[dict[str, Any]]:
    names = {"inferenceservices": service, **({"servingruntimes": runtime} if runtime else {})}
    for resources, name in names.items():
        rule = {"apiGroups": [PREFIX.rstrip("/")], "resources": [resources]}
        # For a server-side apply, names also restrict `create`.
        yield {**rule, "resourceNames": [candidate_name(name)], "verbs": ["get", "create", "patch", "delete"]}
    if runtime:
        yield {**rule, "resourceNames": [runtime], "verbs": ["get"]}


def _label_variable(name: str, label: str) -> v1.EnvVarArgs:
    field = v1.ObjectFieldSelectorArgs(field_path=f"metadata.labels['batch.kubernetes.io/{label}']")
    return v1.EnvVarArgs(name=name, value_from=v1.EnvVarSourceArgs(field_ref=field))


def _tls_volume(installation: Installation) -> v1.VolumeArgs:
    """Files of the data plane's Secret that a client needs; an existing one may have no `ca.crt`."""
    keys = ["ca.crt", *(["tls.crt", "tls.key"] if installation.tls_client_auth == "require" else [])]
    return v1.VolumeArgs(
        name="tls",
        secret=v1.SecretVolumeSourceArgs(
            secret_name=installation.tls_secret,
            items=[v1.KeyToPathArgs(key=key, path=key) for key in keys],
            optional=True,
            default_mode=0o440,
        ),
    )


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
