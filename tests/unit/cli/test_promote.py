"""Promotion writes three values into a stack file, and leaves every other byte of it alone."""

import json
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from cli import promote as module
from cli.errors import CommandError
from cli.promote import PROMOTED, built, edited, promote, registries, write
from cli.stack import Stack
from project import ROOT
from tests.unit.cli.conftest import PROD, Programs

DIGEST = "sha256:" + "a" * 64
VALUES = {
    "modelmesh:runtimeImage": f"registry.example.com:5000/ml/custom-runtime-0.x@{DIGEST}",
    "modelmesh:modelImage": f"registry.example.com:5000/ml/models/sentiment@{DIGEST}",
    "modelmesh:modelDigest": DIGEST,
}
OUTPUTS = {output: VALUES[key] for output, key in PROMOTED.items()} | {"namespace": "x"}
EXAMPLES = [file for file in sorted(ROOT.glob("Pulumi.*.yaml")) if "modelmesh:runtimeImage" in file.read_text()]

ODD = """\
# Whose it is.
encryptionsalt: v1:a:b   # kept
config:   # all of it
    modelmesh:kubeconfig:   '~/k'

    # What runs.
    modelmesh:modelImage:    "old"   # promoted
    modelmesh:runtimeImage: 'old'
    modelmesh:modelDigest:
    modelmesh:meshResources: { limits: {cpu: "3", memory: 1Gi},   requests: {cpu: 500m} }
    modelmesh:s3:
        secretAccessKey:
            secure: v1:xyz
        certificate: |
            -----BEGIN
              two
    modelmesh:long: "a text that goes on for so long that who writes it anew would break it into more lines"
    modelmesh:folded: >-
        a
        b
"""


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_the_examples_get_a_diff_of_three_lines(file: Path) -> None:
    old = file.read_text()
    new = edited(old, VALUES)
    changed = [(one, other) for one, other in zip(old.split("\n"), new.split("\n"), strict=True) if one != other]
    assert sorted(line.strip() for _, line in changed) == sorted(f"{key}: {value}" for key, value in VALUES.items())


def test_there_are_examples() -> None:
    assert {file.name for file in EXAMPLES} >= {"Pulumi.staging.yaml", "Pulumi.prod.yaml"}


def test_quotes_comments_and_whatever_else_stands_there_stay() -> None:
    expected = (
        ODD.replace('"old"', f'"{VALUES["modelmesh:modelImage"]}"')
        .replace("'old'", f"'{VALUES['modelmesh:runtimeImage']}'")
        .replace("modelDigest:", f"modelDigest: {DIGEST}")
    )
    assert edited(ODD, VALUES) == expected
    assert edited(expected, VALUES) == expected


def test_what_it_does_not_say_yet_comes_first_in_its_config() -> None:
    lines = PROD.splitlines(keepends=True)
    added = "".join(f"  {key}: {value}\n" for key, value in VALUES.items())
    assert edited(PROD, VALUES) == "".join([*lines[:2], added, *lines[2:]])


def test_lines_end_as_they_did(checkout: Path) -> None:
    file = checkout / "Pulumi.prod.yaml"
    file.write_bytes(ODD.replace("old", "é").replace("    modelmesh:modelDigest:\n", "").replace("\n", "\r\n").encode())
    before = file.read_bytes()
    write(VALUES, "prod", checkout)
    after = file.read_bytes()
    assert after.count(b"\r\n") == after.count(b"\n") == before.count(b"\n") + 1


def test_the_difference_is_returned_and_the_file_keeps_its_mode(checkout: Path) -> None:
    file = checkout / "Pulumi.prod.yaml"
    file.chmod(0o640)
    difference = write(VALUES, "prod", checkout)
    assert [line for line in difference.splitlines()[2:] if line[0] in "+-"] == [
        f"+  {key}: {value}" for key, value in VALUES.items()
    ]
    assert file.stat().st_mode & 0o777 == 0o640
    assert yaml.safe_load(file.read_text())["config"].items() >= VALUES.items()
    assert len(list(checkout.iterdir())) == 3, "nothing is left beside it"
    assert write(VALUES, "prod", checkout) == ""


