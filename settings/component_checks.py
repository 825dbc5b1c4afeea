"""Checks the settings as the components' arguments, before any resource exists.

A component checks its arguments too, but only after the resources before it are registered.
"""

from collections.abc import Iterator
from typing import Any

import components as mm
from components.checks import KNOWN_LATER, FieldPath, Problem, check, subdomain_problems

from .keys import by_key
from .settings import Settings


def component_problems(settings: Settings) -> Iterator[Problem]:
    """The problems of all arguments, by the keys that set them."""
    yield from subdomain_problems(FieldPath("inferenceService"), settings.inference_service)
    for name, arguments in _arguments(settings).items():
        for problem in check(arguments):
            # With one namespace for both, `namespace` is the key to report.
            if problem.path[0] != "model_namespaces" or settings.model_namespace != settings.namespace:
                yield by_key(problem.under(name))
    try:
        spec = settings.runtime_spec(KNOWN_LATER).spec()
    except mm.InvalidSpecError as error:
        found = list(error.problems)
    else:
        metadata = {"name": settings.runtime_name}
        version = "serving.kserve.io/v1alpha1"
        document = {"apiVersion": version, "kind": "ServingRuntime", "metadata": metadata, "spec": spec}
        found = check(document, settings.serving)
    yield from (by_key(problem.under("runtime")) for problem in found)


def _arguments(settings: Settings) -> dict[str, Any]:
    later: Any = KNOWN_LATER
    own = mm.S3Storage(
        endpoint_url=later, region=later, access_key_id=later, secret_access_key=later, bucket=settings.bucket
    )
    store, etcd = settings.s3 or own, settings.etcd(namespace=later)
    return {
        "image": settings.runtime_image(),
        "model": settings.model(namespace=later, storage=store),
        "storage": mm.stores.StorageConfigArgs(
            namespace=later, secret_name=settings.serving.storage_secret_name, entries={settings.storage_key: store}
        ),
        "installation": settings.installation(namespace=later, etcd=settings.outside_etcd or etcd.connection()),
        **({} if settings.outside_etcd else {"etcd": etcd}),
        **({} if settings.s3 else {"minio": settings.minio(namespace=later)}),
    }
