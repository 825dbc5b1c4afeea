"""The parts that change the machine, as far as they can be looked at without doing so."""

from pathlib import Path

import pytest

from embedded import base_image, cgroups, configuration, files, sandbox
from embedded.errors import EmbeddedError
from embedded.instance import Instance

UNIFIED = "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n"
LEGACY = "tmpfs /sys/fs/cgroup tmpfs rw 0 0\ncgroup /sys/fs/cgroup/pids cgroup rw,pids 0 0\n"
HYBRID = LEGACY + "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n"


@pytest.mark.parametrize(
    ("mounts", "roots"),
    [
        (UNIFIED, [""]),
        (LEGACY, ["/pids"]),
        (HYBRID, ["/pids", "/unified"]),
        ("cgroup2 /elsewhere cgroup2 rw 0 0\n", []),
    ],
)
def test_every_hierarchy_of_the_system_counts(mounts: str, roots: list[str]) -> None:
    assert cgroups.hierarchies(mounts) == [Path("/sys/fs/cgroup" + root) for root in roots]


def test_the_mirror_is_the_one_that_apt_has_for_the_release() -> None:
    targets = "nodistro main https://a/x\nbookworm contrib http://b/c\nbookworm main http://b/debian\nbookworm main http://d\n"
    assert base_image.choose_mirror(targets, "bookworm") == "http://b/debian"


def test_without_a_mirror_the_error_says_what_apt_lacks() -> None:
    with pytest.raises(EmbeddedError, match=r"suite trixie and component main"):
        base_image.choose_mirror("bookworm main http://b/debian\n", "trixie")


def test_debootstrap_gets_no_path_of_the_user_s(node: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = []

    def run(_: Path, *argv: str) -> None:
        commands.append(argv)
        if "debootstrap" in argv:
            Path(argv[argv.index("debootstrap") - 1], "etc/ssl/certs").mkdir(parents=True)
        else:
            Path(argv[2].removeprefix("--file=")).touch()

    monkeypatch.setattr(base_image, "_run", run)
    monkeypatch.setattr(base_image, "mirror", lambda _: "http://mirror.example/debian")
    assert base_image.archive(node.cache, node.logs / "log").exists()
    words = commands[0][commands[0].index("debootstrap") :]
    assert words[-2:] == ("/mnt", "http://mirror.example/debian")
    assert not [word for word in words if str(node.cache) in word]


def test_an_unchanged_file_keeps_its_time(tmp_path: Path) -> None:
    path = files.write(tmp_path / "f", "same")
    before = path.stat().st_mtime_ns
    assert files.write(path, "same").stat().st_mtime_ns == before
    assert files.write(path, "other").read_text() == "other"


def test_the_sandbox_mounts_over_every_fixed_path_and_kernel_setting(node: Instance) -> None:
    enter = sandbox.process(node, Path("/bin/true")).enter
    targets = [*sandbox.FIXED_PATHS, *(f"/proc/sys/{setting}" for setting in sandbox.KERNEL_SETTINGS)]
    assert [word for word in enter if word in targets] == targets
    assert f"--net={node.netns}" in enter


def test_the_kubelet_takes_no_path_with_other_letters_than_ascii_for_logs(node: Instance) -> None:
    config = configuration.kubelet(node, authority=Path("a"), certificate=Path("c"), key=Path("k"))
    logs = config.get("podLogsDir", "/var/log/pods")  # its default
    assert sandbox.FIXED_PATHS[str(logs)] == "logs/pods"
