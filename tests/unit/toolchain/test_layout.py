"""The engine's home keeps no log: that would hold every value of every resource."""

from pathlib import Path

import pytest

from embedded.toolchain import _without_log


@pytest.mark.parametrize("before", ["nothing", "folder", "file"])
def test_the_engine_finds_no_folder_for_its_log(tmp_path: Path, before: str) -> None:
    logs = tmp_path / "logs"
    if before == "folder":
        logs.mkdir()
        (logs / "pulumi-up.log").write_text("values")
    elif before == "file":
        logs.touch()
    _without_log(logs)
    assert logs.is_file()
    assert not logs.read_bytes()
