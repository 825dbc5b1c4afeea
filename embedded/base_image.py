"""Root file system of the base image `debian-python`: the Debian release of this machine with Python.

Debootstrap builds it from the mirror that apt uses on this machine. The machine's CA bundle is included, so that pip
works behind a proxy that inspects TLS; an image built here therefore trusts the same authorities as this machine.
"""

import hashlib
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

from embedded.commands import logged
from embedded.errors import EmbeddedError
from project.progress import step

PACKAGES = ("ca-certificates", "python3", "python3-venv")
CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
# Caches, package lists and documentation, which are not needed at run time.
_DROPPED = (
    "var/cache/apt", "var/lib/apt/lists", "var/log", "usr/share/doc", "usr/share/man", "usr/share/info",
    "usr/share/locale", "tmp",
)  # fmt: skip
# Debootstrap fails if the path of its target has blanks or quotes. Its mounts are in a separate namespace, so that
# none of them is left after an interruption.
_IN_MNT = 'mount --bind "$1" /mnt; shift; exec "$@"'


def suite() -> str:
    """Code name of this machine's Debian release, such as `bookworm`."""
    name = platform.freedesktop_os_release().get("VERSION_CODENAME")
    if not name:
        raise EmbeddedError(
            "/etc/os-release names no VERSION_CODENAME; the base image is built from the machine's release"
        )
    return name


def key() -> str:
    """Digest of the archive's inputs; newer package versions alone do not change it."""
    digest = hashlib.sha256("\0".join([suite(), platform.machine(), *PACKAGES, *_DROPPED]).encode())
    digest.update(CA_BUNDLE.read_bytes())
    return digest.hexdigest()[:16]


def archive(cache: Path, log: Path) -> Path:
    """Path of the tar archive of the root file system, which takes about a minute to build if it is not cached."""
    result = cache / "base" / f"{suite()}-{key()}.tar"
    if result.exists():
        return result
    result.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    with (
        step(f"base image: Debian {suite()} with Python, by debootstrap"),
        tempfile.TemporaryDirectory(dir=result.parent) as scratch,
    ):
        root, packed = Path(scratch, "root"), Path(scratch, "root.tar")
        root.mkdir()
        _run(log, "unshare", "--mount", "--propagation", "slave", "sh", "-ec", _IN_MNT, "sh", str(root),
             "debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", suite(), "/mnt",
             mirror(suite()))  # fmt: skip
        for path in _DROPPED:
            _empty(root / path)
        shutil.copyfile(CA_BUNDLE, root / CA_BUNDLE.relative_to("/"))
        _run(log, "tar", "--create", f"--file={packed}", f"--directory={root}", "--numeric-owner",
             "--sort=name", "--mtime=@0", "--exclude=./dev/*", "--exclude=./proc/*", "--exclude=./sys/*",
             ".")  # fmt: skip
        packed.replace(result)
    return result


def mirror(release: str) -> str:
    """Address of the package archive that apt uses for `release`."""
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(RELEASE) $(COMPONENT) $(REPO_URI)", "Created-By: Packages"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return choose_mirror(listed.stdout, release)


def choose_mirror(targets: str, release: str) -> str:
    """First archive of component main in lines of `release component address`."""
    for line in targets.splitlines():
        name, component, address = line.split(maxsplit=2)
        if (name, component) == (release, "main"):
            return address
    raise EmbeddedError(
        f"apt knows no package archive for Debian {release}: it needs a source with suite {release} and component main "
        "in /etc/apt/sources.list.d; the base image is built from it"
    )


def _empty(folder: Path) -> None:
    if folder.is_dir():
        for entry in folder.iterdir():
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()


def _run(log: Path, *argv: str) -> None:
    logged(argv, log, f"`{argv[0]} …` failed while building the base image")
