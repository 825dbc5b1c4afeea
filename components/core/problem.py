"""The record of a problem with a value, and the error that carries all problems of a component's arguments."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import pulumi


class FieldPath(tuple[str | int, ...]):
    """The path of a field as names and list indices; `/` appends one, as in `ROOT / "containers" / 0 / "name"`."""

    __slots__ = ()

    def __new__(cls, *parts: str | int) -> Self:
        """A path of these parts."""
        return super().__new__(cls, parts)

    def __truediv__(self, part: str | int) -> "FieldPath":
        """The path of a field, or of a list's entry, below this one."""
        return FieldPath(*self, part)

    def __str__(self) -> str:
        """The path in the syntax of Pulumi's property paths, as `pulumi config set --path` takes it."""
        first, *rest = self or ("",)
        return str(first) + "".join(map(self._part, rest))

    @staticmethod
    def _part(part: str | int) -> str:
        if isinstance(part, int):
            return f"[{part}]"
        return f".{part}" if re.fullmatch(r"[^\s.\[\]\"]+", part) else f"[{json.dumps(part)}]"


ROOT = FieldPath()


class Text(str):
    """A description in place of a given value, which a message does not quote."""

    __slots__ = ()

    def __repr__(self) -> str:
        """The text without quotation marks."""
        return str(self)


MISSING = Text("missing")
HIDDEN = Text("(not shown)")
_MAY_HOLD_CREDENTIALS = re.compile(r"\?|@(?!sha256:)")
"""The query or the user of a URL."""


@dataclass(frozen=True)
class Problem:
    """One reason why a value cannot work, or has no effect; as text `<path>: <given>, expected <expected>; <cure>`."""

    path: FieldPath
    given: object
    """Given value, which the text quotes unless it may hold credentials; a `Text` is never quoted."""
    expected: str
    """Allowed values; this text completes a sentence that starts with "expected"."""
    cure: str = ""
    """Advice on what to write instead, if there is any."""
    ignored: bool = False
    """Whether the object is served all the same, without the value."""

    @property
    def shown(self) -> str:
        """The given value as messages show it."""
        hidden = not isinstance(self.given, Text) and _MAY_HOLD_CREDENTIALS.search(str(self.given))
        return HIDDEN if hidden else repr(self.given)

    def __str__(self) -> str:
        return f"{self.path}: {self.shown}, expected {self.expected}" + (f"; {self.cure}" if self.cure else "")

    def under(self, *parts: str | int) -> "Problem":
        """Prefix the path of the problem with `parts`."""
        return replace(self, path=FieldPath(*parts, *self.path))


class InvalidSpecError(pulumi.RunError):
    """An error for arguments that cannot work, from before a component registers any resource."""

    problems: tuple[Problem, ...]
    """Every reason, not only the first."""

    def __init__(self, kind: str, name: str, problems: Sequence[Problem]) -> None:
        super().__init__(f"{kind} {name!r} cannot work:\n" + "\n".join(f"  {problem}" for problem in problems))
        self.problems = tuple(problems)


def raise_if_invalid(kind: str, name: str, problems: Iterable[Problem]) -> None:
    """Checks a component's arguments.

    Raises:
        InvalidSpecError: there are problems; the error has all of them.
    """
    if found := list(problems):
        raise InvalidSpecError(kind, name, found)
