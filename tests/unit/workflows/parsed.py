"""The workflows as their tests look at them: parsed, with every job, step and `make` command in reach."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / ".github").rglob("*.yml"))
SETUP = ROOT / ".github/actions/setup/action.yml"
STACKS = ("dev", "staging", "prod")


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step of a job. `place` tells where it is, for messages; `content` is what the file says."""

    place: str
    content: dict[str, Any]

    @property
    def script(self) -> str:
        """What a shell is given; empty for a step that uses an action."""
        return str(self.content.get("run", ""))

    @property
    def uses(self) -> str:
        """The action, without its pin; empty for a step that runs a script."""
        return str(self.content.get("uses", "")).split("@")[0]


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job of a workflow; one that calls another workflow has no steps."""

    workflow: str
    name: str
    content: dict[str, Any]

    @property
    def place(self) -> str:
        return f"{self.workflow}.{self.name}"

    @property
    def steps(self) -> list[Step]:
        steps = enumerate(self.content.get("steps", []))
        return [Step(place=f"{self.place}.steps[{index}]", content=step) for index, step in steps]

    @property
    def stacks(self) -> tuple[str, ...]:
        """What its matrix runs over."""
        return tuple(self.content.get("strategy", {}).get("matrix", {}).get("stack", ()))


@dataclass(frozen=True, kw_only=True)
class Make:
    """A `make` command of a step; `variables` are those it sets, in the words of the file."""

    place: str
    target: str
    variables: dict[str, str]


def read(file: Path) -> dict[str, Any]:
    """A file's content; the key `on` is a boolean to YAML 1.1, and a word here."""
    parsed: dict[Any, Any] = yaml.safe_load(file.read_text())
    return {"on" if key is True else key: value for key, value in parsed.items()}


def workflows() -> dict[str, dict[str, Any]]:
    """Every workflow by its file's name."""
    return {file.stem: read(file) for file in FILES if file.parent.name == "workflows"}


def jobs() -> list[Job]:
    return [
        Job(workflow=workflow, name=name, content=content)
        for workflow, parsed in workflows().items()
        for name, content in parsed["jobs"].items()
    ]


def job(workflow: str, name: str) -> Job:
    return next(job for job in jobs() if (job.workflow, job.name) == (workflow, name))


def setup_steps() -> list[Step]:
    """The steps that the jobs have in common."""
    steps = enumerate(read(SETUP)["runs"]["steps"])
    return [Step(place=f"setup.steps[{index}]", content=step) for index, step in steps]


def steps() -> list[Step]:
    return [step for job in jobs() for step in job.steps] + setup_steps()


def makes(job: Job) -> Iterator[Make]:
    """The `make` commands of a job."""
    for step in job.steps:
        for line in re.findall(r"^\s*make .*", step.script, re.MULTILINE):
            # A blank within an expression would split the word it stands in.
            _, target, *settings = shlex.split(re.sub(r"\$\{\{\s*(\S+)\s*\}\}", r"${{\1}}", line))
            variables = dict(setting.split("=", 1) for setting in settings)
            yield Make(place=step.place, target=target, variables=variables)
