"""Creates the root file system of an image with a Python environment and only what that needs to run.

It takes from the base image the interpreter, its standard library, every shared library that these and the
environment's extension modules are linked with, and the few files that the C library and TLS read. There is no shell,
package manager or installer.

The Dockerfile runs it in its build stage: `python3 slim_root.py <target> <environment> [<package> …]`. The packages are
Debian's, whose files are copied as well. Supported are Debian and Ubuntu with Python from the system (/usr) or built
from source (/usr/local).
"""

import fnmatch
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

# Names in the standard library: tools, examples, tests, installers, and packages of the base image.
STDLIB_LEFT_OUT = (
    "__pycache__", "site-packages", "dist-packages", "config-*", "ensurepip", "venv", "idlelib", "lib2to3",
    "test", "tests", "_test*", "_ctypes_test*", "_xxtestfuzz*", "tkinter", "_tkinter*", "turtle.py", "turtledemo",
)  # fmt: skip
# Names and ends of paths in the environment: files that only a compiler reads, and the tests of MLServer's largest
# dependencies. Others may import their tests, or read stubs.
ENVIRONMENT_LEFT_OUT = (
    "__pycache__", "*.a", "*.h", "*.hpp", "*.c", "*.cpp", "*.pyx", "*.pxd", "pandas/tests", "numpy/*tests",
)  # fmt: skip
# Files that the C library (host names, library paths), TLS and image scanners read, if they exist.
SYSTEM_FILES = (
    "/etc/ld.so.cache", "/etc/nsswitch.conf", "/etc/os-release", "/etc/ssl/certs/ca-certificates.crt",
)  # fmt: skip
# No file is linked with it, but the C library needs it to end a thread.
UNLINKED_LIBRARIES = ("libgcc_s.so.1",)
# Documentation in Debian's packages.
DOCUMENTATION = ("/usr/share/doc", "/usr/share/info", "/usr/share/lintian", "/usr/share/locale", "/usr/share/man")
USER = "runtime:x:1000:1000::/tmp:/nonexistent\n"
GROUP = "runtime:x:1000:\n"


class Root:
    """A copy of parts of a file system below a folder.

    Args:
        target: The folder, which need not exist.
        source: Root of the paths to copy; tests use another one than `/`.
    """

    def __init__(self, target: Path, source: Path = Path("/")) -> None:
        target.mkdir(parents=True, exist_ok=True)
        self.target = target
        self._source = source
        self.taken: list[Path] = []

    def take(self, path: Path) -> None:
        """Copy a file to the same path; links on the way are kept and lead to copies."""
        for part in [*reversed(path.parents), path][1:]:
            here, there = self._source / part.relative_to("/"), self.target / part.relative_to("/")
            if here.is_symlink():
                link = here.readlink()
                if not there.is_symlink():
                    there.symlink_to(link)
                self.take(Path(os.path.normpath(part.parent / link)) / path.relative_to(part))
                return
            if here.is_dir():
                there.mkdir(parents=True, exist_ok=True)
            elif not there.exists():
                shutil.copy(here, there)
                self.taken.append(part)

    def take_tree(self, folder: Path, left_out: Iterable[str] = ()) -> None:
        """Copy all files below a folder except for those on a path with an end that matches a pattern."""
        pattern = re.compile("|".join(fnmatch.translate(f"*/{end}") for end in left_out) or r"(?!)")
        top = self._source / folder.relative_to("/")
        for where, folders, names in os.walk(top):
            inside = Path(where).relative_to(top)
            links = [name for name in folders if Path(where, name).is_symlink()]
            folders[:] = [name for name in folders if not pattern.match(f"/{inside / name}")]
            for name in [*names, *links]:
                if not pattern.match(f"/{inside / name}"):
                    self.take(folder / inside / name)


def shared_libraries(listing: str) -> Iterator[Path]:
    """Files named by lines of `ldd`.

    Libraries that it did not find are fine: the module that needs one may have loaded it from elsewhere in its wheel
    before, may do without it, or may find it on the node, such as the driver of a GPU.
    """
    for line in listing.splitlines():
        if found := re.match(r"\t(?:\S+ => )?(/\S+) \(", line):
            yield Path(os.path.normpath(found[1]))


def package_files(requested: Iterable[str]) -> Iterator[Path]:
    """Files of installed Debian packages, requested as `name`, `name:architecture` or `name=version`."""
    names = [request.partition("=")[0] for request in requested]
    command = ["dpkg-query", "--listfiles", *names]
    listing = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout if names else ""
    for path in map(Path, filter(None, listing.splitlines())):
        # Listed are folders, too, and files that slim base images do not have.
        if path.is_file() and not any(map(path.is_relative_to, DOCUMENTATION)):
            yield path


def packages(listing: str) -> set[str]:
    """Packages named by lines of `dpkg-query --search`."""
    found = [line for line in listing.splitlines() if not line.startswith("diversion by ")]
    return {package for line in found for package in line.partition(": ")[0].split(", ")}


def lay_out(target: Path, environment: Path, requested: Iterable[str]) -> None:
    """Lay out the root file system in `target`, with the files of the requested Debian packages."""
    root = Root(target)
    root.take_tree(Path(sysconfig.get_path("stdlib")), STDLIB_LEFT_OUT)
    root.take(environment / "bin/python")
    root.take(environment / "pyvenv.cfg")
    root.take_tree(environment / "lib", ENVIRONMENT_LEFT_OUT)
    for path in [*filter(Path.exists, map(Path, SYSTEM_FILES)), *package_files(requested)]:
        root.take(path)
    for library in _linked([path for path in root.taken if _is_program(path)]):
        # Libraries of the environment are already there, or were left out with a distribution.
        if not library.is_relative_to(environment):
            root.take(library)
    (target / "etc").mkdir(exist_ok=True)
    for name, text in {"passwd": USER, "group": GROUP}.items():
        (target / "etc" / name).write_text(text)
    # Sticky and writable by all: the only writable folder, a volume if the root file system is read-only.
    (target / "tmp").mkdir(exist_ok=True)
    (target / "tmp").chmod(0o1777)
    _record_packages(root)


def _is_program(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def _linked(programs: list[Path]) -> set[Path]:
    # It fails for programs that are not linked dynamically, such as those of other processors in wheels for GPUs.
    listing = subprocess.run(["ldd", *programs], check=False, capture_output=True, text=True).stdout
    libraries = set(shared_libraries(listing))
    (c_library,) = (path for path in libraries if path.name.startswith("libc.so."))
    return libraries | {c_library.with_name(name) for name in UNLINKED_LIBRARIES}


def _record_packages(root: Root) -> None:
    """Record the Debian packages of the files, in the format that image scanners read."""
    # Packages list the paths from before /lib became a link to /usr/lib.
    aliases = [str(path).removeprefix("/usr") for path in root.taken if str(path).startswith("/usr/lib/")]
    search = subprocess.run(
        ["dpkg-query", "--search", *map(str, root.taken), *aliases], capture_output=True, text=True, check=False
    )  # files without a package are fine
    folder = root.target / "var/lib/dpkg/status.d"
    folder.mkdir(parents=True)
    for package in sorted(packages(search.stdout)):
        status = subprocess.run(["dpkg-query", "--status", package], check=True, capture_output=True, text=True).stdout
        (folder / package.partition(":")[0]).write_text(status)


if __name__ == "__main__":
    lay_out(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
