"""Real processes: small ones of the system's own."""

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from embedded.errors import EmbeddedError
from embedded.processes import Process, Processes, Record, start_time


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    made = Processes(tmp_path / "run", tmp_path / "logs")
    yield made
    made.stop(["sleeper"], grace=1)


def sleeper(*inputs: Path) -> Process:
    return Process(
        name="sleeper", argv=("/bin/sleep", "60"), ready=lambda pid: start_time(pid) is not None, inputs=inputs
    )


def test_a_started_process_is_recognised_by_who_comes_later(processes: Processes, tmp_path: Path) -> None:
    record = processes.run(sleeper())
    later = Processes(tmp_path / "run", tmp_path / "logs")
    assert later.running("sleeper") == record


def test_starting_again_leaves_a_current_process_alone(processes: Processes) -> None:
    assert processes.run(sleeper()).pid == processes.run(sleeper()).pid


def test_a_changed_input_replaces_the_process(processes: Processes, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("one")
    first = processes.run(sleeper(config))
    config.write_text("another")
    second = processes.run(sleeper(config))
    assert not first.alive()
    assert second.alive()


def test_a_recycled_id_is_not_ours(processes: Processes) -> None:
    record = processes.run(sleeper())
    assert record.alive()
    assert not replace(record, started=record.started + 1).alive()


def test_an_id_of_before_the_last_boot_is_not_ours(processes: Processes) -> None:
    assert not replace(processes.run(sleeper()), boot="another boot").alive()


def test_stop_never_touches_the_present_holder_of_a_recycled_id(processes: Processes, tmp_path: Path) -> None:
    bystander = processes.run(sleeper())
    path = tmp_path / "run/sleeper.json"
    path.write_text(path.read_text().replace(f'"started": {bystander.started}', '"started": 1'))
    processes.stop(["sleeper"])
    assert bystander.alive()
    os.kill(bystander.pid, 9)


def test_a_process_that_ignores_the_polite_signal_ends_all_the_same(processes: Processes) -> None:
    script = "trap '' TERM; while :; do /bin/sleep 0.05; done"
    record = processes.run(replace(sleeper(), argv=("/bin/sh", "-c", script)))
    time.sleep(0.1)
    processes.stop(["sleeper"], grace=0.2)
    assert not record.alive()
    assert processes.running("sleeper") is None


def test_a_process_that_ends_at_its_start_is_reported_with_its_log(processes: Processes) -> None:
    failing = Process(name="sleeper", argv=("/bin/sh", "-c", "echo no such port >&2; exit 3"), ready=lambda _: False)
    with pytest.raises(EmbeddedError, match=r"(?s)sleeper exited during its start.*no such port"):
        processes.run(failing)


def test_a_process_that_never_gets_ready_is_reported(processes: Processes) -> None:
    with pytest.raises(EmbeddedError, match=r"was not ready within 0 s"):
        processes.run(replace(sleeper(), ready=lambda _: False, timeout=0.1))


def test_a_record_cut_short_counts_as_none(processes: Processes, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run/sleeper.json").write_text('{"name": "sle')
    assert processes.running("sleeper") is None


def test_logs_and_records_are_private(processes: Processes, tmp_path: Path) -> None:
    record: Record = processes.run(sleeper())
    assert Path(record.log).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "run/sleeper.json").stat().st_mode & 0o777 == 0o600
