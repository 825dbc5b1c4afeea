"""The rules for which runtime gets a model: by its name, or by format, version and protocol.

ModelMesh asks them of labels: whatever no runtime carries is told in the service's status as no supporting runtime.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ..core.annotations import RUNTIME
from ..core.names_and_quantities import choice_problems
from ..core.rendering import Unknown
from ..installation.declared_runtime import PROTOCOLS, DeclaredRuntime
from .surroundings import Surroundings


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a service asks of a runtime."""

    name: str
    version: str | None
    protocol: str | None
    runtime: str | None
    where: str
    """Path of the model's object."""

    def candidates(self, around: Surroundings) -> list[DeclaredRuntime]:
        """The runtimes that ModelMesh may place it on."""
        if self.runtime is not None:
            return [runtime for name, runtime in around.usable().items() if name == self.runtime]
        return [
            runtime
            for runtime in around.usable().values()
            if not runtime.disabled
            and runtime.takes(self.name, self.version, self.protocol, rest_proxy=around.rest_proxy)
        ]


def placement_problems(model: Wanted, around: Surroundings) -> Iterator[str]:
    """Why no runtime of the namespace would get it."""
    protocol = model.protocol
    if protocol is not None and not isinstance(protocol, Unknown) and protocol not in PROTOCOLS:
        yield from choice_problems(f"{model.where}.protocolVersion", protocol, PROTOCOLS)
    elif around.runtimes is not None and not any(isinstance(v, Unknown) for v in vars(model).values()):
        if not around.usable():
            yield (
                f"{model.where}: no runtime is declared in namespace {around.namespace!r} that could serve it; give "
                "the service its runtimes, or the installation built-in ones"
            )
        elif model.runtime is not None:
            yield from _named_problems(model, around)
        elif not model.candidates(around):
            yield _nowhere(model, around)


def _named_problems(model: Wanted, around: Surroundings) -> Iterator[str]:
    """A named runtime gets the model whatever its formats are, and whatever it speaks if it does not say so."""
    typed = model.where.endswith(".model")
    where = f"{model.where}.runtime" if typed else f"metadata.annotations[{RUNTIME}]"
    if not (found := model.candidates(around)):
        elsewhere = [runtime.namespace for runtime in around.runtimes or () if runtime.name == model.runtime]
        there = f"; it is in namespace {elsewhere[0]!r}, not in {around.namespace!r}" if elsewhere else ""
        yield f"{where}: {model.runtime!r}, expected one of {', '.join(around.usable())}{there}"
    elif found[0].disabled:
        yield f"{where}: {model.runtime!r} is disabled, or serves no more than one model"
    elif (
        model.protocol is not None
        and (spoken := found[0].protocols(rest_proxy=around.rest_proxy))
        and model.protocol not in spoken
    ):
        yield f"{model.where}.protocolVersion: {model.protocol!r}, but {model.runtime} speaks {', '.join(spoken)}"


def _nowhere(model: Wanted, around: Surroundings) -> str:
    """Which of format, version and protocol no runtime takes, and what there is."""
    enabled = [runtime for runtime in around.usable().values() if not runtime.disabled]
    same_format = [r for r in enabled if r.takes(model.name, None, None, rest_proxy=around.rest_proxy)]
    if not same_format:
        there = sorted({name for runtime in enabled for name, _ in runtime.formats})
        return (
            f"{model.where}.modelFormat.name: {model.name!r}, no enabled runtime takes it by itself; taken are "
            f"{', '.join(there) or 'none'}; other formats of a runtime need its name in `runtime`"
        )
    same_version = [r for r in same_format if r.takes(model.name, model.version, None, rest_proxy=around.rest_proxy)]
    if not same_version:
        there = sorted({str(v) for r in same_format for name, v in r.formats if name == model.name and v is not None})
        return (
            f"{model.where}.modelFormat.version: {model.version!r}, the versions of {model.name!r} that runtimes take "
            f"are {', '.join(map(repr, there)) or 'none'}, compared as text; leave it out to match any"
        )
    speaking = "; ".join(f"{runtime.name} speaks {_speech(runtime, around)}" for runtime in same_version)
    return f"{model.where}.protocolVersion: {model.protocol!r}, but {speaking}"


def _speech(runtime: DeclaredRuntime, around: Surroundings) -> str:
    spoken = ", ".join(runtime.protocols(rest_proxy=around.rest_proxy))
    return spoken or "none that it declares, and so suits only services that name none"
