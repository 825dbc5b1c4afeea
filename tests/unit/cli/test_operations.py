"""What the operations on a stack of one's own cluster say, ask and refuse."""

import json
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli import interrupted, operations
from cli.errors import CommandError, DriftError, EngineError
from cli.scratch import APART, NODE_NOT_STARTED
from cli.stack import Stack, on_no_node
from models import sentiment
from project import ROOT
from tests.unit.cli.conftest import PROD, Programs
from tests.unit.cli.engine_events import ended, step
from tests.unit.cli.test_scratch import INIT

UID = "1b7e6a52-0000-4000-8000-000000000001"

VOLUME: dict[str, Any] = {"urn": "urn:its-volume", "type": "kubernetes:core/v1:PersistentVolumeClaim"}
GUARD: dict[str, Any] = {
    "urn": "urn:pulumi:prod::modelmesh::modelmesh:index:ClusterGuard$pulumi:index:Stash::guard",
    "type": "pulumi:index:Stash",
    "outputs": {"output": UID},
}
PROVIDER: dict[str, Any] = {
    "urn": "urn:provider",
    "type": "pulumi:providers:kubernetes",
    "inputs": {"kubeconfig": f"~/.kube/modelmesh/{UID}"},
}


def engine(
    outputs: dict[str, str],
    preview: str = ":",
    destroy: str = ":",
    resources: Sequence[dict[str, Any]] | None = (VOLUME,),
) -> str:
    """A stand-in that has these outputs and resources, and previews and destroys like that."""
    state = {"deployment": None if resources is None else {"resources": resources}}
    return f"""case "$1 $2" in
      "stack output") printf '%s' '{json.dumps(outputs)}' ;;
      "stack export") printf '%s' '{json.dumps(state)}' ;;
      "preview "*) {preview} ;;
      "destroy "*) {destroy} ;;
    esac"""


_LINES = "\n".join(map(json.dumps, [step("core/v1:Pod", "a", {"spec": {}}, {"spec": {}}), ended(update=1)]))
LOGGED = f"""echo '    [urn=x]'; printf '%s\\n' '{_LINES}' >"$PULUMI_OPTION_EVENT_LOG\""""
SUMMARY = [
    "  Resources: update 1",
    "  Bill",
    "                           now     after",
    "    pods                     1         1",
    "    cpu requests             0         0",
    "    memory requests     0.00Gi    0.00Gi",
    "    cpu limits               0         0",
    "    memory limits       0.00Gi    0.00Gi",
]


def given(**more: object) -> Namespace:
    return Namespace(**{"stack": "prod", "instance": "dev", "comment": None, "yes": False} | more)


@pytest.fixture(autouse=True)
def opened(monkeypatch: pytest.MonkeyPatch, prod: Callable[[], Stack]) -> None:
    monkeypatch.setattr(operations, "open_stack", lambda *_: prod())


def test_no_drift_is_reported(programs: Programs, capfd: pytest.CaptureFixture[str]) -> None:
    programs.add("pulumi", engine({"namespace": "x"}))
    operations.drift(given())
    assert capfd.readouterr().err.splitlines()[-1] == "✓ stack prod has not drifted: the cluster has what its files say"
    flags = programs.calls("pulumi")[-1].split()
    assert {"preview", "--refresh", "--expect-no-changes"} <= set(flags)


@pytest.mark.parametrize(("command", "operation"), [(operations.up, "up"), (operations.down, "destroy")])
def test_what_a_killed_update_had_begun_is_in_the_state_before_the_engine_looks_at_the_cluster(
    programs: Programs, command: Callable[[Namespace], None], operation: str
) -> None:
    begun = {"urn": "urn:begun", "type": "kubernetes:core/v1:ConfigMap", "inputs": {"metadata": {"name": "x"}}}
    state = {"deployment": {"resources": [], "pending_operations": [{"type": "creating", "resource": begun}]}}
    export = f"""[ "$1 $2" = "stack export" ] && printf '%s' '{json.dumps(state)}' && exit"""
    programs.add("kubectl", "")
    programs.add("pulumi", f"""{export}\n[ $1 = {operation} ] && exit 1\n{engine({})}""")
    with pytest.raises(EngineError):
        command(given(yes=True))
    *_, imported, run = [call for call in programs.calls("pulumi") if not call.startswith("stack export")]
    assert imported.startswith("stack import")
    assert run.startswith(f"{operation} --refresh")


