"""Waits until many models are served, by one request for all of them at a time, and shows how many are.

What is waited for is what the table says: a service that somebody has changed or deleted by hand since is told by name.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from kubernetes import client

from ..core.cluster import Cluster
from ..core.kserve_api import InferenceServiceApi, ask
from . import model_status
from .readiness import NotServedError, Patience, Wait

_POLL_SECONDS = 1.0
_TIMEOUT_SECONDS = 30
_MOST_TOLD = 3
"""Of services that fail, or fail to be there; the others are counted."""


@dataclass(kw_only=True)
class ManyServices:
    """One wait for the services that a Job applies."""

    cluster: Cluster
    namespace: str
    controller_namespace: str
    selector: str
    job: str
    job_urn: str
    specs: Mapping[str, Any]
    """What each is to be, by its name."""
    runtimes: Mapping[str, tuple[str | None, str]]
    """The runtime it names, if any, and its model's format."""
    patience: Patience
    report: Callable[[str], None]
    _waits: dict[str, Wait] = field(default_factory=dict, init=False)

    @cached_property
    def _api(self) -> client.ApiClient:
        return self.cluster.api_client()

    async def loaded(self) -> None:
        """Returns once all answer. Raises NotServedError as soon as one cannot, or when patience is over."""
        deadline = time.monotonic() + self.patience.total
        said, missing = "", set(self.specs)
        while time.monotonic() < deadline:
            try:
                applied = await self._applied()
                missing = await self._missing(applied=applied)
                if applied and not missing:
                    return
                state = f"{len(self.specs) - len(missing):,} of {len(self.specs):,} models are served"
            except ConnectionError as problem:
                state = f"no answer from the API server, trying again: {problem}"
            if state != said:
                said = state
                self.report(state)
            await asyncio.sleep(_POLL_SECONDS)
        raise NotServedError(
            f"{len(missing):,} of {len(self.specs):,} models are not served after {self.patience.total:.0f} s: "
            f"{_named(missing)}.\nLook at kubectl -n {self.namespace} get inferenceservices, and at the Job's log: "
            f"kubectl -n {self.namespace} logs job/{self.job}. The next `pulumi up` waits again."
        )

    async def _applied(self) -> bool:
        """Whether the Job has done its work. Raises NotServedError where it has given up."""
        batch = client.BatchV1Api(self._api)
        found = await ask(lambda: batch.read_namespaced_job(self.job, self.namespace, _request_timeout=10))
        conditions = {entry.type: entry for entry in (found.status.conditions if found else None) or []}
        if failed := conditions.get("Failed"):
            raise NotServedError(
                f"kubectl did not apply the {len(self.specs):,} InferenceServices: {failed.message}.\n"
                f"The reason is in kubectl -n {self.namespace} logs job/{self.job}. {self._once_more()}"
            )
        return "Complete" in conditions

    async def _missing(self, *, applied: bool) -> set[str]:
        """Names of the services that do not answer yet. Raises NotServedError for those that never will."""
        found, failed = await self._found(), []
        missing = set(self.specs)
        if applied and (
            strange := {
                name for name, spec in self.specs.items() if not _has((found.get(name) or {}).get("spec"), spec)
            }
        ):
            raise NotServedError(
                f"Since they were applied, somebody has changed or deleted {_named(strange)}.\n{self._once_more()}"
            )
        for name, service in found.items():
            if name not in self.specs or not _has(service["spec"], self.specs[name]):
                continue
            try:
                if await self._wait(name).settled(model_status.read(service)):
                    missing.remove(name)
            except NotServedError as problem:
                failed.append(str(problem))
        if failed:
            more = f"\n… and {len(failed) - _MOST_TOLD:,} more" if len(failed) > _MOST_TOLD else ""
            raise NotServedError("\n".join(failed[:_MOST_TOLD]) + more)
        return missing

    async def _found(self) -> dict[str, dict[str, Any]]:
        objects = client.CustomObjectsApi(self._api)
        found: dict[str, Any] | None = await ask(
            lambda: objects.list_namespaced_custom_object(
                "serving.kserve.io", "v1beta1", self.namespace, "inferenceservices",
                label_selector=self.selector, _request_timeout=_TIMEOUT_SECONDS,
            )
        )  # fmt: skip
        return {service["metadata"]["name"]: service for service in (found or {"items": []})["items"]}

    def _wait(self, name: str) -> Wait:
        if name not in self._waits:
            runtime, model_format = self.runtimes[name]
            watched = InferenceServiceApi(
                cluster=self.cluster, api=self._api, namespace=self.namespace, name=name, runtime=runtime,
                model_format=model_format, controller_namespace=self.controller_namespace,
            )  # fmt: skip
            self._waits[name] = Wait(name=name, watched=watched, patience=self.patience, report=self.report)
        return self._waits[name]

    def _once_more(self) -> str:
        return f"To apply them once more: pulumi up --replace '{self.job_urn}'"


def _has(found: Any, wanted: Any) -> bool:
    """Whether all that is wanted is there; the API server and the controller may have added to it."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(
            key in found and _has(found[key], value) for key, value in wanted.items()
        )
    return bool(found == wanted)


def _named(names: set[str]) -> str:
    first = ", ".join(sorted(names)[:_MOST_TOLD])
    return first + (f" and {len(names) - _MOST_TOLD:,} more" if len(names) > _MOST_TOLD else "")
