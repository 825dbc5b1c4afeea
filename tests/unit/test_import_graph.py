"""The packages of this project import each other in one direction, and only what is public."""

import ast
import graphlib
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAYERS = ("core", "upstream", "images", "stores", "installation", "runtimes", "services")
"""The packages of `components`; each may import those before it."""
PROGRAM = ("__main__", "settings", "cli", "embedded", "policies", "benchmarks", "models", "project", "skeleton")
FORBIDDEN = {
    "components": {"settings", "cli", "embedded", "policies", "benchmarks", "models", "tests"},
    "embedded": {"settings", "cli", "components", "policies", "benchmarks", "models", "tests"},
    "benchmarks": {"tests"},
    "skeleton": {"settings", "cli", "embedded", "components", "policies", "benchmarks", "models", "tests"},
    "project": {"settings", "cli", "embedded", "components", "policies", "benchmarks", "models", "tests"},
}
"""What each top-level package must not import."""
PUBLIC_MODULES = {"components", "components.checks", *(f"components.{layer}" for layer in LAYERS[2:])}


@dataclass(frozen=True)
class Import:
    """One imported name; `name` is empty for `import module`."""

    file: str
    importer: tuple[str, ...]
    module: tuple[str, ...]
    name: str

    def __str__(self) -> str:
        return f"{self.file}: {'.'.join(self.module)}"


def imports(root: Path) -> list[Import]:
    """Every import of one of the tree's own modules, absolute or relative, wherever it stands in a file."""
    files = [path for package in PROGRAM for path in (root / package).rglob("*.py")]
    files += [*(root / "components").rglob("*.py"), *root.glob("*.py")]
    return [found for path in sorted(files) for found in _imports(root, path)]


