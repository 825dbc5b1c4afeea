"""Arguments of ModelMeshServing and their checks."""

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import pulumi

from ..core.cluster import Cluster
from ..core.names_and_quantities import choice_problems, duplicate_problems, label_problems, subdomain_problems
from ..core.ownership import Definitions
from ..core.problem import ROOT, Problem
from ..stores.certificate import today
from ..stores.etcd_connection import EtcdConnection
from ..upstream import Document, documents
from .data_plane_tls import ClientAuth, DataPlaneTls
from .declared_runtime import DeclaredRuntime, deployment_problems
from .installation import Installation, Scope
from .serving_config import Resources, ServingConfig, sidecar_resources
from .serving_config_rules import resource_problems, serving_config_problems
from .webhook_certificate import Issuer

BuiltInRuntime = Literal["triton-2.x", "mlserver-1.x", "ovms-1.x", "torchserve-0.x"]


@dataclass(frozen=True, kw_only=True)
class Controller:
    """Settings of the controller's pods."""

    replicas: int = 1
    """Number of pods, of which one is the leader and all admit runtimes; three survive the loss of a node."""
    resources: Resources = field(default_factory=lambda: sidecar_resources("1"))
    dev_mode_logging: bool = False
    """Whether to log every message, in text form instead of JSON."""


@dataclass(frozen=True, kw_only=True)
class ModelMeshServingArgs:
    """Arguments of ModelMeshServing: its namespaces, its etcd, and its configuration."""

    cluster: Cluster
    namespace: pulumi.Input[str]
    """Namespace of the controller, which must exist."""
    namespace_name: str
    """Name of that namespace as plain text, for names that must be known in a preview."""
    model_namespaces: Sequence[str] | None = None
    """Namespaces to serve models in, which may include that of the controller; None means that one alone."""
    scope: Scope = "cluster"
    definitions: Definitions = "kept"
    etcd: EtcdConnection
    config: ServingConfig
    built_in_runtimes: Sequence[BuiltInRuntime] = ()
    """Upstream's runtimes to install, for models that need no custom model server."""
    controller: Controller = field(default_factory=Controller)
    webhook_certificate: Issuer = "own"
    tls: DataPlaneTls | None = None
    network_policies: bool = True
    """Whether to create upstream's policies for the controller, its webhook, and runtime pods in its namespace."""
    today: datetime.date = field(default_factory=today)
    """Date that decides whether certificates are renewed."""

    @property
    def served_namespaces(self) -> tuple[str, ...]:
        """Namespaces to serve models in."""
        return (self.namespace_name,) if self.model_namespaces is None else tuple(self.model_namespaces)

    def runtime_documents(self) -> list[Document]:
        """Return upstream's documents of the built-in runtimes to install."""
        return [runtime for runtime in documents("runtimes") if runtime["metadata"]["name"] in self.built_in_runtimes]

    def planned(self) -> Installation:
        """Return the installation of these arguments, but for the outputs of its resources."""
        namespace = self.namespace_name if self.scope == "namespace" else None
        declared = [replace(DeclaredRuntime.of(each), namespace=namespace) for each in self.runtime_documents()]
        return Installation(
            cluster=self.cluster,
            namespace_name=self.namespace_name,
            scope=self.scope,
            model_namespaces=self.served_namespaces,
            config=self.config,
            built_in_runtimes=tuple(declared),
            namespace=pulumi.Output.from_input(self.namespace),
            admitting=pulumi.Output.from_input(self.namespace_name),
            tls_secret=self.tls.existing_secret if self.tls else None,
            tls_client_auth=self.tls.client_auth if self.tls else None,
        )

    def problems(self) -> Iterator[Problem]:
        """Check for mistakes that otherwise show only in a log or as pods that stay Pending."""
        yield from _namespaces(self)
        yield from serving_config_problems(ROOT / "config", self.config)
        yield from _built_in_runtimes(self)
        yield from _controller(self)
        yield from _tls(self)
        yield from (problem.under("etcd") for problem in self.etcd.problems())


def _namespaces(args: ModelMeshServingArgs) -> Iterator[Problem]:
    yield from choice_problems(ROOT / "scope", args.scope, get_args(Scope))
    yield from choice_problems(ROOT / "definitions", args.definitions, get_args(Definitions))
    yield from label_problems(ROOT / "namespace_name", args.namespace_name)
    path = ROOT / "model_namespaces"
    for index, namespace in enumerate(args.served_namespaces):
        yield from label_problems(path / index, namespace)
        if args.scope == "namespace" and namespace != args.namespace_name:
            expected = f"{args.namespace_name!r}, the only namespace of this controller, or scope 'cluster'"
            yield Problem(path / index, namespace, expected)
    if not args.served_namespaces:
        yield Problem(path, [], "at least one namespace to serve models in")
    yield from duplicate_problems(path, args.served_namespaces)


def _built_in_runtimes(args: ModelMeshServingArgs) -> Iterator[Problem]:
    servers = {
        runtime["metadata"]["name"]: runtime["spec"]["builtInAdapter"]["serverType"]
        for runtime in documents("runtimes")
    }
    path = ROOT / "built_in_runtimes"
    for index, name in enumerate(args.built_in_runtimes):
        yield from choice_problems(path / index, name, list(servers))
        if name not in servers:
            continue
        if servers[name] not in args.config.built_in_server_types:
            yield Problem(path / index, name, f"{servers[name]!r} among config.built_in_server_types")
        yield from deployment_problems(path / index, args.config.service_name, name)
    yield from duplicate_problems(path, args.built_in_runtimes)


def _controller(args: ModelMeshServingArgs) -> Iterator[Problem]:
    path = ROOT / "controller"
    if args.controller.replicas < 1:
        yield Problem(path / "replicas", args.controller.replicas, "1 or more")
    yield from resource_problems(path / "resources", args.controller.resources)
    yield from choice_problems(ROOT / "webhook_certificate", args.webhook_certificate, get_args(Issuer))


def _tls(args: ModelMeshServingArgs) -> Iterator[Problem]:
    if (tls := args.tls) is None:
        return
    path = ROOT / "tls"
    names = path / "dns_names"
    if tls.client_auth is not None:
        yield from choice_problems(path / "client_auth", tls.client_auth, get_args(ClientAuth))
    if tls.existing_secret is not None:
        yield from subdomain_problems(path / "existing_secret", tls.existing_secret)
        if tls.dns_names:
            yield Problem(names, list(tls.dns_names), "none together with existing_secret, whose certificate has names")
    for index, name in enumerate(tls.dns_names):
        yield from subdomain_problems(names / index, name.removeprefix("*."))
        if name.replace(".", "").isdecimal():
            yield Problem(names / index, name, "a DNS name: clients do not look for an IP address among DNS names")
    yield from duplicate_problems(names, tls.dns_names)