def test_nothing_is_left_beside_it_by_a_promotion_that_fails(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("shutil.copymode", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write(VALUES, "prod", checkout)
    assert len(list(checkout.iterdir())) == 3
    assert (checkout / "Pulumi.prod.yaml").read_text() == PROD


@pytest.mark.parametrize(
    "text",
    [
        "config:\n  modelmesh:kubeconfig: /k\n  modelmesh:modelDigest: a\n  modelmesh:modelDigest: a\n",
        "config: {modelmesh:kubeconfig: /k}\n",
        "config:\n  modelmesh:kubeconfig: /k\n  modelmesh:modelDigest: |\n    old\n",
        "config:\n  modelmesh:kubeconfig: /k\n  modelmesh:modelDigest:\n    secure: v1:a\n",
        "config:\n  modelmesh:kubeconfig: &k old\n  modelmesh:modelDigest: *k\n",
        "config:\n  modelmesh:kubeconfig: *k\n  modelmesh:modelDigest: &k old\n",
        "config:\n",
        "encryptionsalt: v1\n",
        "",
    ],
)
def test_what_cannot_be_edited_in_place_is_told_and_left_alone(checkout: Path, text: str) -> None:
    file = checkout / "Pulumi.prod.yaml"
    file.write_text(text)
    with pytest.raises(CommandError, match=rf"(is no YAML|set by hand:\n  modelmesh:runtimeImage: .*{DIGEST})"):
        write(VALUES, "prod", checkout)
    assert file.read_text() == text


def test_what_a_stack_serves_is_read_from_its_outputs(programs: Programs, prod: Callable[[], Stack]) -> None:
    programs.add("pulumi", f"printf '%s' '{json.dumps(OUTPUTS)}'")
    assert built(prod()) == VALUES


@pytest.mark.parametrize(
    ("outputs", "problem"),
    [
        ({}, "stack prod is not up: make up STACK=prod"),
        (OUTPUTS | {"modelImage": None}, "output modelImage of stack prod is None, expected a digest"),
        (OUTPUTS | {"image": "registry/x:1"}, "output image of stack prod is 'registry/x:1', expected a digest"),
        (OUTPUTS | {"modelDigest": "[secret]"}, r"output modelDigest of stack prod is '\[secret\]', expected a digest"),
    ],
)
def test_a_stack_that_cannot_tell_what_it_serves_is_an_error(
    programs: Programs, prod: Callable[[], Stack], outputs: dict[str, str | None], problem: str
) -> None:
    programs.add("pulumi", f"printf '%s' '{json.dumps(outputs)}'")
    with pytest.raises(CommandError, match=problem):
        built(prod())


def test_registries_that_the_other_stack_does_not_push_to_are_told(checkout: Path) -> None:
    assert registries(VALUES, "prod", checkout) == ["registry.example.com:5000"]
    own = PROD.replace("  modelmesh:context: prod\n", "  modelmesh:registry: registry.example.com:5000/ml\n")
    (checkout / "Pulumi.prod.yaml").write_text(own)
    assert registries(VALUES, "prod", checkout) == []


@pytest.mark.parametrize(("origin", "to"), [("prod", "prod"), ("", "prod"), ("prod", None)])
def test_two_stacks_have_to_be_named(origin: str, to: str | None) -> None:
    with pytest.raises(CommandError, match="make promote FROM=dev TO=staging"):
        promote(Namespace(origin=origin, to=to, instance="dev"))


@pytest.mark.parametrize(("origin", "to"), [("prod", "nope"), ("nope", "prod")])
def test_both_have_to_be_stacks(origin: str, to: str) -> None:
    with pytest.raises(CommandError, match="there is no stack 'nope'"):
        promote(Namespace(origin=origin, to=to, instance="dev"))


def test_it_shows_the_difference_and_what_to_do_with_it(
    prod: Callable[[], Stack],
    programs: Programs,
    checkout: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    programs.add("pulumi", f"printf '%s' '{json.dumps(OUTPUTS)}'")
    (checkout / "Pulumi.next.yaml").write_text(PROD)
    monkeypatch.setattr(module, "open_stack", lambda *_: prod())
    monkeypatch.setattr(module, "tracked", lambda *_: yaml.safe_load(PROD))
    monkeypatch.setattr(module, "write", lambda values, target: write(values, target, checkout))
    promote(Namespace(origin="prod", to="next", instance="dev"))
    printed = capsys.readouterr()
    assert f"+  modelmesh:modelDigest: {DIGEST}" in printed.out
    assert "next: make preview STACK=next, then commit the file" in printed.err
    assert "the nodes of next have to be able to pull from registry.example.com:5000" in printed.err
