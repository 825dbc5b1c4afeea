"""An InferenceService that is there only once its model answers; its endpoints resolve no sooner.

In a preview nothing is waited for. In every `up` it is, also where nothing changed. What ModelMesh Serving would not
serve, or not as it is said here, is refused before anything is registered.
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
from ..core.problem import raise_if_invalid
from ..core.rendering import document, with_placeholders
from ..installation.declared_runtime import DeclaredRuntime, ProtocolVersion
from ..installation.model_namespace import ModelNamespace
from ..runtimes.rollout import Rollout
from ..runtimes.serving_runtime import ClusterServingRuntime, ServingRuntime
from ..stores.storage import ExistingStorage
from ..upstream import spec_problems
from .model_location import ModelPath, StorageUri, Texts
from .readiness import Timeouts, Wait
from .service_rules import FRAMEWORKS, service_problems, wanted
from .surroundings import Entries, Surroundings

API_VERSION = f"{PREFIX}v1beta1"

_LOAD_TIMEOUT_SECONDS = 90.0
"""Where neither the service nor its runtimes say: that of upstream's own runtimes."""


@dataclass(frozen=True, kw_only=True)
class InferenceServiceArgs:
    """One model to be served. Times in seconds."""

    namespace: ModelNamespace
    runtimes: Sequence[ServingRuntime | ClusterServingRuntime | DeclaredRuntime] = ()
    """Those in the namespace that may serve it, besides built-in ones; they are there before it. A DeclaredRuntime
    stands for one that another stack looks after."""
    model_name: str
    """Name of the object, and of the model in requests."""
    model_format: str
    model_format_version: str | None = None
    """Compared as text; by default any."""
    runtime: str | None = None
    """The one runtime to take, whatever formats it declares; by default any that takes the format by itself."""
    protocol_version: ProtocolVersion | None = None
    """Only runtimes that declare it; by default any."""
    storage: ModelPath | StorageUri
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    framework_field: bool = False
    """Write the older form, `predictor.<format>`, which has no version of it."""
    load_timeout_seconds: float | None = None
    """For loading the model once; by default the longest that a runtime which may serve it takes."""
    ready_timeout_seconds: float = 300
    """What may pass besides: pods to start, images to pull."""


