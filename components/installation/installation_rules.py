"""The rules for an installation of ModelMesh Serving: what would only show in a log, or as pods that wait.

Those for its configuration stand in `serving_config`.
"""

from collections.abc import Iterator
from typing import get_args

from ..core.names_and_quantities import choice_problems, duplicate_problems, label_problems, subdomain_problems
from ..core.ownership import Definitions
from ..upstream import documents
from .declared_runtime import deployment_problems
from .installation import Scope
from .modelmesh_serving_args import ModelMeshServingArgs
from .serving_config_rules import resource_problems, serving_config_problems


def installation_problems(args: ModelMeshServingArgs) -> list[str]:
    """Everything that could not work, as "path: value, what is expected"."""
    return [
        *_namespaces(args),
        *serving_config_problems(args.config),
        *_built_in_runtimes(args),
        *_controller(args),
        *_tls(args),
        *(f"etcd.{problem}" for problem in args.etcd.problems()),
    ]


def _namespaces(args: ModelMeshServingArgs) -> Iterator[str]:
    yield from choice_problems("scope", args.scope, get_args(Scope))
    yield from choice_problems("definitions", args.definitions, get_args(Definitions))
    yield from label_problems("namespace_name", args.namespace_name)
    for index, namespace in enumerate(args.served_namespaces):
        path = f"model_namespaces[{index}]"
        yield from label_problems(path, namespace)
        if args.scope == "namespace" and namespace != args.namespace_name:
            yield (
                f"{path}: {namespace!r}, with scope 'namespace' the controller sees only its own, "
                f"{args.namespace_name!r}; expected that or scope 'cluster'"
            )
    if not args.served_namespaces:
        yield "model_namespaces: empty, no model could be served; expected at least one namespace"
    yield from duplicate_problems("model_namespaces", args.served_namespaces)


def _built_in_runtimes(args: ModelMeshServingArgs) -> Iterator[str]:
    servers = {
        runtime["metadata"]["name"]: runtime["spec"]["builtInAdapter"]["serverType"]
        for runtime in documents("runtimes")
    }
    for index, name in enumerate(args.built_in_runtimes):
        path = f"built_in_runtimes[{index}]"
        yield from choice_problems(path, name, list(servers))
        if name not in servers:
            continue
        if servers[name] not in args.config.built_in_server_types:
            yield f"{path}: {name!r} needs {servers[name]!r} in config.built_in_server_types"
        yield from deployment_problems(path, args.config.service_name, name)
    yield from duplicate_problems("built_in_runtimes", args.built_in_runtimes)


def _controller(args: ModelMeshServingArgs) -> Iterator[str]:
    if args.controller.replicas < 1:
        yield f"controller.replicas: {args.controller.replicas}, expected 1 or more"
    yield from resource_problems("controller.resources", args.controller.resources)
    yield from choice_problems("webhook_certificate", args.webhook_certificate, ("own", "cert-manager"))


def _tls(args: ModelMeshServingArgs) -> Iterator[str]:
    if (tls := args.tls) is None:
        return
    if tls.client_auth is not None:
        yield from choice_problems("tls.client_auth", tls.client_auth, ("require", "optional"))
    if tls.existing_secret is not None:
        yield from subdomain_problems("tls.existing_secret", tls.existing_secret)
        if tls.dns_names:
            yield "tls.dns_names: an existing_secret has its names already, expected one of the two"
    for index, name in enumerate(tls.dns_names):
        yield from subdomain_problems(f"tls.dns_names[{index}]", name.removeprefix("*."))
        if name.replace(".", "").isdecimal():
            yield f"tls.dns_names[{index}]: {name!r}, expected a name; clients look an address up elsewhere in it"
    yield from duplicate_problems("tls.dns_names", tls.dns_names)
