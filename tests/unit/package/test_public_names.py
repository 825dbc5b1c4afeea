"""What a user of the package sees: few names, each with its documentation, and a quickstart of a page."""

import ast
import dataclasses
import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest
import yaml

import components
from project import ROOT

EXAMPLES = sorted(ROOT.glob("examples/*/__main__.py"))
MODULES = [
    components,
    *(thing for name in components.__all__ if isinstance(thing := getattr(components, name), ModuleType)),
]
NAMES = [
    (f"{module.__name__}.{name}", getattr(module, name))
    for module in MODULES
    for name in module.__all__
    if not isinstance(getattr(module, name), ModuleType)
]


def test_there_are_at_most_40_names_at_the_top_level() -> None:
    assert len(components.__all__) <= 40


def test_no_name_is_public_in_two_modules() -> None:
    names = [name.rpartition(".")[2] for name, _ in NAMES]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(("name", "thing"), NAMES, ids=[name for name, _ in NAMES])
def test_every_public_class_and_function_is_documented(name: str, thing: object) -> None:
    if inspect.isclass(thing) or inspect.isfunction(thing):
        assert thing.__doc__, name
        assert not thing.__doc__.startswith(f"{thing.__name__}("), "a dataclass makes this up"


def test_the_quickstart_has_at_most_25_lines() -> None:
    lines = (ROOT / "examples/quickstart/__main__.py").read_text().splitlines()
    assert len([line for line in lines if line]) <= 25


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.parent.name)
def test_examples_import_the_package_and_pulumi_alone(example: Path) -> None:
    tree = ast.parse(example.read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported <= {"pulumi", "pulumi_modelmesh", "csv", "pathlib"}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.parent.name)
def test_examples_declare_every_key_that_they_read(example: Path) -> None:
    declared = yaml.safe_load(example.with_name("Pulumi.yaml").read_text())["config"]
    assert set(re.findall(r'\bconfig\.(?:get|require)\w*\("(\w+)"', example.read_text())) <= declared.keys()


def test_every_record_has_frozen_keyword_fields() -> None:
    for name, thing in NAMES:
        if inspect.isclass(thing) and dataclasses.is_dataclass(thing):
            assert thing.__dataclass_params__.frozen, name  # type: ignore[attr-defined]
