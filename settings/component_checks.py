"""Has the components check all of their arguments before any resource exists.

They check the arguments themselves, too, but only after the resources before them are registered.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import components as mm
from components.checks import KNOWN_LATER, FieldPath, Problem, check

from .keys import by_key
from .models import Models
from .settings import Settings


def component_problems(s: Settings, more_models: Models) -> Iterator[Problem]:
    """The problems of all arguments, by the keys that set them."""
    places: dict[int | str, FieldPath] = dict(enumerate(more_models))
    places |= {entry["name"]: place for place, entry in more_models.items()}
    for problem in _problems(s):
        found = by_key(problem)
        if found.path[0] == "models":
            found = replace(found, path=FieldPath(*places[found.path[1]], *found.path[2:]))
        elif found.path == ("modelNamespace",) and s.model_namespace == s.namespace:
            found = replace(found, path=FieldPath("namespace"))
        yield found


def cluster_guard(name: str, settings: Settings) -> mm.ClusterGuard:
    """Creates the stack's guard, whose conflicts are reported by configuration key."""
    try:
        return mm.ClusterGuard(name, settings.guard())
    except mm.installation.OwnershipConflictError as error:
        raise error.with_problems(by_key(problem.under("guard")) for problem in error.problems) from None


def _problems(s: Settings) -> Iterator[Problem]:
    """The problems of all arguments, in the order of the program; the outputs of a component are known later."""
    later: Any = KNOWN_LATER
    etcd, minio = s.etcd(namespace=later), s.minio(namespace=later)
    storage = s.s3 or minio.planned()
    serving = s.installation(namespace=later, etcd=s.outside_etcd or etcd.planned())
    models = s.models(serving.planned(), storage=storage)
    arguments: dict[str, Any] = {
        "image": s.runtime_image(),
        "namespace": s.controller_namespace(),
        "etcd": etcd,
        **({} if s.s3 else {"minio": minio}),
        "installation": serving,
        "model_namespace": models,
        "model": s.model(namespace=later, storage=storage),
    }
    try:
        arguments["runtime"] = s.runtime(namespace=models.planned(), image=later)
        declared = arguments["runtime"].planned()
    except mm.InvalidSpecError as error:
        yield from (problem.under("runtime") for problem in error.problems)
        declared = mm.installation.DeclaredRuntime(
            name=s.runtime_name, namespace=None, formats=((s.values["modelFormat"], None),)
        )
    arguments["service"] = s.service(namespace=models.planned(), runtime=declared, path=later, image=later)
    if "runtime" in arguments and (gate := s.runtime_gate(runtime=arguments["runtime"], path=later, image=later)):
        arguments["runtime_gate"] = gate
    if s.more_models:
        arguments["more_models"] = s.more_services(arguments["service"])
    for name, given in arguments.items():
        yield from (problem.under(name) for problem in check(given))
