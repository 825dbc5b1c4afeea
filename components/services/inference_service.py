"""An InferenceService whose endpoints resolve when its model answers.

Each update waits for that, even if nothing changed; a preview does not. Arguments that ModelMesh Serving would ignore
or reject are an error before any resource is registered.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from ..core.annotations import MODE, PREFIX, RUNTIME, STORAGE_KEY
from ..core.component import Component
from ..core.kserve_api import InferenceServiceApi
from ..core.names_and_quantities import choice_problems
from ..core.problem import ROOT, Problem, raise_if_invalid
from ..core.rendering import document, with_placeholders
from ..installation.declared_runtime import DeclaredRuntime, ProtocolVersion
from ..installation.model_namespace import ServedNamespace
from ..runtimes.rollout import Rollout
from ..runtimes.serving_runtime import ClusterServingRuntime, ServingRuntime
from ..stores.storage import ExistingStorage
from ..upstream import spec_problems
from .golden_gate import GoldenGate, GoldenGateArgs
from .golden_predictions import GoldenPredictions
from .model_location import ModelPath, StorageUri, Texts
from .namespace_context import Entries, NamespaceContext
from .readiness import Wait
from .service_rules import FRAMEWORKS, model_request, service_problems

API_VERSION = f"{PREFIX}v1beta1"

_LOAD_TIMEOUT_SECONDS = 90.0
"""Default load timeout: that of upstream's built-in runtimes."""


@dataclass(frozen=True, kw_only=True)
class InferenceServiceArgs:
    """Arguments of InferenceService."""

    namespace: ServedNamespace
    runtimes: Sequence[ServingRuntime | ClusterServingRuntime | DeclaredRuntime] = ()
    """Runtimes in the namespace that may serve the model, in addition to built-in ones. The service is created after
    them. A DeclaredRuntime is one that another stack manages."""
    model_name: str
    """Name of the InferenceService, and of the model in requests."""
    model_format: str
    model_format_version: str | None = None
    """Version of the format, compared as text; None matches any."""
    runtime: str | None = None
    """Name of the runtime, whatever its formats are; None means any that takes the format with autoSelect."""
    protocol_version: ProtocolVersion | None = None
    """Protocol that the runtime has to declare; None means any."""
    storage: ModelPath | StorageUri
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    framework_field: bool = False
    """Write the older form `predictor.<format>`, which has no format version."""
    load_timeout_seconds: float | None = None
    """Seconds for loading the model once; None means the longest load timeout of the runtimes that may serve it."""
    ready_timeout_seconds: float = 300
    """Seconds for everything else that the model waits for, like starting pods and pulling images."""
    golden: GoldenPredictions | None = None
    """Requests with expected answers: the service only changes if a candidate with the new arguments gives them."""

    def problems(self) -> Iterator[Problem]:
        """Check the object that the arguments render to, with the runtimes and the storage of the namespace."""
        plain = with_placeholders(inference_service(self))
        # Each check relies on types that the previous ones have checked.
        yield from (
            list(_type_problems(self))
            or spec_problems("InferenceService", plain["spec"])
            or service_problems(plain, namespace_context(self))
        )
        if self.framework_field:
            yield from choice_problems(ROOT / "model_format", self.model_format, FRAMEWORKS)
            if self.model_format_version is not None:
                expected = "none: the field predictor.<format> has no version"
                yield Problem(ROOT / "model_format_version", self.model_format_version, expected)
        for name in ("load_timeout_seconds", "ready_timeout_seconds"):
            if (seconds := getattr(self, name)) is not None and seconds <= 0:
                yield Problem(ROOT / name, seconds, "more than 0")
        if self.golden is not None:
            yield from (problem.under("golden") for problem in self._golden_problems(self.golden, plain))

    def _golden_problems(self, golden: GoldenPredictions, plain: Mapping[str, Any]) -> Iterator[Problem]:
        yield from golden.problems()
        model = model_request(plain)
        for runtime in model.candidates(namespace_context(self)) if model else ():
            yield from golden.memory_problems(runtime)


