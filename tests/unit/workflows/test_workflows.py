"""What the workflows must never do, and what they have to agree on with the rest of the repository."""

import ast
import re
import subprocess
import tomllib
from functools import cache
from itertools import pairwise
from typing import Any

import pytest

from tests.unit.workflows.parsed import FILES, ROOT, SETUP, STACKS, Job, job, jobs, makes, read, steps, workflows

PIN = re.compile(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
# A token can write only where it has to.
WRITES = {
    "preview.preview": {"pull-requests"},
    "deploy.dev": {"packages"},
    "deploy.promote-to-staging": {"contents", "pull-requests", "actions"},
    "deploy.promote-to-prod": {"contents", "pull-requests", "actions"},
    "promote.propose": {"contents", "pull-requests", "actions"},
}
PLUMBING = {"Write ~/.kube/config", "Show it in the run's summary", "Open, update or close the pull request"}
OF_THIS_REPOSITORY = "github.event.pull_request.head.repo.full_name == github.repository"
# Run by `make test` piece by piece, and by these tests' own run.
EXERCISED_ANYWAY = {("unit", frozenset[str]())}


def test_another_repositorys_code_is_pinned_by_commit_and_its_version_told() -> None:
    used = [found for file in FILES for found in re.findall(r"^[\s-]*uses: (.*)$", file.read_text(), re.MULTILINE)]
    local = {action for action in used if action.startswith("./")}
    assert [action for action in used if action not in local and not PIN.fullmatch(action)] == []
    pins = {action for action in used if action not in local}
    assert len(pins) == len({pin.split("@")[0] for pin in pins}), "each at one version"
    assert [
        action for action in local if not ((ROOT / action).is_file() or (ROOT / action / "action.yml").is_file())
    ] == []


def test_no_workflow_runs_a_strangers_code_with_rights() -> None:
    harmless = {"push", "pull_request", "schedule", "workflow_dispatch", "workflow_call"}
    for name, workflow in workflows().items():
        assert set(workflow["on"]) <= harmless, name
        assert workflow["on"].get("push", {"branches": ["main"]}) == {"branches": ["main"]}, name


def test_what_somebody_else_wrote_reaches_a_shell_only_through_the_environment() -> None:
    found = [(step.place, each) for step in steps() for each in re.findall(r"\$\{\{\s*(.*?)\s*\}\}", step.script)]
    assert [(place, each) for place, each in found if each != "matrix.stack"] == []


def test_a_token_may_do_what_its_job_needs_and_nothing_by_default() -> None:
    assert {name for name, workflow in workflows().items() if workflow.get("permissions") != {}} == set()
    for each in jobs():
        permissions = each.content["permissions"]
        assert set(permissions.values()) <= {"read", "write"}, each.place
        assert {name for name, right in permissions.items() if right == "write"} == WRITES.get(each.place, set())


def test_no_job_leaves_its_token_in_the_checkout() -> None:
    for step in steps():
        if step.uses == "actions/checkout":
            assert step.content["with"]["persist-credentials"] is False, step.place


def test_a_fork_gets_along_without_secrets() -> None:
    """GitHub gives it none: an empty kubeconfig is not written, and `make preview` is told of no state."""
    optional = {("./.github/actions/setup", "kubeconfig"), ("make preview", "PULUMI_ACCESS_TOKEN")}
    for each in (each for each in jobs() if "pull_request" in workflows()[each.workflow]["on"]):
        known = [found for step in each.steps for found in _secrets_of(step.content)]
        assert set(known) <= optional, each.place
        assert str(each.content).count("secrets.") == len(known), f"{each.place}: one where this test does not look"
    kubeconfig = read(SETUP)["inputs"]["kubeconfig"]
    assert kubeconfig["default"] == ""
    assert not kubeconfig.get("required")
    assert "secrets." not in SETUP.read_text()


def test_a_fork_gets_no_comment_as_its_token_cannot_write_one() -> None:
    (comment,) = [step for step in steps() if step.uses.endswith("sticky-pull-request-comment")]
    condition = " ".join(comment.content["if"].split())
    assert condition == f"${{{{ !cancelled() && (github.event_name == 'workflow_dispatch' || {OF_THIS_REPOSITORY}) }}}}"


def test_each_stack_has_a_comment_of_its_own_also_when_its_preview_failed() -> None:
    preview = job("preview", "preview")
    assert preview.content["strategy"]["fail-fast"] is False
    made, summary, comment = preview.steps[-3:]
    (file,) = re.findall(r"COMMENT=(.*)$", made.script)
    assert "matrix.stack" in file
    assert summary.script == f'cat {file} >> "$GITHUB_STEP_SUMMARY"'
    assert comment.content["with"]["path"] == file
    assert "matrix.stack" in comment.content["with"]["header"]
    for step in (summary, comment):
        assert "!cancelled()" in step.content["if"], step.place


def test_previews_of_one_pull_request_cancel_each_other() -> None:
    preview = workflows()["preview"]
    number = "${{ github.event.pull_request.number || inputs.number }}"
    assert preview["concurrency"] == {"group": f"preview-{number}", "cancel-in-progress": True}


def test_a_stack_is_deployed_in_its_environment_one_at_a_time_and_never_cancelled() -> None:
    deploying = [(each, made) for each in jobs() for made in makes(each) if made.target == "up"]
    assert [made.variables for _, made in deploying] == [{"STACK": stack, "YES": "1"} for stack in STACKS]
    for each, made in deploying:
        stack = made.variables["STACK"]
        assert each.workflow == "deploy"
        assert each.content["environment"] == stack
        assert each.content["concurrency"] == {"group": f"deploy-{stack}", "cancel-in-progress": False}
    cancelled = {each.place for each in jobs() if each.content.get("concurrency", {}).get("cancel-in-progress")}
    assert cancelled == set()
    assert "concurrency" not in workflows()["deploy"]


def test_a_token_that_may_write_a_stack_is_only_used_in_that_environment() -> None:
    """A secret of the repository is there for every branch; one of an environment is not."""
    using = {each.place for each in jobs() if "secrets.PULUMI_ACCESS_TOKEN" in str(each.content)}
    assert using == {f"deploy.{stack}" for stack in STACKS}
    assert all(job("deploy", stack).content["environment"] == stack for stack in STACKS)


def test_each_environment_waits_for_the_one_before() -> None:
    needs = {each.name: each.content.get("needs") for each in jobs() if each.workflow == "deploy"}
    assert needs == {
        "dev": None,
        "promote-to-staging": "dev",
        "staging": "dev",
        "promote-to-prod": "staging",
        "prod": "staging",
    }


def test_images_are_built_in_dev_and_nowhere_else() -> None:
    builders = {"docker/login-action", "docker/setup-buildx-action"}
    assert {each.place for each in jobs() if builders & {step.uses for step in each.steps}} == {"deploy.dev"}


def test_a_promotion_goes_from_one_environment_to_the_next() -> None:
    called = [each for each in jobs() if each.content.get("uses") == "./.github/workflows/promote.yml"]
    assert [each.content["with"] for each in called] == [
        {"from": origin, "to": target} for origin, target in pairwise(STACKS)
    ]
    for each in called:
        assert each.content["needs"] == each.content["with"]["from"]
        assert set(each.content["secrets"]) == {"PULUMI_READ_TOKEN"}, "no kubeconfig: outputs are read from the state"


def test_every_stack_that_a_workflow_knows_has_a_file() -> None:
    named = {stack for each in jobs() for stack in each.stacks}
    named |= {
        stack for each in jobs() for key in ("from", "to") for stack in [each.content.get("with", {}).get(key)] if stack
    }
    named |= {
        made.variables["STACK"]
        for each in jobs()
        for made in makes(each)
        if "STACK" in made.variables and not each.stacks
    }
    assert named == set(STACKS)
    assert [stack for stack in named if not (ROOT / f"Pulumi.{stack}.yaml").is_file()] == []
    assert {each.stacks for each in jobs() if each.stacks} == {STACKS}, "previews and drift look at all of them"


@cache
def _makefile() -> str:
    """The rules of the Makefile, without make's own, as make reads them."""
    return subprocess.run(
        ["make", "--no-builtin-rules", "--question", "--print-data-base", "help"],
        cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ).stdout  # fmt: skip


@pytest.mark.parametrize("each", jobs(), ids=lambda each: each.place)
def test_every_make_command_is_one_that_the_makefile_knows(each: Job) -> None:
    for made in makes(each):
        assert re.search(rf"^{re.escape(made.target)}:", _makefile(), re.MULTILINE), f"{made.place}: {made.target}"
        for variable in made.variables:
            assert re.search(rf"\b{variable}\b", (ROOT / "Makefile").read_text()), f"{made.place}: {variable}"


def test_work_is_done_by_make_alone() -> None:
    """What a workflow does, anybody can do; the rest is GitHub's own plumbing."""
    scripts = [step for step in steps() if step.script]
    assert {step.content["name"] for step in scripts if "name" in step.content} == PLUMBING
    work = [step for step in scripts if "name" not in step.content]
    assert [step.place for step in work if not re.fullmatch(r"make [^\n;&|<>`]+\n?", step.script)] == []


def test_the_engine_has_the_version_of_the_sdk() -> None:
    (engine,) = [step for step in steps() if step.uses == "pulumi/actions"]
    assert set(engine.content["with"]) == {"pulumi-version"}, "no command: it installs, and nothing more"
    locked = re.findall(r"^pulumi==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert [engine.content["with"]["pulumi-version"]] == locked


def test_python_is_the_one_that_the_requirements_are_locked_for() -> None:
    (python,) = [step for step in steps() if step.uses == "actions/setup-python"]
    required = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert f">={python.content['with']['python-version']}" == required


def test_files_that_a_step_reads_are_there() -> None:
    keys = ("go-version-file", "cache-dependency-path")
    named = [
        path for step in steps() for key in keys for path in str(step.content.get("with", {}).get(key, "")).split()
    ]
    assert len(named) > len(keys)
    assert [path for path in named if not (ROOT / path).is_file()] == []


def test_what_a_workflow_calls_is_called_by_a_test_on_a_cluster() -> None:
    called = {(made.target, frozenset(made.variables)) for each in jobs() for made in makes(each)}
    assert len(called) > 4
    assert called - _called_on_a_cluster() - EXERCISED_ANYWAY == set()


def _called_on_a_cluster() -> set[tuple[str, frozenset[str]]]:
    """Target and variables of each call like `team.make("up", f"STACK={stack}", "YES=1")`."""
    found = set()
    for file in (ROOT / "tests/cluster").rglob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "make":
                words = [_beginning(argument) for argument in node.args]
                found.add((words[0], frozenset(word.split("=")[0] for word in words[1:])))
    return found


def _beginning(argument: ast.expr) -> str:
    """A text as far as it stands in the source."""
    if isinstance(argument, ast.JoinedStr):
        return _beginning(argument.values[0])
    return argument.value if isinstance(argument, ast.Constant) and isinstance(argument.value, str) else ""


def _secrets_of(step: dict[str, Any]) -> list[tuple[str, str]]:
    """Who is given a secret, and as what."""
    who = step.get("uses") or " ".join(str(step.get("run", "")).split()[:2])
    given = {**step.get("with", {}), **step.get("env", {})}
    return [(who, name) for name, value in given.items() if "secrets." in str(value)]
