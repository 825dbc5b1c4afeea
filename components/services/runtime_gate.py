"""A gate before a ServingRuntime: it changes only if a candidate of it gives the golden predictions of a service."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pulumi

from ..core.component import Component
from ..core.problem import MISSING, ROOT, Problem, raise_if_invalid
from ..installation.declared_runtime import deployment_problems
from ..runtimes.serving_runtime import API_VERSION, ServingRuntimeArgs
from .golden_gate import GoldenGate, GoldenGateArgs, candidate_name
from .inference_service import InferenceServiceArgs, inference_service, load_timeout


@dataclass(frozen=True, kw_only=True)
class RuntimeGateArgs:
    """Arguments of RuntimeGate."""

    service: InferenceServiceArgs
    """A service with golden predictions, whose model is tried on the candidate of the runtime."""
    runtime: ServingRuntimeArgs
    """Arguments of the runtime, which has to name the gate in `after`."""

    def problems(self) -> Iterator[Problem]:
        """Check that there are golden predictions, and the length of the candidate's name."""
        if self.service.golden is None:
            yield Problem(ROOT / "service" / "golden", MISSING, "golden predictions to ask the runtime for")
        service_name = self.service.namespace.installation.config.service_name
        yield from deployment_problems(ROOT / "runtime" / "runtime_name", service_name, self._candidate.runtime_name)

    @property
    def _candidate(self) -> ServingRuntimeArgs:
        """The runtime with one pod, and without a format that the mesh would select for models of other services."""
        formats = [replace(each, auto_select=False) for each in self.runtime.spec.supported_model_formats]
        spec = replace(self.runtime.spec, replicas=1, autoscaling=None, supported_model_formats=formats)
        return replace(self.runtime, runtime_name=candidate_name(self.runtime.runtime_name), spec=spec, after=())

    def planned(self, namespace: pulumi.Input[str]) -> GoldenGateArgs:
        """Return the arguments of the Job."""
        assert self.service.golden, "a gate without golden predictions is invalid"
        candidate, place = self._candidate, self.service.namespace
        tried = replace(self.service, runtime=candidate.runtime_name)
        metadata: dict[str, Any] = {
            **candidate.object_metadata(), "name": candidate.runtime_name, "namespace": place.namespace_name
        }  # fmt: skip
        seconds = load_timeout(self.service, [candidate.planned()]) + self.runtime.ready_timeout_seconds
        return GoldenGateArgs(
            installation=place.installation,
            namespace=namespace,
            namespace_name=place.namespace_name,
            service=inference_service(tried),
            predictions=self.service.golden,
            load_seconds=seconds,
            runtime={
                "apiVersion": API_VERSION, "kind": candidate.kind, "metadata": metadata, "spec": candidate.spec.spec()
            },
            runtime_name=self.runtime.runtime_name,
        )  # fmt: skip


class RuntimeGate(Component):
    """A Job that creates a candidate of the runtime and asks a model on it, before the runtime changes.

    As long as there is no runtime, nothing is asked.
    """

    def __init__(self, name: str, args: RuntimeGateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        raise_if_invalid("RuntimeGate", args.runtime.runtime_name, args.problems())
        super().__init__("modelmesh:index:RuntimeGate", name, {}, opts)
        GoldenGate(name, args.planned(args.service.namespace.ready), pulumi.ResourceOptions(parent=self))
        self.register_outputs({})