def _imports(root: Path, path: Path) -> Iterator[Import]:
    file = path.relative_to(root)
    package, importer = file.parent.parts, file.with_suffix("").parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found = [(tuple(alias.name.split(".")), "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = base + tuple((node.module or "").split(".") if node.module else ())
            found = [(module, alias.name) for alias in node.names]
        else:
            continue
        for module, name in found:
            # `from package import module` imports the module.
            is_module = name and (
                root.joinpath(*module, f"{name}.py").is_file() or root.joinpath(*module, name).is_dir()
            )
            target = (*module, name) if is_module else module
            if root.joinpath(target[0]).is_dir() or root.joinpath(f"{target[0]}.py").is_file():
                yield Import(str(file), importer, target, "" if is_module else name)


def cycle(found: list[Import], depth: int) -> list[str]:
    """One cycle among packages of this depth (1: top level, 2: those inside), or nothing."""
    graph: dict[str, set[str]] = {}
    for each in found:
        importer, imported = (".".join(parts[:depth]) for parts in (each.importer, each.module))
        if importer != imported:
            graph.setdefault(importer, set()).add(imported)
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def upward(found: list[Import]) -> list[str]:
    """Imports inside `components` that run against the order of its layers."""
    inside = [each for each in found if each.importer[0] == each.module[0] == "components"]
    inside = [each for each in inside if each.importer[1] in LAYERS]
    allowed = {layer: LAYERS[: LAYERS.index(layer) + 1] for layer in LAYERS}
    return [str(each) for each in inside if each.module[1:2] == () or each.module[1] not in allowed[each.importer[1]]]


def private(found: list[Import], public: dict[str, set[str]]) -> list[str]:
    """Imports across top-level packages of what the imported one keeps to itself."""
    return [
        str(each)
        for each in found
        if each.importer[0] != each.module[0]
        and (
            any(part.startswith("_") and part != "__main__" for part in (*each.module, each.name))
            or (each.module[0] == "components" and not _is_public(each, public))
        )
    ]


def _is_public(each: Import, public: dict[str, set[str]]) -> bool:
    names = public.get(".".join(each.module))
    return names is not None and (not each.name or each.name in names)


def forbidden(found: list[Import]) -> list[str]:
    """Imports between top-level packages that must not know each other."""
    return [str(each) for each in found if each.module[0] in FORBIDDEN.get(each.importer[0], ())]


def exported(root: Path) -> dict[str, set[str]]:
    """The names in `__all__` of each public module of `components`."""
    found = {}
    for module in PUBLIC_MODULES:
        path = root.joinpath(*module.split("."))
        file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        for node in ast.parse(file.read_text(encoding="utf-8")).body if file.is_file() else ():
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                found[module] = set(ast.literal_eval(node.value))
    return found


@pytest.fixture(scope="module")
def project() -> list[Import]:
    return imports(ROOT)


def test_no_packages_import_each_other_in_a_cycle(project: list[Import]) -> None:
    assert cycle(project, 1) == []
    assert cycle([each for each in project if each.importer[0] == "components"], 2) == []


def test_components_import_only_the_layers_below(project: list[Import]) -> None:
    assert upward(project) == []


def test_no_package_imports_what_another_keeps_private(project: list[Import]) -> None:
    assert private(project, exported(ROOT)) == []


def test_the_library_and_the_node_know_nothing_of_the_program(project: list[Import]) -> None:
    assert forbidden(project) == []


def test_no_component_names_the_programs_configuration_or_its_node() -> None:
    foreign = re.compile(r"\bmodelmesh:(?!index:)[a-z]\w+|solo.?mesh|\bembedded\b|\bstand[- ]in\b", re.IGNORECASE)
    texts = {path: path.read_text(encoding="utf-8") for path in (ROOT / "components").rglob("*.py")}
    assert {str(path): found for path, text in texts.items() if (found := foreign.findall(text))} == {}


GOOD = {
    "components/__init__.py": "from .stores.etcd import Etcd\n__all__ = ['Etcd']",
    "components/checks.py": "from .services.service import problems\n__all__ = ['problems']",
    "components/core/text.py": "",
    "components/stores/etcd.py": "from ..core import text\nclass Etcd: ...",
    "components/services/service.py": "from ..stores.etcd import Etcd\nproblems = []",
    "settings/__init__.py": "import components as mm\nfrom components import Etcd",
    "settings/models.py": "from components.checks import problems",
    "cli/stack.py": "from embedded import node\nfrom embedded.node import start",
    "embedded/node.py": "start = _stop = 1",
    "benchmarks/run.py": "from cli.stack import node",
    "tests/client.py": "",
}
BAD = {
    "components/core/text.py": ("from ..stores.etcd import Etcd", {"upward", "cycle"}),
    "components/stores/etcd.py": ("def f():\n    from ..services import service", {"upward", "cycle"}),
    "components/services/service.py": ("from .. import Etcd", {"upward"}),
    "components/images/pull.py": ("from settings import load", {"forbidden", "cycle"}),
    "settings/load.py": ("from components.stores.etcd import Etcd", {"private"}),
    "settings/rules.py": ("from components.stores import etcd", {"private"}),
    "settings/names.py": ("from components import Unlisted", {"private"}),
    "settings/stores.py": ("from components import stores\nfrom components.stores import Etcd", {"private"}),
    "settings/checks.py": ("from components.checks import hidden", {"private"}),
    "cli/run.py": ("from embedded.node import _stop", {"private"}),
    "cli/open.py": ("import components.core.text", {"private"}),
    "embedded/up.py": ("from cli.stack import node", {"forbidden", "cycle"}),
    "embedded/api.py": ("import components", {"forbidden"}),
    "benchmarks/load.py": ("from tests.client import call", {"forbidden"}),
}


def complaints(root: Path) -> set[str]:
    found = imports(root)
    inside = [each for each in found if each.importer[0] == "components"]
    checks = {
        "cycle": cycle(found, 1) + cycle(inside, 2),
        "upward": upward(found),
        "private": private(found, exported(root)),
        "forbidden": forbidden(found),
    }
    return {name for name, problems in checks.items() if problems}


def write(root: Path, files: dict[str, str]) -> None:
    for name, source in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(textwrap.dedent(source))


def test_a_good_tree_has_no_complaint(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    assert complaints(tmp_path) == set()


@pytest.mark.parametrize("file", BAD)
def test_a_bad_import_is_found(tmp_path: Path, file: str) -> None:
    source, expected = BAD[file]
    write(tmp_path, {**GOOD, file: source})
    assert complaints(tmp_path) == expected
