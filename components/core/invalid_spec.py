"""The error for a spec that could not work, raised before any resource of its component is registered."""

from collections.abc import Iterable, Sequence

import pulumi


class InvalidSpec(pulumi.RunError):
    """A spec that could not work, with every reason: each "path: value, what is expected"."""

    def __init__(self, kind: str, name: str, problems: Sequence[str]) -> None:
        super().__init__(f"{kind} {name!r} cannot work:\n" + "\n".join(f"  {problem}" for problem in problems))
        self.problems = list(problems)


def refuse(kind: str, name: str, problems: Iterable[str]) -> None:
    """Raises InvalidSpec if there are problems."""
    if found := list(problems):
        raise InvalidSpec(kind, name, found)
