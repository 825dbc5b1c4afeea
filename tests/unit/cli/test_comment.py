"""A comment tells what matters in the open, has the rest behind a click, and is never broken by what it quotes."""

import re

import pytest

from cli.comment import LONGEST, markdown
from cli.preview import Preview
from tests.unit.cli.engine_events import ended, events, step, violation

SHOWN = """\
Previewing update (staging):
  pulumi:pulumi:Stack: (same)
    [urn=urn:pulumi:staging::modelmesh::pulumi:pulumi:Stack::modelmesh-staging]
    ~ kubernetes:apps/v1:Deployment: (update)
        [urn=urn:pulumi:staging::modelmesh::a]
      ~ spec: {
          ~ replicas: 1 => 3
          - paused  : true
        }
    +-kubernetes:batch/v1:Job: (replace)
        [urn=urn:pulumi:staging::modelmesh::b]
Resources:
    ~ 1 to update
    +-1 to replace
    2 changes. 40 unchanged

Policy Packs run:
    Name
"""

EVENTS = events(
    step("core/v1:Pod", "a", {"spec": {}}, {"spec": {"containers": [{"name": "c", "image": "x:2"}]}}),
    violation("images-by-digest", "a", "spec.image: 'x:1', expected x@sha256:…"),
    violation("images-by-digest", "b", "spec.image: 'y:1', expected y@sha256:…"),
    ended(update=1, replace=1, same=40),
)


def comment(**changes: object) -> str:
    given: dict[str, object] = {"stack": "staging", "code": 0, "shown": SHOWN, "events": EVENTS}
    return markdown(Preview(**(given | changes)))  # type: ignore[arg-type]


def opened(text: str) -> str:
    return text.partition("<details>")[0]


def behind(text: str) -> str:
    return text.partition("<details>")[2]


def test_the_stack_and_what_it_was_compared_with_come_first() -> None:
    assert comment().splitlines()[:3] == ["### Preview of stack `staging`", "", "Compared with the stack's state."]
    unread = comment(unread="no stack named 'staging' found")
    assert unread.splitlines()[2] == (
        "Not compared with the stack's state, which can't be read here (`no stack named 'staging' found`): all is new."
    )


def test_the_summary_is_in_the_open_and_the_difference_is_not() -> None:
    lines = opened(comment()).splitlines()
    assert lines[4:6] == ["```diff", "Resources: replace 1, update 1, same 40"]
    assert "+   x:2 (a/c)" in lines
    assert "!   images-by-digest (advisory): 2, first a: spec.image: 'x:1', expected x@sha256:…" in lines
    assert sum("images-by-digest" in line for line in lines) == 1
    assert "  pods                     1         1" in lines
    assert "replicas" not in opened(comment())
    assert "replicas: 1 => 3" in behind(comment())


def test_a_stack_whose_state_was_not_read_has_no_former_bill() -> None:
    assert "  pods                     1" in opened(comment(unread="no stack")).splitlines()


def test_a_failure_has_no_summary_but_the_findings() -> None:
    text = opened(comment(code=255, messages="error: bad"))
    assert "images-by-digest (advisory): 2" in text
    assert "Bill" not in text


def test_marks_are_where_a_diff_has_its_colours() -> None:
    lines = behind(comment()).splitlines()
    assert "!           replicas: 1 => 3" in lines
    assert "-           paused  : true" in lines
    assert "!     kubernetes:apps/v1:Deployment: (update)" in lines
    assert "```diff" in lines


def test_a_quoted_fence_ends_no_block() -> None:
    text = comment(shown=SHOWN.replace("1 => 3", '"```"\n````\n</details>'), messages="`````")
    fences = [line for line in text.splitlines() if re.fullmatch("`{6,}(diff)?", line)]
    assert fences == ["``````diff", "``````"]
    reason = comment(unread="a `b` ``c``")
    assert "(``` a `b` ``c`` ```)" in reason


@pytest.mark.parametrize("block", ["x" * 300 + "\n", "`" * 50 + "\n", "    + kubernetes:x:Y: (same)\n"])
def test_it_fits_into_one_comment_and_says_what_does_not(block: str) -> None:
    text = comment(shown=SHOWN + block * 20_000)
    assert LONGEST - 400 < len(text) <= LONGEST
    assert "… cut here" in behind(text)
    assert text.endswith("\n</details>\n")
    assert "same 40" in opened(text)
    fences = [line for line in behind(text).splitlines() if re.match("`{3,}", line) and line != "`" * 50]
    assert len(fences) == 2


def test_what_fits_is_not_cut() -> None:
    text = comment(shown=SHOWN + "y\n" * 20_000)
    assert text.count("\ny\n") + text.count("\ny") >= 20_000
    assert "cut here" not in text


def test_long_new_resources_give_way_before_anything_is_cut() -> None:
    new = (
        "    + kubernetes:x:Y: (create)\n        [urn=urn]\n        spec: {\n"
        + "            a: 1\n" * 150
        + "        }\n"
    )
    assert "lines more" not in comment(shown=new * 10), "it fits"
    text = comment(shown=new * 40)
    assert text.count("… 125 lines more") == 40
    assert "cut here" not in text


def test_a_failure_has_its_errors_in_the_open() -> None:
    text = comment(code=255, messages="error: bad:\n  a: 1\n")
    assert text.splitlines()[0] == "### Preview of stack `staging` failed"
    assert "error: bad:\n  a: 1" in opened(text)
    assert "error: bad" not in behind(text)
    assert "replicas" in behind(text)


def test_a_failure_before_anything_was_shown_is_nothing_but_its_error() -> None:
    text = comment(code=1, shown="", messages="there is no stack 'staging'", events=events())
    assert text == "### Preview of stack `staging` failed\n\n```\nthere is no stack 'staging'\n```\n"


def test_of_endless_errors_the_last_are_kept() -> None:
    text = comment(code=1, messages="early\n" + "noise\n" * 20_000 + "error: the reason\n")
    assert "error: the reason" in opened(text)
    assert "early" not in text
    assert len(text) <= LONGEST


def test_messages_of_a_success_go_with_the_difference() -> None:
    assert "warning: mind" in behind(comment(messages="warning: mind\n"))
