"""Programs of the embedded node and its stack, built from pinned Go modules.

The results are kept below the cache folder, outside any checkout and keyed by the pins, so that a second clone finds
them. Nothing is started here.
"""

import json
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from embedded import files
from embedded.errors import EmbeddedError
from embedded.toolchain.build import Workshop
from embedded.toolchain.programs import PROGRAMS, PROVIDERS, PULUMI_PROGRAMS, PULUMI_VERSION, Program
from embedded.toolchain.progress import Progress
from project import cache_folder, marked_folder
from project.progress import live, say

# Downloads of one build overlap with compiling of the other; a third would only compete for two cores.
BUILDS_AT_A_TIME = 2
# Module and build caches of a build from nothing; they are deleted when everything is built.
BUILD_DISK_BYTES = 15 * 10**9
GO_VERSION = (1, 26)


@dataclass(frozen=True, kw_only=True)
class Toolchain:
    """The finished programs.

    `bin` holds every binary by name; `pulumi_home` is a Pulumi home with the provider plugins installed;
    `modelmesh_serving` is the pinned upstream tree (config/, proto/, docs/, fvt/testdata/).
    """

    bin: Path
    pulumi_home: Path
    modelmesh_serving: Path


def ensure() -> Toolchain:
    """Build what is missing and return the programs; no partial result is kept after an error."""
    root, programs = _root(), _programs()
    marked_folder.claim(root, ours=(root / "store").is_dir())
    # Two builds at a time would compile the same packages.
    with files.locked(root / "lock", lambda: say("  waiting for another build of the toolchain to end")):
        workshop = Workshop(root, Path(shutil.which("go") or "go"), say)
        missing = [p for p in programs if not workshop.store(p).is_dir()]
        if missing:
            if problems := _missing_means(root):
                raise EmbeddedError("\n  - ".join(["the toolchain can't be built:", *problems]))
            _build(workshop, missing)
            shutil.rmtree(root / "go", ignore_errors=True)
        return _assemble(root, workshop, programs)


def obstacles() -> list[str]:
    """Everything that prevents the build of missing programs; none if all programs are there."""
    root = _root()
    workshop = Workshop(root, Path("go"), print)
    return [] if all(workshop.store(program).is_dir() for program in _programs()) else _missing_means(root)


def _root() -> Path:
    return cache_folder() / "toolchain"


def _programs() -> list[Program]:
    return [p for p in PROGRAMS if not (p.module in PULUMI_PROGRAMS and _official_pulumi())]


def _build(workshop: Workshop, programs: list[Program]) -> None:
    progress = Progress(programs, workshop.log)

    def build(program: Program) -> None:
        with progress.building(program):
            workshop.build(program)

    with live(progress.line), ThreadPoolExecutor(BUILDS_AT_A_TIME) as lanes:
        # The first one alone, since all share what it consists of, and two builds would both compile that.
        build(programs[0])
        list(lanes.map(build, programs[1:]))


def _official_pulumi() -> bool:
    """Whether a `pulumi` on PATH can run this program: the same major version, not older than the SDK."""
    found = shutil.which("pulumi")
    if not found or cache_folder() in Path(found).parents:
        return False
    output = subprocess.run([found, "version"], capture_output=True, text=True).stdout
    version, required = _numbers(output), _numbers(PULUMI_VERSION)
    return version[:1] == required[:1] and version >= required


def _numbers(version: str) -> tuple[int, ...]:
    """Numbers of a version, such as (3, 259, 0) of `v3.259.0-dev`; empty if it is not a version."""
    found = re.match(r"v?(\d+)\.(\d+)\.(\d+)", version)
    return tuple(int(number) for number in found.groups()) if found else ()


def _missing_means(root: Path) -> list[str]:
    problems = []
    try:
        version = json.loads(subprocess.run(["go", "env", "-json", "GOVERSION"], capture_output=True).stdout)
        if tuple(int(n) for n in version["GOVERSION"].removeprefix("go").split(".")[:2]) < GO_VERSION:
            problems.append(f"Go is {version['GOVERSION']}, but go{GO_VERSION[0]}.{GO_VERSION[1]} or newer is needed")
    except FileNotFoundError:
        problems.append(f"Go is not on PATH: install go{GO_VERSION[0]}.{GO_VERSION[1]} or newer")
    free = shutil.disk_usage(next(path for path in (root, *root.parents) if path.exists())).free
    if free < BUILD_DISK_BYTES:
        problems.append(
            f"{root} has {free / 1e9:.0f} GB free, but a build from nothing needs {BUILD_DISK_BYTES / 1e9:.0f} GB: "
            "free some, or point MODELMESH_CACHE at another disk"
        )
    return problems


def _assemble(root: Path, workshop: Workshop, programs: list[Program]) -> Toolchain:
    """Create links to the results, according to the pins of the calling checkout; this is cheap."""
    current = root / "current"
    toolchain = Toolchain(
        bin=current / "bin",
        pulumi_home=current / "pulumi-home",
        modelmesh_serving=current / "modelmesh-serving-source",
    )
    toolchain.bin.mkdir(parents=True, exist_ok=True)
    # The engine warns about a provider that it finds on PATH, so providers are only in its Pulumi home.
    plugins = {
        f"pulumi-resource-{name}": toolchain.pulumi_home / "plugins" / f"resource-{name}-v{version}"
        for name, version in PROVIDERS.items()
    }
    for program in programs:
        for result in workshop.store(program).iterdir():
            folder = plugins.get(result.name, toolchain.bin) if result.is_file() else current
            folder.mkdir(parents=True, exist_ok=True)
            _link(folder / result.name, result)
    _without_log(toolchain.pulumi_home / "logs")
    return toolchain


def _without_log(folder: Path) -> None:
    """Keep the engine from logging every value of every resource, by a file in the place of the log folder.

    The log would cost the engine a third of its time.
    """
    if folder.is_dir():
        shutil.rmtree(folder)
    folder.touch()


def _link(link: Path, target: Path) -> None:
    """Give `target` a second name; files get a hard link, since programs look for each other in their own folder."""
    if link.exists() and link.samefile(target):
        return
    fresh = link.with_name(f".{link.name}.new")
    fresh.unlink(missing_ok=True)
    if target.is_dir():
        fresh.symlink_to(target)
    else:
        fresh.hardlink_to(target)
    fresh.rename(link)
