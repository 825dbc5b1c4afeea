"""A rule with its name, its enforcement level, which a stack's policy config may override, and its settings."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from .resource import Resource

Level = Literal["advisory", "mandatory"]
Settings = Mapping[str, Sequence[str]]
Rule = Callable[[Resource, Settings], Iterator[str]]


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
class Policy:
    """One policy of the pack."""

    name: str
    description: str
    rule: Rule
    level: Level = "mandatory"
    settings: Mapping[str, Setting] = field(default_factory=dict)

    def violations(self, resource: Resource, given: Settings | None = None) -> Iterator[str]:
        """Violations of the resource under the given settings, with defaults for missing ones."""
        settings = {name: setting.default for name, setting in self.settings.items()}
        return self.rule(resource, {**settings, **(given or {})})
