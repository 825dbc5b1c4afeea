"""A preview goes by the stack's own state where that can be read, and by none where it can't; it never asks."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cli import preview as module
from cli.errors import CommandError
from cli.preview import Preview, preview
from cli.stack import Stack
from tests.unit.cli.conftest import PROD, Programs
from tests.unit.cli.test_scratch import INIT

HEADER = "Previewing update (prod):"
RESOURCE = "    [urn=urn:pulumi:prod::modelmesh::pulumi:pulumi:Stack::modelmesh-prod]"
SHOWN = f"{HEADER}\n{RESOURCE}\nResources:\n    + 1 to create\n"
SHOW = f"printf '%s\\n' '{HEADER}' '{RESOURCE}' 'Resources:' '    + 1 to create'"
REAL = '[ "${PULUMI_BACKEND_URL#file://}" = "$PULUMI_BACKEND_URL" ]'


def previews(programs: Programs) -> list[str]:
    return [call for call in programs.calls("pulumi") if call.startswith("preview")]


def test_a_state_that_can_be_read_is_what_it_goes_by(
    programs: Programs, prod: Callable[[], Stack], capfd: pytest.CaptureFixture[str]
) -> None:
    programs.add("pulumi", f"{SHOW}; echo 'warning: mind' >&2")
    assert preview(prod()) == Preview(stack="prod", code=0, shown=SHOWN, messages="warning: mind\n")
    printed = capfd.readouterr()
    assert printed.out == SHOWN
    assert printed.err == "warning: mind\n"
    assert len(programs.calls("pulumi")) == 1


def test_nothing_is_asked_and_every_check_is_the_program_s(programs: Programs, prod: Callable[[], Stack]) -> None:
    programs.add("pulumi", f"cat; {SHOW}")  # it would wait for a terminal's input
    preview(prod())
    (call,) = programs.calls("pulumi")
    for flag in ("--diff", "--non-interactive"):
        assert flag in call


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        ("error: no stack named 'prod' found", "no stack named 'prod' found"),
        ("Logging in using access token\nerror: performing HTTP request\nerror: more", "performing HTTP request"),
    ],
)
def test_a_state_that_cannot_be_read_is_replaced_by_none_and_the_reason_is_told(
    programs: Programs, prod: Callable[[], Stack], capfd: pytest.CaptureFixture[str], refusal: str, reason: str
) -> None:
    programs.add("pulumi", f'{INIT}\nif {REAL}; then echo "{refusal}" >&2; exit 3; fi\n{SHOW}')
    found = preview(prod())
    assert found == Preview(stack="prod", code=0, shown=SHOWN, unread=reason)
    assert len(previews(programs)) == 2
    assert capfd.readouterr().err == (
        f"▸ The state of prod can't be read here ({reason}), so everything shows as new\n"
    )


def test_secrets_that_cannot_be_decrypted_are_a_state_that_cannot_be_read(
    programs: Programs, prod: Callable[[], Stack], capfd: pytest.CaptureFixture[str]
) -> None:
    """The engine gets as far as its first line, but no further."""
    programs.add("pulumi", f'{INIT}\nif {REAL}; then echo "{HEADER}"; echo "error: bad value" >&2; exit 1; fi\n{SHOW}')
    assert preview(prod()).unread == "bad value"
    assert capfd.readouterr().out == SHOWN, "and of the real one nothing"


def test_a_program_that_fails_is_a_failure_and_not_tried_again(
    programs: Programs, prod: Callable[[], Stack], capfd: pytest.CaptureFixture[str]
) -> None:
    programs.add("pulumi", f"{SHOW}; echo 'error: bad' >&2; exit 1")
    found = preview(prod())
    assert (found.code, found.unread, found.messages) == (1, "", "error: bad\n")
    assert len(programs.calls("pulumi")) == 1
    assert capfd.readouterr().err.count("error: bad") == 1


def test_a_failure_without_the_state_is_a_failure_too(programs: Programs, prod: Callable[[], Stack]) -> None:
    programs.add("pulumi", f'{INIT}\nif [ "$1" = preview ]; then echo "error: bad" >&2; exit 1; fi')
    found = preview(prod())
    assert (found.code, found.unread, found.messages) == (1, "bad", "error: bad\n")


def test_a_backend_that_does_not_answer_is_given_up(
    programs: Programs, prod: Callable[[], Stack], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LONGEST_START_SECONDS", 0.3)
    programs.add("pulumi", f"{INIT}\nif {REAL}; then exec sleep 20; fi\n{SHOW}")
    assert preview(prod()).unread == "no answer within 0.3 s"


def test_an_engine_that_ends_without_a_word_is_told_from_one_that_does_not_answer(
    programs: Programs, prod: Callable[[], Stack]
) -> None:
    programs.add("pulumi", f"{INIT}\nif {REAL}; then exit 3; fi\n{SHOW}")
    assert preview(prod()).unread == "the engine ended with exit code 3"


@pytest.mark.parametrize("begun", [":", f"echo '{RESOURCE}'"])
@pytest.mark.usefixtures("interruptible")
def test_who_interrupts_it_waits_for_nothing_and_leaves_nothing_running(
    programs: Programs, prod: Callable[[], Stack], tmp_path: Path, begun: str
) -> None:
    programs.add("pulumi", f"echo $$ >{tmp_path}/pid; {begun}; sleep 0.3; kill -INT $PPID; exec sleep 20")
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        preview(prod())
    assert time.monotonic() - started < 10
    assert not Path("/proc", (tmp_path / "pid").read_text().strip()).exists()
    for timer in (thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)):
        timer.join(5)
        assert not timer.is_alive(), "it would keep the command from ending"
    assert len(previews(programs)) == 1, "an interrupted one is no unreadable one"


def test_one_that_has_begun_may_take_its_time(
    programs: Programs, prod: Callable[[], Stack], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LONGEST_START_SECONDS", 0.3)
    programs.add("pulumi", f"{SHOW}; sleep 0.6; echo end")
    assert preview(prod()).shown.endswith("end\n")


def test_colours_are_left_to_terminals(programs: Programs, prod: Callable[[], Stack]) -> None:
    programs.add("pulumi", f"{SHOW}; printf '\\033[31mred\\033[0m\\n'; printf '\\033[1mbold\\n' >&2")
    found = preview(prod())
    assert found.shown.endswith("red\n")
    assert found.messages == "bold\n"
    assert "--color never" in programs.calls("pulumi")[0]


def test_the_checkout_stays_as_it_is(programs: Programs, prod: Callable[[], Stack], checkout: Path) -> None:
    programs.add("pulumi", f"{INIT}\nif {REAL}; then exit 6; fi\n{SHOW}")
    preview(prod())
    assert (checkout / "Pulumi.prod.yaml").read_text() == PROD
    assert len(list(checkout.iterdir())) == 3


def test_without_an_engine_there_is_none(prod: Callable[[], Stack]) -> None:
    with pytest.raises(CommandError, match="install Pulumi"):
        preview(prod())


def test_a_success_is_shown_whatever_it_looks_like(
    programs: Programs, prod: Callable[[], Stack], capfd: pytest.CaptureFixture[str]
) -> None:
    programs.add("pulumi", "echo all is well")
    assert preview(prod()).unread == ""
    assert capfd.readouterr().out == "all is well\n"