class InferenceService(Component):
    """A model that is served under a name."""

    grpc_url: pulumi.Output[str]
    """URL like `grpc://<service>.<namespace>:8033`, as in the object's status."""
    rest_url: pulumi.Output[str | None]
    """URL like `http://<service>.<namespace>:8008`, https with TLS; None if the installation has no REST proxy."""

    def __init__(self, name: str, args: InferenceServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        raise_if_invalid("InferenceService", args.model_name, args.problems())
        rendered, context = inference_service(args), namespace_context(args)
        model = model_request(rendered)
        assert model, "a service without a model is invalid"
        super().__init__("modelmesh:index:InferenceService", name, {}, opts)
        namespace = ready_namespace([args])
        seconds = load_timeout(args, model.candidates(context)) + args.ready_timeout_seconds
        gate = []
        if args.golden is not None:
            asked = GoldenGateArgs(
                installation=args.namespace.installation,
                namespace=namespace,
                namespace_name=args.namespace.namespace_name,
                service=rendered,
                predictions=args.golden,
                load_seconds=seconds,
            )
            gate.append(GoldenGate(f"{name}-golden", asked, pulumi.ResourceOptions(parent=self)))
        service = kubernetes.apiextensions.CustomResource(
            name,
            api_version=rendered["apiVersion"],
            kind=rendered["kind"],
            metadata={**rendered["metadata"], "namespace": namespace},
            spec=rendered["spec"],
            opts=pulumi.ResourceOptions(parent=self, depends_on=gate),
        )
        config, installation = args.namespace.installation.config, args.namespace.installation
        host = f"{config.service_name}.{args.namespace.namespace_name}"
        scheme = "http" if installation.tls_secret is None else "https"
        rest_url = f"{scheme}://{host}:{config.rest_proxy.port}" if config.rest_proxy.enabled else None

        async def served(_: Any) -> str:
            if not pulumi.runtime.is_dry_run():
                await self._loaded(args, model.runtime, model.candidates(context), seconds)
            return f"grpc://{host}:{config.service_port}"

        self.grpc_url = pulumi.Output.all(service.urn, namespace).apply(served)
        self.rest_url = self.grpc_url.apply(lambda _: rest_url)
        self.register_outputs({"grpc_url": self.grpc_url, "rest_url": self.rest_url})

    async def _loaded(
        self, args: InferenceServiceArgs, runtime: str | None, candidates: Sequence[DeclaredRuntime], seconds: float
    ) -> None:
        watched = await asyncio.to_thread(
            InferenceServiceApi,
            cluster=args.namespace.installation.cluster,
            namespace=args.namespace.namespace_name,
            name=args.model_name,
            runtime=runtime,
            model_format=args.model_format,
            controller_namespace=args.namespace.installation.namespace_name,
        )
        await Wait(name=args.model_name, watched=watched, timeout_seconds=seconds, report=self.report).loaded()
        await rolled_out([args], candidates, self.report)


def inference_service(args: InferenceServiceArgs) -> dict[str, Any]:
    """The object for ModelMesh Serving, without its namespace, which resolves later."""
    annotations = {MODE: "ModelMesh", **args.annotations}
    model: dict[str, Any] = {**args.storage.rendered(carried(args)), "protocolVersion": args.protocol_version}
    if args.framework_field:
        predictor = {args.model_format: model}
        annotations |= {RUNTIME: args.runtime} if args.runtime is not None else {}
    else:
        kind = {"name": args.model_format, "version": args.model_format_version}
        predictor = {"model": {**model, "modelFormat": kind, "runtime": args.runtime}}
    metadata = {"name": args.model_name, "labels": dict(args.labels) or None, "annotations": annotations}
    whole = {
        "apiVersion": API_VERSION, "kind": "InferenceService", "metadata": metadata, "spec": {"predictor": predictor}
    }  # fmt: skip
    rendered: dict[str, Any] = document(whole)
    return rendered


def ready_namespace(services: Sequence[InferenceServiceArgs]) -> pulumi.Output[str]:
    """Name of the namespace; resolves after all dependencies, which orders creation and deletion."""
    place = services[0].namespace
    runtimes = {id(runtime): runtime for service in services for runtime in service.runtimes}
    needed = [runtime.runtime_name for runtime in runtimes.values() if not isinstance(runtime, DeclaredRuntime)]
    return pulumi.Output.all(place.ready, *needed).apply(lambda _: place.namespace_name)


def namespace_context(args: InferenceServiceArgs) -> NamespaceContext:
    """Runtimes and storage of the service's namespace."""
    installation = args.namespace.installation
    given = [runtime if isinstance(runtime, DeclaredRuntime) else runtime.declared for runtime in args.runtimes]
    return NamespaceContext(
        namespace=args.namespace.namespace_name,
        runtimes=[*installation.built_in_runtimes, *given],
        storage=_entries(args.namespace),
        rest_proxy=installation.config.rest_proxy.enabled,
        allow_any_pvc=installation.config.allow_any_pvc,
    )


def _entries(namespace: ServedNamespace) -> Entries | None:
    if isinstance(namespace.storage, ExistingStorage):
        return None if namespace.storage.keys is None else dict.fromkeys(namespace.storage.keys)
    return {key: with_placeholders(storage.fields()) for key, storage in namespace.storage.items()}


def carried(args: InferenceServiceArgs) -> Texts:
    """Parameters that the service's store requires each service to pass, as secrets."""
    stores = args.namespace.storage
    if isinstance(stores, ExistingStorage):
        return {}
    store = stores.get(args.annotations.get(STORAGE_KEY, args.storage.entry_key()))
    return {name: pulumi.Output.secret(value) for name, value in store.parameters().items()} if store else {}


def _type_problems(args: InferenceServiceArgs) -> Iterator[Problem]:
    """Checks the types of fields that are not in the schema."""
    if not isinstance(args.model_name, str):
        yield Problem(ROOT / "model_name", args.model_name, "a text")
    if not isinstance(args.runtime, str | None):
        yield Problem(ROOT / "runtime", args.runtime, "a text")


async def rolled_out(
    services: Sequence[InferenceServiceArgs], candidates: Sequence[DeclaredRuntime], report: Callable[[str], None]
) -> None:
    """Waits for the pods of those runtimes that no component of these services waits for, like built-in ones.

    A model that answers is not enough: pods of the previous configuration may be what answers.
    """
    installation, namespace = services[0].namespace.installation, services[0].namespace.namespace_name
    given = [runtime for service in services for runtime in service.runtimes]
    awaited = {runtime.declared.name for runtime in given if not isinstance(runtime, DeclaredRuntime)}
    for name in sorted({runtime.name for runtime in candidates} - awaited):
        await Rollout(
            cluster=installation.cluster,
            namespace=namespace,
            deployment=f"{installation.config.service_name}-{name}",
            config_namespace=installation.namespace_name,
            required=False,
            timeout_seconds=max(service.ready_timeout_seconds for service in services),
            report=report,
        ).done()


def load_timeout(args: InferenceServiceArgs, candidates: Sequence[DeclaredRuntime]) -> float:
    """Seconds for loading the model once."""
    if args.load_timeout_seconds is not None:
        return args.load_timeout_seconds
    declared = [runtime.load_timeout_seconds for runtime in candidates]
    return max((seconds for seconds in declared if seconds is not None), default=_LOAD_TIMEOUT_SECONDS)
