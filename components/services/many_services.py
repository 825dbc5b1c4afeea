"""Waits until many models are served, with one request for all of them at a time, and reports their number.

A service that was changed or deleted after its Job applied it is an error that names the service.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from kubernetes import client

from ..core.cluster import Cluster
from ..core.kserve_api import InferenceServiceApi, ask
from ..core.polling import poll
from . import model_status
from .readiness import NotServedError, Wait

_POLL_SECONDS = 1.0
_LIST_TIMEOUT = 30
_MOST_NAMED = 3
"""A message names no more services than this and counts the others."""


@dataclass(kw_only=True)
class ManyServices:
    """One wait for the InferenceServices that some Jobs apply."""

    cluster: Cluster
    namespace: str
    controller_namespace: str
    selector: str
    """Label selector of the services and of their Jobs."""
    jobs: Mapping[str, str]
    """The name of the Job that applies each service, by the service's name."""
    urns: Mapping[str, str]
    """The URN of each Job, by its name; one may have no service to apply."""
    specs: Mapping[str, Any]
    """The spec of each InferenceService, by its name."""
    runtimes: Mapping[str, tuple[str | None, str]]
    """The runtime that each service names, if any, and its model's format, by the service's name."""
    timeout_seconds: float
    report: Callable[[str], None]
    _waits: dict[str, Wait] = field(default_factory=dict, init=False)
    _not_served: set[str] = field(default_factory=set, init=False)

    @cached_property
    def _api(self) -> client.ApiClient:
        return self.cluster.api_client()

    async def loaded(self) -> None:
        """Returns once all models answer.

        Raises:
            NotServedError: a model cannot be served, the Job failed, or the timeout has passed.
        """
        self._not_served = set(self.specs)
        await poll(
            self._look,
            timeout_seconds=self.timeout_seconds,
            interval_seconds=_POLL_SECONDS,
            report=self.report,
            expired=self._expired,
        )

    async def _look(self) -> str:
        applied = await self._applied()
        self._not_served = await self._missing(applied)
        if applied == self.urns.keys() and not self._not_served:
            return ""
        return f"{len(self.specs) - len(self._not_served):,} of {len(self.specs):,} models are served"

    def _expired(self, _: str) -> NotServedError:
        return NotServedError(
            f"{len(self._not_served):,} of {len(self.specs):,} models are not served after "
            f"{self.timeout_seconds:.0f} s: {_named(self._not_served)}.\n"
            f"Look at kubectl -n {self.namespace} get jobs,inferenceservices --selector {self.selector}, and at the "
            "Jobs' logs. The next `pulumi up` waits again."
        )

    async def _applied(self) -> set[str]:
        """Returns the names of the complete Jobs; one that has failed ends the wait."""
        listed = client.BatchV1Api(self._api).list_namespaced_job
        found = await ask(listed, self.namespace, label_selector=self.selector)
        complete = set[str]()
        for job in found.items if found else ():
            name = job.metadata.name
            conditions = {entry.type: entry for entry in job.status.conditions or ()}
            if name in self.urns and (failed := conditions.get("Failed")):
                raise NotServedError(
                    f"kubectl did not apply {list(self.jobs.values()).count(name):,} of {len(self.specs):,} "
                    f"InferenceServices: {failed.message}.\n"
                    f"The reason is in kubectl -n {self.namespace} logs job/{name}. "
                    "Correct it and run `pulumi up` again."
                )
            if name in self.urns and "Complete" in conditions:
                complete.add(name)
        return complete

    async def _missing(self, applied: Collection[str]) -> set[str]:
        """Returns the names of the services that do not answer yet; one that never will ends the wait."""
        found, failed = await self._found(), []
        missing = set(self.specs)
        if changed := {
            name
            for name, spec in self.specs.items()
            if self.jobs[name] in applied and not _has((found.get(name) or {}).get("spec"), spec)
        }:
            raise NotServedError(
                f"Changed or deleted after they were applied: {_named(changed)}.\n{self._apply_again(changed)}"
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
            more = f"\n… and {len(failed) - _MOST_NAMED:,} more" if len(failed) > _MOST_NAMED else ""
            raise NotServedError("\n".join(failed[:_MOST_NAMED]) + more)
        return missing

    async def _found(self) -> dict[str, dict[str, Any]]:
        listed = client.CustomObjectsApi(self._api).list_namespaced_custom_object
        resource = ("serving.kserve.io", "v1beta1", self.namespace, "inferenceservices")
        found: dict[str, Any] | None = await ask(
            listed, *resource, label_selector=self.selector, timeout_seconds=_LIST_TIMEOUT
        )
        return {service["metadata"]["name"]: service for service in (found or {"items": []})["items"]}

    def _wait(self, name: str) -> Wait:
        if name not in self._waits:
            runtime, model_format = self.runtimes[name]
            watched = InferenceServiceApi(
                cluster=self.cluster, api=self._api, namespace=self.namespace, name=name, runtime=runtime,
                model_format=model_format, controller_namespace=self.controller_namespace,
            )  # fmt: skip
            self._waits[name] = Wait(
                name=name, watched=watched, timeout_seconds=self.timeout_seconds, report=self.report
            )
        return self._waits[name]

    def _apply_again(self, changed: set[str]) -> str:
        urns = sorted({self.urns[self.jobs[name]] for name in changed})
        return " ".join(["To apply them again: pulumi up", *(f"--replace '{urn}'" for urn in urns)])


def _has(found: Any, wanted: Any) -> bool:
    """Returns whether `found` contains `wanted`; the API server and the controller may have added fields."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(
            key in found and _has(found[key], value) for key, value in wanted.items()
        )
    return bool(found == wanted)


def _named(names: set[str]) -> str:
    first = ", ".join(sorted(names)[:_MOST_NAMED])
    return first + (f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else "")
