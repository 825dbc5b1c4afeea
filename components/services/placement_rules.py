"""Checks that a runtime of the namespace takes a model: by its name, or by format, version and protocol.

ModelMesh matches them as labels. A model that no runtime takes gets the status NoSupportingRuntime.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ..core.annotations import RUNTIME
from ..core.names_and_quantities import choice_problems
from ..core.problem import MISSING, FieldPath, Problem
from ..core.rendering import Unknown
from ..installation.declared_runtime import PROTOCOLS, DeclaredRuntime
from .namespace_context import NamespaceContext


@dataclass(frozen=True, kw_only=True)
class ModelRequest:
    """The part of an InferenceService that decides on its runtime."""

    name: str
    """Name of the model's format."""
    version: str | None
    protocol: str | None
    runtime: str | None
    path: FieldPath
    """Path of the model in the InferenceService: `spec.predictor.model`, or that of the older form."""

    def candidates(self, context: NamespaceContext) -> list[DeclaredRuntime]:
        """The runtimes that ModelMesh may place the model on."""
        if self.runtime is not None:
            return [runtime for name, runtime in context.usable().items() if name == self.runtime]
        return [
            runtime
            for runtime in context.usable().values()
            if not runtime.disabled
            and runtime.takes(self.name, self.version, self.protocol, rest_proxy=context.rest_proxy)
        ]


def placement_problems(model: ModelRequest, context: NamespaceContext) -> Iterator[Problem]:
    """Checks that some runtime of the namespace takes the model."""
    protocol = model.protocol
    if protocol is not None and protocol not in PROTOCOLS:
        yield from choice_problems(model.path / "protocolVersion", protocol, PROTOCOLS)
    elif context.runtimes is not None and not any(isinstance(v, Unknown) for v in vars(model).values()):
        if not context.usable():
            expected = (
                f"a runtime in namespace {context.namespace!r}: pass one to the service, or install built-in ones"
            )
            yield Problem(model.path / "runtime", MISSING, expected)
        elif model.runtime is not None:
            yield from _named_problems(model, model.runtime, context)
        elif not model.candidates(context):
            yield _no_runtime(model, context)


def _named_problems(model: ModelRequest, name: str, context: NamespaceContext) -> Iterator[Problem]:
    """Checks a runtime that the service names: it gets the model whatever its formats are."""
    path = model.path / "runtime" if model.path[-1] == "model" else FieldPath("metadata", "annotations", RUNTIME)
    if not (found := model.candidates(context)):
        elsewhere = [runtime.namespace for runtime in context.runtimes or () if runtime.name == name]
        hint = f"; {name} is in namespace {elsewhere[0]!r}, the service in {context.namespace!r}" if elsewhere else ""
        yield Problem(path, name, f"one of {', '.join(context.usable())}{hint}")
    elif found[0].disabled:
        yield Problem(path, name, "a runtime with multiModel: true that is not disabled")
    elif (
        model.protocol is not None
        and (spoken := found[0].protocols(rest_proxy=context.rest_proxy))
        and model.protocol not in spoken
    ):
        yield Problem(model.path / "protocolVersion", model.protocol, f"one that {name} speaks: {', '.join(spoken)}")


def _no_runtime(model: ModelRequest, context: NamespaceContext) -> Problem:
    """Problem of a model whose format, version or protocol no runtime supports, with the supported values."""
    enabled = [runtime for runtime in context.usable().values() if not runtime.disabled]
    same_format = [r for r in enabled if r.takes(model.name, None, None, rest_proxy=context.rest_proxy)]
    if not same_format:
        taken = ", ".join(sorted({name for runtime in enabled for name, _ in runtime.formats}))
        return Problem(
            model.path / "modelFormat" / "name",
            model.name,
            f"a format with autoSelect in an enabled runtime, of which there is {taken or 'none'}; "
            "for other formats of a runtime, name the runtime in `runtime`",
        )
    same_version = [r for r in same_format if r.takes(model.name, model.version, None, rest_proxy=context.rest_proxy)]
    if not same_version:
        versions = {repr(v) for runtime in same_format for name, v in runtime.formats if name == model.name and v}
        taken = ", ".join(sorted(versions))
        return Problem(
            model.path / "modelFormat" / "version",
            model.version,
            f"a version of {model.name!r} that a runtime takes, compared as text: {taken or 'none'}; "
            "omit it to match any",
        )
    speaking = "; ".join(f"{runtime.name} speaks {_protocols(runtime, context)}" for runtime in same_version)
    return Problem(model.path / "protocolVersion", model.protocol, f"a protocol of a runtime: {speaking}")


def _protocols(runtime: DeclaredRuntime, context: NamespaceContext) -> str:
    return ", ".join(runtime.protocols(rest_proxy=context.rest_proxy)) or "none, and suits services that name none"
