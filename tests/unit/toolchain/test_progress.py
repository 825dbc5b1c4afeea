"""The progress of a build tells the time left, from the cost of each program."""

from pathlib import Path

from embedded.toolchain.programs import COSTS, PROGRAMS
from embedded.toolchain.progress import Progress


def test_every_program_has_its_measured_cost() -> None:
    assert set(COSTS) == {program.module for program in PROGRAMS}
    assert all(cost.seconds > 0 and cost.packages > 0 for cost in COSTS.values())


def test_the_time_left_follows_the_speed_of_the_machine(tmp_path: Path) -> None:
    clock = [0.0]
    first, second = (program for program in PROGRAMS if program.module in ("minio", "kubernetes"))
    cost, total = COSTS[first.module], COSTS[first.module].seconds + COSTS[second.module].seconds
    progress = Progress([first, second], lambda program: tmp_path / program.module, lambda: clock[0])
    assert progress.line() == f"  … 0 of 2 programs built, 0%, about {total / 60:.0f} min left"

    with progress.building(first):
        packages = cost.packages // 2
        (tmp_path / first.module).write_text("go: downloading a\n" + "package\n" * packages)
        clock[0] = 1.0
        assert f"0 of 2 programs built, {cost.seconds / total / 2:.0%}, " in progress.line()
        assert progress.line().endswith(f" left, now {first.module}")
    part = cost.seconds / total
    clock[0] = 10 * part * total  # the machine is ten times slower
    left = 10 * (total - cost.seconds) / 60
    assert f"1 of 2 programs built, {part:.0%}, about " in progress.line()
    assert 0.8 * left < float(progress.line().split("about ")[1].split(" min")[0]) < 1.1 * left


def test_a_log_of_an_earlier_build_does_not_count(tmp_path: Path) -> None:
    program = next(program for program in PROGRAMS if program.module == "minio")
    (tmp_path / "minio").write_text("package\n" * COSTS["minio"].packages)
    progress = Progress([program], lambda each: tmp_path / each.module)
    with progress.building(program):
        assert "0 of 1 programs built, 0%" in progress.line()
