"""A rule with its name, its enforcement level, which a stack's policy config may override, and its settings."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from .resource import Resource

Level = Literal["advisory", "mandatory"]
Settings = Mapping[str, Sequence[str]]
Rule = Callable[[Resource, Settings], Iterator[str]]
StackRule = Callable[[Iterable[Resource], Settings], Iterator[str]]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A list of strings in the policy's config."""

    description: str
    default: tuple[str, ...] = ()

    def schema(self) -> dict[str, Any]:
        """JSON schema by which the engine validates the config."""
        items = {"type": "string"}
        return {"type": "array", "items": items, "description": self.description, "default": list(self.default)}


@dataclass(frozen=True, kw_only=True)
class _Policy:
    name: str
    description: str
    level: Level = "mandatory"
    settings: Mapping[str, Setting] = field(default_factory=dict)

    def _completed(self, given: Settings | None) -> Settings:
        """Settings with defaults for missing ones."""
        return {**{name: setting.default for name, setting in self.settings.items()}, **(given or {})}


@dataclass(frozen=True, kw_only=True)
class Policy(_Policy):
    """One policy of the pack about single resources."""

    rule: Rule

    def violations(self, resource: Resource, given: Settings | None = None) -> Iterator[str]:
        """Violations of the resource under the given settings."""
        return self.rule(resource, self._completed(given))


@dataclass(frozen=True, kw_only=True)
class StackPolicy(_Policy):
    """One policy of the pack about all resources of a stack, which runs when all of them are registered."""

    rule: StackRule

    def violations(self, resources: Iterable[Resource], given: Settings | None = None) -> Iterator[str]:
        """Violations of the stack under the given settings."""
        return self.rule(resources, self._completed(given))
