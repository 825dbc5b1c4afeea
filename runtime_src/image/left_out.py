"""Lists the installed distributions that serving does not need, one per line, for the image to leave out.

Needed are the dependencies of the given projects, and what these require in turn. The lock file has more, since
`mlserver start`, `infer` and `build` on a runtime's folder need all of MLServer's dependencies, and its tests pytest.

The Dockerfile runs it with the Python of pip: `left_out.py <site-packages> <pyproject.toml> …`.
"""

import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path

import tomllib
from pip._vendor.packaging.requirements import Requirement
from pip._vendor.packaging.utils import canonicalize_name

NOT_IMPORTED = {
    "mlserver": {"tritonclient", "gevent", "geventhttpclient"},  # only `mlserver infer`, a client, imports them
    "py-grpc-prometheus": {"setuptools"},
}
"""Dependencies that a distribution declares, but that serving does not import."""


def left_out(installed: Iterable[Distribution], direct: Iterable[Requirement]) -> list[str]:
    """Names of the installed distributions that no requirement leads to."""
    found = {canonicalize_name(each.metadata["Name"]): each for each in installed}
    reached: set[tuple[str, str]] = set()
    pending = [*direct]
    while pending:
        requirement = pending.pop()
        name = canonicalize_name(requirement.name)
        for extra in {"", *requirement.extras}:
            if name in found and (name, extra) not in reached:
                reached.add((name, extra))
                pending += _required(found[name], extra)
    return sorted(found.keys() - {name for name, _ in reached})


def _required(distribution: Distribution, extra: str) -> Iterator[Requirement]:
    name = canonicalize_name(distribution.metadata["Name"])
    for requirement in map(Requirement, distribution.requires or ()):
        used = requirement.marker is None or requirement.marker.evaluate({"extra": extra})
        if used and canonicalize_name(requirement.name) not in NOT_IMPORTED.get(name, ()):
            yield requirement


def _dependencies(project: Path) -> list[Requirement]:
    return [*map(Requirement, tomllib.loads(project.read_text(encoding="utf-8"))["project"].get("dependencies", []))]


if __name__ == "__main__":
    folder, *projects = sys.argv[1:]
    print(*left_out(distributions(path=[folder]), [r for p in projects for r in _dependencies(Path(p))]), sep="\n")
