"""Builds one Go program from its pinned module and keeps the result under a key of everything it was built from."""

import hashlib
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from embedded.toolchain.programs import Copied, Program

MODULES = Path(__file__).parent
SIGN_OF_LIFE_SECONDS = 30


class BuildError(Exception):
    """A program could not be built; the message ends with the log to read."""


@dataclass(frozen=True)
class Workshop:
    """Folder below `root` in which programs are built and kept, with a callback for progress lines."""

    root: Path
    go: Path
    say: Callable[[str], None]

    @property
    def environment(self) -> dict[str, str]:
        """Environment of the Go commands, independent of the user's Go settings."""
        return os.environ | {
            "GOMODCACHE": str(self.root / "go" / "mod"),
            "GOCACHE": str(self.root / "go" / "build"),
            "GOTOOLCHAIN": "local",
            "GOWORK": "off",
            "CGO_ENABLED": "0",
            "GOGC": "200",  # the compiler is a Go program itself: uses more memory to save time
            # readonly: builds fail unless go.mod and go.sum are complete.
            "GOFLAGS": "-buildvcs=false -mod=readonly -modcacherw",
        }

    def store(self, program: Program) -> Path:
        """The folder that holds, or will hold, the results of `program`."""
        return self.root / "store" / f"{program.module}-{key(program)}"

    def build(self, program: Program) -> Path:
        """Build `program` unless its results exist; returns their folder.

        Raises:
            BuildError: The compiler or a download failed.
        """
        store = self.store(program)
        if store.is_dir():
            return store
        started = time.monotonic()
        work = self.root / "work" / program.module
        partial = store.with_suffix(".partial")
        for folder in (work, partial):
            shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(MODULES / program.module, work)
        partial.mkdir(parents=True)
        log = self.root / "logs" / f"{program.module}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w") as output, self._sign_of_life(program, log):
            for copied in program.sources:
                self._copy(copied, work, work)
            subject = "." if (work / "main.go").exists() else "tool"
            flags = ["-v", "-trimpath", "-ldflags", " ".join(["-s -w", *(f"-X {v}" for v in program.variables)])]
            # Debugging information would be stripped in any case; omitting it saves compile time.
            flags += ["-gcflags=all=-dwarf=false"]
            if program.tags:
                flags += ["-tags", program.tags]
            command = [str(self.go), "build", *flags, "-o", f"{partial}/", subject]
            finished = subprocess.run(command, cwd=work, env=self.environment, stdout=output, stderr=output)
        if finished.returncode:
            raise BuildError(f"building {program.module} failed:\n{_tail(log)}\nThe whole log: {log}")
        _check_results(partial, program)
        for copied in program.results:
            self._copy(copied, work, partial)
        partial.rename(store)
        shutil.rmtree(work)
        self.say(f"  built {program.module} in {time.monotonic() - started:.0f} s")
        return store

    def _copy(self, copied: Copied, module: Path, destination: Path) -> None:
        listed = self._go_json(module, "mod", "download", "-json", copied.module)
        source, target = Path(listed["Dir"]) / copied.path, destination / copied.to
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)

    def _go_json(self, module: Path, *arguments: str) -> dict[str, str]:
        command = [str(self.go), *arguments]
        finished = subprocess.run(command, cwd=module, env=self.environment, capture_output=True, text=True)
        if finished.returncode:
            raise BuildError(f"{' '.join(command)} failed in {module}:\n{finished.stderr or finished.stdout}")
        parsed: dict[str, str] = json.loads(finished.stdout)
        return parsed

    def _sign_of_life(self, program: Program, log: Path) -> "_Ticker":
        def tell(seconds: float) -> None:
            lines = log.read_text(errors="replace").splitlines()
            fetched = sum(line.startswith("go: downloading") for line in lines)
            self.say(
                f"  … {program.module}: {seconds:.0f} s, {fetched} modules fetched, "
                f"{len(lines) - fetched} packages compiled"
            )

        return _Ticker(tell)


def key(program: Program) -> str:
    """Short digest of everything that decides the results of `program`: go.mod, go.sum, main.go and its flags."""
    digest = hashlib.sha256(repr(program).encode())
    for file in sorted((MODULES / program.module).glob("*go*")):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def _check_results(folder: Path, program: Program) -> None:
    """Check that all binaries exist: `go build` names them after package paths, which a new pin may change."""
    missing = [name for name in program.binaries if not (folder / name).is_file()]
    if missing:
        raise BuildError(f"{program.module} was built but lacks {', '.join(missing)}: see its go.mod")


def _tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


class _Ticker:
    """Calls `tell(seconds)` every half minute while its block runs."""

    def __init__(self, tell: Callable[[float], None]) -> None:
        self._tell, self._over, self._started = tell, threading.Event(), time.monotonic()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self._over.wait(SIGN_OF_LIFE_SECONDS):
            self._tell(time.monotonic() - self._started)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
