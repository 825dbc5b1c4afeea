"""More models of a stack: the list in its file, and the table."""

from pathlib import Path
from typing import Any

import pytest

from settings.models import models


def read(listed: list[dict[str, Any]] | None = None, table: str = "") -> tuple[list[Any], list[str]]:
    found, problems = models({"models": listed or [], "modelTable": table, "inferenceService": "own"})
    return list(found.values()), [str(problem) for problem in problems]


def test_the_list_and_the_table_are_added_up(tmp_path: Path) -> None:
    table = tmp_path / "models.csv"
    table.write_text("name,path\ntwo,some/path\nthree,\n")
    found, problems = read([{"name": "one"}], str(table))
    assert problems == []
    assert found == [{"name": "one"}, {"name": "two", "path": "some/path"}, {"name": "three", "path": ""}]


def test_a_table_saved_by_a_spreadsheet_is_read(tmp_path: Path) -> None:
    table = tmp_path / "models.csv"
    table.write_bytes(b"\xef\xbb\xbfname,path\r\none,a\r\n\r\n,\r\n , \r\ntwo,b\r\n")
    found, problems = read(table=str(table))
    assert problems == []
    assert found == [{"name": "one", "path": "a"}, {"name": "two", "path": "b"}]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name,pth\none,a\n", "expected a CSV file with the columns name and path"),
        ("path\na\n", "expected a CSV file with the columns name and path"),
        ("", "expected a CSV file with the columns name and path"),
        ("name,path,path\none,a,b\n", "with the columns ['name', 'path', 'path'], expected"),
        ("name;path\none;a\n", "or name alone, divided by commas"),
        ("name,path\none\n", "line 2 has not 2 columns"),
        ("name,path\none,a,b\n", "line 2 has not 2 columns"),
        ("name\nown\n", "modelTable, line 2.name: 'own', expected each name once; "),
        ("name\none\ntwo\none\n", "modelTable, line 4.name: 'one', expected each name once; "),
    ],
)
def test_what_is_wrong_with_a_table_is_told_by_its_line(tmp_path: Path, text: str, expected: str) -> None:
    table = tmp_path / "models.csv"
    table.write_text(text)
    _, problems = read(table=str(table))
    assert len(problems) == 1
    assert expected in problems[0]


def test_a_table_that_is_not_there_is_told(tmp_path: Path) -> None:
    _, problems = read(table=str(tmp_path / "none.csv"))
    assert problems[0].startswith("modelTable: ")
    assert "cannot be read" in problems[0]
