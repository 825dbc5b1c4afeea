"""The documentation's links, and the messages that it explains, exist."""

import re
import subprocess
from pathlib import Path

import pytest

from cli.links import broken
from components.checks import check
from project import ROOT

PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/*.md")]
OF_OTHERS = {
    "Apply failed with 1 conflict",
    "cluster is unreachable: failed to parse kubeconfig data",
    "failed to load checkpoint",
    "incorrect passphrase",
    "the stack is currently locked by 1 lock(s)",
    "BackoffLimitExceeded",
    "NoSupportingRuntime",
    "RESOURCE_EXHAUSTED: Received message larger than max",
    "denied",
    "did not complete successfully: exit code: …",
    "failed to connect to any docker daemon",
    "http: server gave HTTP response to HTTPS client",
    "no basic auth credentials",
}
"""Messages of the engine, of Kubernetes, of ModelMesh and of Docker."""


def messages() -> list[str]:
    """The messages that the first column of the table quotes, without what varies."""
    rows = re.findall(r"^\| (.+?) \|", (ROOT / "docs/troubleshooting.md").read_text(), re.MULTILINE)
    quoted = [message for row in rows for message in re.findall(r"`([^`]+)`", row)]
    return [message for message in quoted if message not in OF_OTHERS]


def parts(message: str) -> list[str]:
    """The fixed parts of a message; an ellipsis, a stack `x` and digits stand for what varies."""
    return [
        part.strip(" :'") for part in re.split(r"…|'x'|\bx\b|Pulumi\.x\.yaml|\(|\)|:", message) if part.strip(" :'")
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    assert list(broken(page)) == []


def test_a_broken_link_and_a_broken_anchor_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# One `head`, two\n[a](none.md) [b](#one-head-two) [c](#other) `[d](code.md)`\n```\n[e](fence.md)\n```\n"
    )
    assert [problem.split(": ")[1] for problem in broken(page)] == ["none.md", "#other"]


def test_the_shown_problems_are_those_that_a_check_finds() -> None:
    sizes = {"cpu": "1", "memory": "1Gi"}
    container = {
        "name": "mine",
        "image": "a:1",
        "readinessProbe": {},
        "resources": {"requests": sizes, "limits": sizes},
    }
    formats = [{"name": "x", "autoSelect": True}]
    found = check(
        {
            "apiVersion": "serving.kserve.io/v1alpha1",
            "kind": "ServingRuntime",
            "metadata": {"name": "mine"},
            "spec": {"multiModel": True, "supportedModelFormats": formats, "containers": [container]},
        }
    )
    page = (ROOT / "docs/typed-resources.md").read_text()
    assert [f"  {problem}" for problem in found] == re.findall(r"^  spec\..*$", page, re.MULTILINE)


def test_every_page_is_reached_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text() + (ROOT / "docs/README.md").read_text()
    assert not [page.name for page in ROOT.glob("docs/*.md") if page.name != "README.md" and page.name not in readme]


def test_the_readme_fits_on_150_lines() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


@pytest.mark.parametrize("message", messages())
def test_explained_messages_are_messages_of_this_project(message: str) -> None:
    sources = subprocess.run(
        ["git", "ls-files", "*.py", "Makefile"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()
    text = " ".join((ROOT / name).read_text() for name in sources if not name.startswith("tests/"))
    joined = re.sub(r'["\']\s*\n?\s*f?["\']', "", text)  # a message may be written over several lines
    assert not [part for part in parts(message) if part not in joined]
