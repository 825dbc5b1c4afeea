"""A root file system with no more than Python needs: what of a base image goes into it."""

import subprocess
import sys
from pathlib import Path

import pytest

from runtime_src.image import slim_root
from runtime_src.image.slim_root import Root, package_files, packages, shared_libraries


def written(folder: Path, *files: str) -> None:
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(file)


def listed(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or path.is_file()}


@pytest.fixture
def base(tmp_path: Path) -> Path:
    folder = tmp_path / "base"
    written(folder, "usr/lib/libone.so.1.2", "usr/lib/unused.so", "usr/bin/sh")
    (folder / "lib").symlink_to("usr/lib")
    (folder / "usr/lib/libone.so.1").symlink_to("libone.so.1.2")
    (folder / "usr/lib/libtwo.so").symlink_to("/lib/libone.so.1")
    return folder


@pytest.fixture
def root(base: Path, tmp_path: Path) -> Root:
    return Root(tmp_path / "root", base)


def test_a_file_is_taken_with_every_link_on_the_way_to_it(root: Root) -> None:
    root.take(Path("/lib/libone.so.1"))
    assert listed(root.target) == {"lib", "usr/lib/libone.so.1", "usr/lib/libone.so.1.2"}
    assert (root.target / "lib").readlink() == Path("usr/lib")
    assert (root.target / "lib/libone.so.1").read_text() == "usr/lib/libone.so.1.2"


def test_an_absolute_link_leads_to_a_copy_within_the_root(root: Root) -> None:
    root.take(Path("/usr/lib/libtwo.so"))
    assert "usr/lib/libone.so.1.2" in listed(root.target)
    assert (root.target / "usr/lib/libtwo.so").readlink() == Path("/lib/libone.so.1")


def test_taking_twice_is_taking_once(root: Root) -> None:
    for _ in range(2):
        root.take(Path("/lib/libone.so.1"))
    assert root.taken == [Path("/usr/lib/libone.so.1.2")]


def test_a_tree_is_taken_without_what_is_left_out_at_any_depth(root: Root, base: Path) -> None:
    written(
        base, "py/a.py", "py/a.pyi", "py/in/tests/b.py", "py/in/test_c.py", "py/in/__pycache__/d.pyc", "py/tests/e.py"
    )
    (base / "py/link").symlink_to("in")
    root.take_tree(Path("/py"), ["in/tests", "*.pyi", "__pycache__"])
    assert listed(root.target) == {"py/a.py", "py/in/test_c.py", "py/link", "py/tests/e.py"}


def test_a_tree_is_taken_whole_where_nothing_is_left_out(root: Root) -> None:
    root.take_tree(Path("/usr/bin"))
    assert listed(root.target) == {"usr/bin/sh"}


def test_a_path_that_the_base_does_not_have_is_an_error(root: Root) -> None:
    with pytest.raises(FileNotFoundError, match="libthree"):
        root.take(Path("/usr/lib/libthree.so"))


def test_linked_libraries_are_those_that_ldd_found() -> None:
    listing = (
        "/opt/venv/one.so:\n\tlinux-vdso.so.1 (0x00007ffd)\n\tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f)\n"
        "\tlibown.so => /opt/venv/a/../own.libs/libown.so (0x00007f)\n\t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n"
        "/opt/venv/two.so:\n\tstatically linked\n"
    )
    found = ["/lib/x86_64-linux-gnu/libm.so.6", "/opt/venv/own.libs/libown.so", "/lib64/ld-linux-x86-64.so.2"]
    assert [*map(str, shared_libraries(listing))] == found


def test_a_library_that_ldd_did_not_find_may_come_from_elsewhere() -> None:
    listing = "/opt/venv/one.so:\n\tlibquadmath-1.so.0 => not found\n\tlibm.so.6 => /lib/libm.so.6 (0x0)\n"
    assert [*map(str, shared_libraries(listing))] == ["/lib/libm.so.6"]


def test_files_of_a_debian_package_are_taken_without_its_documentation() -> None:
    files = [*map(str, package_files(["debianutils"]))]
    assert "/bin/run-parts" in files
    assert not [file for file in files if file.startswith("/usr/share/doc") or Path(file).is_dir()]


def test_a_debian_package_may_be_named_with_its_version() -> None:
    assert [*package_files(["debianutils=1:2"])] == [*package_files(["debianutils"])]
    assert not [*package_files([])]


def test_packages_are_those_that_dpkg_found() -> None:
    listing = "libc6:amd64: /lib/libc.so.6\ndiversion by usrmerge from: /lib/a\nliba:amd64, liba:i386: /usr/lib/a.h\n"
    assert packages(listing) == {"libc6:amd64", "liba:amd64", "liba:i386"}


def test_the_interpreter_of_this_machine_is_laid_out_with_what_it_is_linked_with(tmp_path: Path) -> None:
    environment, target = tmp_path / "venv", tmp_path / "root"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    packages = next(environment.glob("lib/python*/site-packages"))
    written(packages, "mine/__init__.py", "mine/tests/test_mine.py")
    subprocess.run([environment / "bin/python", slim_root.__file__, target, environment, "debianutils"], check=True)
    files = listed(target)
    names = {file.rpartition("/")[2] for file in files}
    interpreter = (environment / "bin/python").resolve()
    assert {str(path).removeprefix("/") for path in (interpreter, environment / "bin/python")} <= files
    assert {"libc.so.6", "libgcc_s.so.1", "os.py", "pyvenv.cfg", "run-parts"} <= names
    assert not names & {"sh", "bash", "activate", "idle.py", "ensurepip"}
    assert (target / packages.relative_to("/") / "mine/__init__.py").is_file()
    assert (target / packages.relative_to("/") / "mine/tests/test_mine.py").is_file()
    assert not any("/pip/" in file for file in files)
    assert (target / "etc/passwd").read_text().startswith("runtime:x:1000:1000:")
    assert (target / "tmp").stat().st_mode & 0o7777 == 0o1777
    assert "libc6" in names
