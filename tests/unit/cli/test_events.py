"""The engine's file of events is read as far as it goes."""

import json
from pathlib import Path

from cli.events import Events, Finding, read
from policies.rules.reading import UNKNOWN
from tests.unit.cli.engine_events import NOT_KNOWN_YET, ended, events, step, violation


def test_a_file_without_events_or_with_an_unfinished_line_is_read(tmp_path: Path) -> None:
    file = tmp_path / "events"
    assert read(file) == Events()
    file.write_text(f"{json.dumps(ended(create=2))}\n" + '{"summaryEvent": {"resource')
    assert read(file).counts == {"create": 2}


def test_a_value_may_have_any_character_that_separates_lines(tmp_path: Path) -> None:
    """In JSON only a line feed is escaped for sure."""
    text = json.dumps(ended(create=2) | {"text": "\u0085 and \u2028"}, ensure_ascii=False)
    (tmp_path / "events").write_text(f"{text}\n")
    assert read(tmp_path / "events").counts == {"create": 2}


def test_secrets_and_values_that_are_known_later_are_unknown() -> None:
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "[secret]"}
    (new,) = events(step("core/v1:Pod", "a", None, {"spec": [NOT_KNOWN_YET, "x", secret]})).new
    assert new.properties == {"spec": [UNKNOWN, "x", UNKNOWN]}


def test_a_refresh_says_nothing_about_an_update() -> None:
    run = events(
        step("core/v1:Pod", "a", {"spec": "before"}, {"spec": "by hand"}, operation="refresh"),
        step("core/v1:Pod", "a", {"spec": "by hand"}, {"spec": "after"}),
    )
    assert [each.properties for each in (*run.old, *run.new)] == [{"spec": "by hand"}, {"spec": "after"}]


def test_a_deleted_resource_has_no_new_properties() -> None:
    run = events(step("core/v1:Pod", "a", {"spec": {}}))
    assert (len(run.old), run.new) == (1, [])


def test_a_finding_is_named_once_without_colours_and_description() -> None:
    found = violation("images-pinned", "a", "spec: 'x', expected y", "mandatory")
    assert events(found, found).findings == (
        Finding(policy="images-pinned", level="mandatory", resource="a", text="spec: 'x', expected y"),
    )