def test_an_up_keeps_what_its_files_name_again(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    spared: list[tuple[str, list[dict[str, Any]]]] = []
    monkeypatch.setattr(interrupted, "spare", lambda stack, found: spared.append((stack.name, found)))
    monkeypatch.setattr("cli.doctor.command.explain_failure", lambda _: None)  # it reads the state after the update
    programs.add("kubectl", "")
    programs.add("pulumi", f"[ $1 = up ] && exit 1\n{engine({})}")
    with pytest.raises(EngineError):
        operations.up(given(yes=True))
    assert spared == [("prod", [VOLUME])]
    assert [call for call in programs.calls("pulumi") if call.startswith("stack export")] == [
        "stack export --stack prod"
    ]


@pytest.mark.parametrize(("build_with", "hinted"), [("docker", True), ("buildkit", False)])
def test_a_failed_up_with_a_docker_engine_ends_with_what_its_errors_leave_out(
    programs: Programs, checkout: Path, capfd: pytest.CaptureFixture[str], build_with: str, hinted: bool
) -> None:
    text = f"\nconfig:\n  modelmesh:buildWith: {build_with}\n  modelmesh:registry: r.example/team"
    text = PROD.replace("\nconfig:", text)
    (checkout / "Pulumi.prod.yaml").write_text(text)
    programs.add("kubectl", "")
    programs.add("pulumi", f"[ $1 = up ] && exit 1\n{engine({})}")
    with pytest.raises(EngineError):
        operations.up(given(yes=True))
    assert ("`docker login r.example` lets" in capfd.readouterr().err) is hinted


def test_another_machine_gets_the_kubeconfig_that_the_state_names(
    programs: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pinned: list[str] = []
    monkeypatch.setattr("components.Cluster.pin", lambda _, uid: pinned.append(uid))
    programs.add("pulumi", engine({"namespace": "x"}, resources=[GUARD, PROVIDER]))
    programs.add("kubectl", f"printf '%s' {UID}")
    operations.drift(given())
    assert pinned == [UID]
    file = tmp_path / "home/.kube/modelmesh" / UID
    file.parent.mkdir(parents=True)
    file.touch()
    operations.drift(given())
    assert pinned == [UID]


def test_edits_of_the_example_model_are_kept_and_told(
    programs: Programs, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    programs.add("pulumi", engine({"namespace": "x"}))
    monkeypatch.setattr(sentiment, "make", lambda _: pytest.fail("the edits were discarded"))
    monkeypatch.setattr(sentiment, "provide", lambda _: False)
    operations.drift(given())
    assert ".build/models/sentiment was edited, and is used as it is; delete the folder" in capfd.readouterr().err


def test_drift_is_told_from_failure(programs: Programs) -> None:
    programs.add("pulumi", engine({"namespace": "x"}, "exit 7"))
    with pytest.raises(DriftError, match=r"stack prod has drifted.*make up STACK=prod") as raised:
        operations.drift(given())
    assert raised.value.exit_code == 7
    programs.add("pulumi", engine({"namespace": "x"}, "exit 255"))
    with pytest.raises(EngineError, match="preview failed with exit code 255"):
        operations.drift(given())


@pytest.mark.parametrize(("refreshed", "error"), [(7, DriftError), (0, EngineError), (255, EngineError)])
def test_a_change_that_cannot_be_merged_is_drift(programs: Programs, refreshed: int, error: type[CommandError]) -> None:
    """The API server refuses it already in the comparison with the files; with what was applied, it can be compared."""
    comparison = engine({"namespace": "x"}, "exit 255")
    programs.add("pulumi", f'[ "$1 $2" = "refresh --preview-only" ] && exit {refreshed}\n{comparison}')
    with pytest.raises(error) as raised:
        operations.drift(given())
    assert type(raised.value) is error
    assert programs.calls("pulumi")[-1].startswith("refresh --preview-only --expect-no-changes ")


def test_a_stack_that_is_not_up_has_not_drifted(programs: Programs) -> None:
    programs.add("pulumi", engine({}))
    with pytest.raises(CommandError, match="stack prod is not up"):
        operations.drift(given())


def test_drift_goes_by_no_throwaway_state(programs: Programs) -> None:
    programs.add("pulumi", "echo 'error: no stack' >&2; exit 6")
    with pytest.raises(EngineError):
        operations.drift(given())
    assert len(programs.calls("pulumi")) == 1


@pytest.mark.parametrize(("yes", "flags"), [(False, []), (True, ["--yes"])])
def test_up_asks_unless_it_is_told_yes(programs: Programs, yes: bool, flags: list[str]) -> None:
    programs.add("pulumi", f"""[ "$1" = up ] && env >{programs.folder}/env && exit 1\n{engine({})}""")
    programs.add("kubectl", "")
    with pytest.raises(EngineError):
        operations.up(given(yes=yes))
    call = next(call for call in programs.calls("pulumi") if call.startswith("up"))
    assert [flag for flag in call.split() if flag in {"--yes", "--skip-preview"}] == flags
    environment = (programs.folder / "env").read_text().splitlines()
    assert {f"PULUMI_OPTION_POLICY_PACK={ROOT}/policies/pack", "PULUMI_OPTION_SKIP_CONFIG_VALIDATION=true"} <= set(
        environment
    )


def test_up_changes_nothing_where_it_could_not_show_what_is_there(
    programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs.add("pulumi", "exit 1")
    monkeypatch.setenv("PATH", str(programs.folder))
    with pytest.raises(CommandError, match="kubectl is not on PATH"):
        operations.up(given())
    assert not programs.calls("pulumi")


@pytest.mark.parametrize("resources", [[GUARD], [VOLUME], [], None])
def test_down_destroys_on_the_cluster_that_the_stack_was_made_on(
    programs: Programs, resources: Sequence[dict[str, Any]] | None
) -> None:
    programs.add("pulumi", engine({}, resources=resources))
    programs.add("kubectl", f"printf '%s' {UID}")
    operations.down(given())
    assert [call for call in programs.calls("pulumi") if not call.startswith("stack")][
        -1
    ] == "destroy --refresh --stack prod"


def test_down_refuses_another_cluster(programs: Programs, tmp_path: Path) -> None:
    """Also after a first update that failed, which leaves resources but no outputs."""
    programs.add("pulumi", engine({}, resources=[VOLUME, GUARD]))
    programs.add("kubectl", "printf another")
    with pytest.raises(CommandError, match=f"made on the cluster {UID}, .* leads to another, so nothing was changed"):
        operations.down(given())
    assert not any(call.startswith("destroy") for call in programs.calls("pulumi"))
    asked = "get namespace kube-system --output=jsonpath={.metadata.uid}"
    assert programs.calls("kubectl") == [f"--kubeconfig {tmp_path}/home/k --context prod {asked}"], "~ is a home"


def test_down_refuses_a_cluster_that_it_cannot_ask(programs: Programs) -> None:
    programs.add("pulumi", engine({}, resources=[GUARD]))
    programs.add("kubectl", "echo 'connection refused' >&2; exit 1")
    with pytest.raises(CommandError, match="connection refused"):
        operations.down(given())
    assert not any(call.startswith("destroy") for call in programs.calls("pulumi"))


def test_what_the_engine_refuses_is_told_in_its_own_words(
    programs: Programs, capfd: pytest.CaptureFixture[str]
) -> None:
    programs.add("pulumi", engine({}, destroy="echo 'error: x is in use' >&2; exit 1"))
    with pytest.raises(EngineError, match="destroy failed"):
        operations.down(given())
    assert "error: x is in use" in capfd.readouterr().err


def test_down_deletes_nothing_of_a_stack_that_protects_something(programs: Programs) -> None:
    programs.add("pulumi", engine({}, resources=[VOLUME | {"protect": True}]))
    with pytest.raises(CommandError, match=r"nothing was destroyed:\n  urn:its-volume\nto destroy it all the same"):
        operations.down(given())
    assert not any(call.startswith("destroy") for call in programs.calls("pulumi"))


def test_a_preview_is_written_down(programs: Programs, tmp_path: Path) -> None:
    programs.add("pulumi", LOGGED)
    operations.preview(given(comment=str(tmp_path / "c.md")))
    assert "Resources: update 1\n" in (tmp_path / "c.md").read_text()


@pytest.mark.parametrize("command", [operations.up, operations.preview])
def test_preview_and_up_end_with_the_same_summary(
    programs: Programs,
    command: Callable[[Namespace], None],
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(operations, "score", lambda *_: {})
    outputs = {"namespace": "x"}
    programs.add("pulumi", f"case $1 in up|preview) {LOGGED} ;; esac\n{engine(outputs)}")
    programs.add("kubectl", ":")
    command(given(yes=True))
    assert capfd.readouterr().out.splitlines()[-8:] == SUMMARY


def test_a_failed_preview_is_written_down_and_fails(programs: Programs, tmp_path: Path) -> None:
    programs.add("pulumi", "echo '    [urn=x]'; echo 'error: bad' >&2; exit 255")
    with pytest.raises(EngineError, match="exit code 255"):
        operations.preview(given(comment=str(tmp_path / "c.md")))
    assert "error: bad" in (tmp_path / "c.md").read_text()


def test_a_preview_that_never_started_is_written_down_and_fails(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="install Pulumi"):
        operations.preview(given(comment=str(tmp_path / "c.md")))
    assert "install Pulumi" in (tmp_path / "c.md").read_text()


def test_a_preview_that_cannot_be_written_down_is_an_error(programs: Programs, tmp_path: Path) -> None:
    programs.add("pulumi", "echo '    [urn=x]'")
    for file in (tmp_path / "no folder/c.md", tmp_path):
        with pytest.raises(CommandError, match="the preview can't be written: "):
            operations.preview(given(comment=str(file)))


def test_a_stack_whose_node_was_never_started_is_previewed_with_placeholders(
    programs: Programs,
    checkout: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    config = tmp_path / "config.yaml"
    keep = f'if [ "$1" = preview ]; then cat "$PULUMI_OPTION_CONFIG_FILE" >{config}; fi'
    programs.add("pulumi", f"{INIT.replace('prod', 'dev')}\n{keep}\necho '    [urn=x]'")
    monkeypatch.setenv("MODELMESH_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(operations, "is_embedded", lambda _: True)
    monkeypatch.setattr(operations, "on_no_node", lambda name: on_no_node(name, checkout))
    operations.preview(given(stack="dev", comment=str(tmp_path / "c.md")))
    assert yaml.safe_load(config.read_text())["config"] == {"modelmesh:podsPerRuntime": 1, **NODE_NOT_STARTED, **APART}
    told = [line for line in capfd.readouterr().err.splitlines() if line.startswith("▸ The state")]
    assert len(told) == 1
    assert "the embedded node was never started: placeholders stand for its cluster, registry and images" in told[0]
    assert "was never started" in (tmp_path / "c.md").read_text()
    assert not (tmp_path / "data").exists(), "nothing passes for a node afterwards"


def test_an_up_asks_the_engine_for_the_outputs_once(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "score", lambda *_: {})
    programs.add("kubectl", "")
    programs.add("pulumi", engine({"namespace": "models"}))
    operations.up(given(yes=True))
    assert [call for call in programs.calls("pulumi") if call.startswith("stack output")] == [
        "stack output --json --stack prod"
    ]


@pytest.mark.parametrize("failing", ["engine", "model"])
def test_an_up_that_fails_ends_with_what_is_not_well(
    programs: Programs, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    explained: list[str] = []
    monkeypatch.setattr("cli.doctor.command.explain_failure", lambda stack: explained.append(stack.name))
    programs.add("kubectl", ":")
    programs.add("pulumi", f"[ $1 = up ] && exit {int(failing == 'engine')}\n{engine({'namespace': 'x'})}")
    with pytest.raises(CommandError, match="up failed" if failing == "engine" else "not up"):
        operations.up(given(yes=True))
    assert explained == ["prod"]


def test_long_outputs_take_one_line(
    programs: Programs, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    programs.add("pulumi", engine({"namespace": "x", "tlsCa": "-----BEGIN\na\nb", "empty": ""}))
    programs.add("kubectl", ":")
    monkeypatch.setattr(operations, "score", lambda *_: {})
    operations.up(given())
    lines = capfd.readouterr().out.splitlines()
    assert "  tlsCa      -----BEGIN … and 2 lines more" in lines
    assert "  namespace  x" in lines
