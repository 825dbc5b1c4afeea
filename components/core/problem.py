"""Problems of values: one form with path, given value and expectation for all checks of this package."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Self

import pulumi


class FieldPath(tuple[str | int, ...]):
    """The path of a field, like `spec.containers[0].name`: names and list indices, joined with `/`."""

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


def rooted(path: FieldPath | str) -> FieldPath:  # TODO: goes with the last rule that builds its paths as texts
    """The path itself, or one with a text as its only part."""
    return path if isinstance(path, FieldPath) else FieldPath(path)


class Text(str):
    """Stands for a given value that a message does not quote."""

    __slots__ = ()

    def __repr__(self) -> str:
        """The text without quotation marks."""
        return str(self)


MISSING = Text("missing")
HIDDEN = Text("(not shown)")
_MAY_HOLD_CREDENTIALS = re.compile(r"\?|@(?!sha256:)")
"""The query or the user of a URL."""


class Problem(str):  # TODO: a frozen dataclass once every rule yields problems instead of texts
    """One reason why a value cannot work.

    `given` is quoted unless it may contain credentials; `expected` completes "<path>: <given>, expected ...".
    """

    path: FieldPath
    given: object
    expected: str

    def __new__(cls, path: FieldPath | str, given: object, expected: str) -> Self:
        """A problem at `path`; a path in text form is for rules that still yield texts."""
        shown = HIDDEN if not isinstance(given, Text) and _MAY_HOLD_CREDENTIALS.search(str(given)) else given
        self = super().__new__(cls, f"{path}: {shown!r}, expected {expected}")
        self.path = rooted(path)
        self.given, self.expected = given, expected
        return self

    def under(self, *parts: str | int) -> "Problem":
        """Prefix the path of the problem with `parts`."""
        return Problem(FieldPath(*parts, *self.path), self.given, self.expected)


class InvalidSpecError(pulumi.RunError):
    """A component's arguments cannot work. Raised before any of its resources is registered."""

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
