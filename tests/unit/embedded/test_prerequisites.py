from dataclasses import replace
from pathlib import Path

import pytest

from embedded import prerequisites
from embedded.instance import Instance, instance
from embedded.prerequisites import Facts

GOOD = Facts(
    root=True, debian=True, missing_packages=(), missing_modules=(), impossible=(), read_only=(),
    free={Path("/data"): 50 * 10**9}, built=False, memory=16 * 10**9, toolchain=(), foreign=None, overlapping=None,
)  # fmt: skip


def test_a_good_machine_has_no_problem() -> None:
    assert prerequisites.problems(instance("dev", {"HOME": "/root"}), GOOD) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"root": False}, ["root", "sudo"]),
        ({"missing_packages": ("runc",), "debian": False}, ["runc", "Debian 12"]),
        ({"impossible": ("br_netfilter",)}, ["br_netfilter", "kernel"]),
        ({"read_only": ("/sys/fs/cgroup",)}, ["/sys/fs/cgroup", "read-only", "privileged"]),
        ({"free": {Path("/data"): 10**9}}, ["/data", "1.0 GB", "10 GB", "MODELMESH_DATA"]),
        ({"memory": 2 * 10**9}, ["2.0 GB", "4 GB"]),
        ({"toolchain": ("Go is not on PATH: install it",)}, ["Go", "install"]),
        ({"foreign": "/data/dev exists"}, ["/data/dev exists", "MODELMESH_DATA"]),
        ({"overlapping": "10.0.0.0/8 dev vpn"}, ["10.0.0.0/8 dev vpn", "MODELMESH_NETWORK"]),
    ],
)
def test_a_problem_names_what_is_wrong_and_what_to_do(change: dict[str, object], words: list[str]) -> None:
    (problem,) = prerequisites.problems(instance("dev", {"HOME": "/root"}), replace(GOOD, **change))  # type: ignore[arg-type]
    assert all(word in problem for word in words), problem


def test_a_path_too_long_for_a_socket_is_a_problem() -> None:
    assert not prerequisites.problems(instance("dev", {"MODELMESH_DATA": "/" + "d" * 50}), GOOD)
    (problem,) = prerequisites.problems(instance("dev", {"MODELMESH_DATA": "/" + "ü" * 50}), GOOD)
    assert "MODELMESH_DATA" in problem


def test_all_problems_are_named_at_once() -> None:
    bad = replace(GOOD, root=False, memory=1, free={Path("/d"): 1}, impossible=("x",))
    assert len(prerequisites.problems(instance("dev", {"HOME": "/root"}), bad)) == 4


def test_a_node_that_was_up_before_needs_less_disk() -> None:
    full = replace(GOOD, free={Path("/data"): 5 * 10**9})
    assert prerequisites.problems(instance("dev", {"HOME": "/root"}), full)
    assert not prerequisites.problems(instance("dev", {"HOME": "/root"}), replace(full, built=True))


def test_missing_packages_are_no_problem_on_debian_but_announced(node: Instance) -> None:
    lacking = replace(GOOD, missing_packages=("runc", "etcd-server"), missing_modules=("br_netfilter",))
    assert prerequisites.problems(instance("dev", {"HOME": "/root"}), lacking) == []
    plan = "\n".join(prerequisites.plan(node, lacking))
    assert all(
        word in plan for word in ("runc etcd-server", "br_netfilter", "mm-test", "modelmesh-test", str(node.data))
    )


@pytest.mark.parametrize(
    ("routes", "overlaps"),
    [
        ("default via 192.0.2.1 dev eth0\n192.0.2.0/24 dev eth0", False),
        ("10.213.0.4/30 dev mm-test proto kernel\nlocal 10.213.0.5 dev mm-test table local", False),
        ("10.0.0.0/8 dev vpn", True),
        ("local 10.213.0.6 dev other table local", True),
        ("10.213.0.0/30 dev mm-dev", False),
    ],
)
def test_only_routes_of_others_overlap(routes: str, overlaps: bool) -> None:
    assert (prerequisites.overlapping_route(routes, instance("test", {})) is not None) == overlaps