class InferenceService(Component):
    """A served model."""

    grpc_url: pulumi.Output[str]
    """`grpc://<service>.<namespace>:8033`, as the object's own status says it."""
    rest_url: pulumi.Output[str | None]
    """`http://<service>.<namespace>:8008`, https with TLS; None where the installation has no REST proxy."""

    def __init__(self, name: str, args: InferenceServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        rendered, around = inference_service(args), surroundings(args)
        raise_if_invalid("InferenceService", args.model_name, service_args_problems(args, rendered, around))
        model = wanted(rendered)
        assert model, "what asks for no model was refused"
        super().__init__("modelmesh:index:InferenceService", name, {}, opts)
        # By way of what it needs, so that it comes after all of that, and goes before.
        needed = [runtime.runtime_name for runtime in args.runtimes if not isinstance(runtime, DeclaredRuntime)]
        namespace = pulumi.Output.all(args.namespace.ready, *needed).apply(lambda _: args.namespace.namespace_name)
        service = kubernetes.apiextensions.CustomResource(
            name,
            api_version=rendered["apiVersion"],
            kind=rendered["kind"],
            metadata={**rendered["metadata"], "namespace": namespace},
            spec=rendered["spec"],
            opts=pulumi.ResourceOptions(parent=self),
        )
        config, installation = args.namespace.installation.config, args.namespace.installation
        host = f"{config.service_name}.{args.namespace.namespace_name}"
        scheme = "http" if installation.tls_secret is None else "https"
        rest_url = f"{scheme}://{host}:{config.rest_proxy.port}" if config.rest_proxy.enabled else None

        async def served(_: Any) -> str:
            if not pulumi.runtime.is_dry_run():
                await self._loaded(args, model.runtime, model.candidates(around))
            return f"grpc://{host}:{config.service_port}"

        self.grpc_url = pulumi.Output.all(service.urn, namespace).apply(served)
        self.rest_url = self.grpc_url.apply(lambda _: rest_url)
        self.register_outputs({"grpc_url": self.grpc_url, "rest_url": self.rest_url})

    async def _loaded(
        self, args: InferenceServiceArgs, runtime: str | None, candidates: Sequence[DeclaredRuntime]
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
        timeouts = Timeouts(total=load_timeout(args, candidates) + args.ready_timeout_seconds)

        def report(text: str) -> None:
            pulumi.log.info(text, resource=self, ephemeral=True)

        await Wait(name=args.model_name, watched=watched, timeouts=timeouts, report=report).loaded()
        await rolled_out([args], candidates, report)


def inference_service(args: InferenceServiceArgs) -> dict[str, Any]:
    """The object as ModelMesh Serving expects it; its namespace is left out, which makes it wait for others."""
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


def surroundings(args: InferenceServiceArgs) -> Surroundings:
    """What the service finds in its namespace."""
    installation = args.namespace.installation
    given = [runtime if isinstance(runtime, DeclaredRuntime) else runtime.declared for runtime in args.runtimes]
    return Surroundings(
        namespace=args.namespace.namespace_name,
        runtimes=[*installation.built_in_runtimes, *given],
        storage=_entries(args.namespace),
        rest_proxy=installation.config.rest_proxy.enabled,
        allow_any_pvc=installation.config.allow_any_pvc,
    )


def _entries(namespace: ModelNamespace) -> Entries | None:
    if isinstance(namespace.storage, ExistingStorage):
        return None if namespace.storage.keys is None else dict.fromkeys(namespace.storage.keys)
    return {key: with_placeholders(storage.fields()) for key, storage in namespace.storage.items()}


def carried(args: InferenceServiceArgs) -> Texts:
    """What the store asks its services to say: credentials, too."""
    stores = args.namespace.storage
    if isinstance(stores, ExistingStorage):
        return {}
    by_annotation = args.annotations.get(STORAGE_KEY) if args.storage.key is None else None
    store = stores.get(by_annotation or args.storage.entry_key())
    return {name: pulumi.Output.secret(value) for name, value in store.parameters().items()} if store else {}


def service_args_problems(args: InferenceServiceArgs, rendered: dict[str, Any], around: Surroundings) -> list[str]:
    """Whatever could not work, of the arguments and of the object that they make."""
    plain = with_placeholders(rendered)
    # Each of these relies on the types that those before it look at.
    problems = (
        list(_type_problems(args))
        or spec_problems("InferenceService", plain["spec"])
        or service_problems(plain, around)
    )
    if args.framework_field:
        problems += choice_problems("model_format", args.model_format, FRAMEWORKS)
    if args.framework_field and args.model_format_version is not None:
        problems.append(f"model_format_version: {args.model_format_version!r}, but predictor.<format> has no version")
    times = {"load_timeout_seconds": args.load_timeout_seconds, "ready_timeout_seconds": args.ready_timeout_seconds}
    late = [(name, seconds) for name, seconds in times.items() if seconds is not None and seconds <= 0]
    return problems + [f"{name}: {seconds}, expected more than 0" for name, seconds in late]


def _type_problems(args: InferenceServiceArgs) -> Iterator[str]:
    """Of what no schema looks at."""
    if not isinstance(args.model_name, str):
        yield f"model_name: {args.model_name!r}, expected a text"
    if not isinstance(args.runtime, str | None):
        yield f"runtime: {args.runtime!r}, expected a text"


async def rolled_out(
    services: Sequence[InferenceServiceArgs], candidates: Sequence[DeclaredRuntime], report: Callable[[str], None]
) -> None:
    """Waits for the pods of those runtimes that no component of these services waits for, like built-in ones.

    A model that answers is not enough: pods of the previous configuration may be what answers.

    Raises:
        NotRolledOutError: a pod cannot start with the current configuration, or the timeout has passed.
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
    """For loading the model once, in seconds."""
    if args.load_timeout_seconds is not None:
        return args.load_timeout_seconds
    declared = [runtime.load_timeout_seconds for runtime in candidates]
    return max((seconds for seconds in declared if seconds is not None), default=_LOAD_TIMEOUT_SECONDS)
