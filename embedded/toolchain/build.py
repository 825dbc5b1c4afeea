"""Builds one Go program from its pinned module and keeps the result under a key of everything it was built from."""

import hashlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from embedded import files
from embedded.errors import EmbeddedError
from embedded.toolchain.programs import Copied, Program

MODULES = Path(__file__).parent


@dataclass(frozen=True)
class Workshop:
    """Folder below `root` in which programs of `modules` are built and kept, with a callback for progress lines."""

    root: Path
    go: Path
    say: Callable[[str], None]
    modules: Path = MODULES

    @property
    def environment(self) -> dict[str, str]:
        """Environment of the Go commands, independent of the user's Go settings."""
        return os.environ | {
            "GOMODCACHE": str(self.root / "go" / "mod"),
            "GOCACHE": str(self.root / "go" / "build"),
            "GOTOOLCHAIN": "local",
            "GOWORK": "off",
            "CGO_ENABLED": "0",
            # The compiler is a Go program itself; it saves time by collecting garbage late, up to a bound.
            "GOGC": "800",
            "GOMEMLIMIT": "1GiB",
            # readonly: builds fail unless go.mod and go.sum are complete.
            "GOFLAGS": "-buildvcs=false -mod=readonly -modcacherw",
        }

    def store(self, program: Program) -> Path:
        """The folder that holds, or will hold, the results of `program`."""
        return self.root / "store" / f"{program.module}-{key(program, self.modules)}"

    def log(self, program: Program) -> Path:
        """Output of the latest build of `program`: a line for each fetched module and each compiled package."""
        return self.root / "logs" / f"{program.module}.log"

    def build(self, program: Program) -> Path:
        """Build `program` unless its results exist; returns their folder."""
        store = self.store(program)
        if store.is_dir():
            return store
        started = time.monotonic()
        work = self.root / "work" / program.module
        partial = store.with_suffix(".partial")
        for folder in (work, partial):
            shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.modules / program.module, work)
        partial.mkdir(parents=True)
        log = self.log(program)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w") as output:
            for copied in program.sources:
                self._copy(copied, work, work)
            subject = "." if (work / "main.go").exists() else "tool"
            flags = ["-v", "-trimpath", "-ldflags", " ".join(["-s -w", *(f"-X {v}" for v in program.variables)])]
            # Debugging information would be stripped in any case; omitting it saves compile time.
            flags += ["-gcflags=all=-dwarf=false"]
            command = [str(self.go), "build", *flags, "-o", f"{partial}/", subject]
            finished = subprocess.run(command, cwd=work, env=self.environment, stdout=output, stderr=output)
        if finished.returncode:
            raise EmbeddedError(f"building {program.module} failed:\n{files.tail(log)}\nThe whole log: {log}")
        # The names of binaries are those of package paths, which a new pin may change.
        if missing := [name for name in program.binaries if not (partial / name).is_file()]:
            raise EmbeddedError(f"{program.module} was built but lacks {', '.join(missing)}: see its go.mod")
        for copied in program.results:
            self._copy(copied, work, partial)
        partial.rename(store)
        shutil.rmtree(work)
        self.say(f"  built {program.module} in {time.monotonic() - started:.0f} s")
        return store

    def _copy(self, copied: Copied, module: Path, destination: Path) -> None:
        command = [str(self.go), "mod", "download", "-json", copied.module]
        listed = subprocess.run(command, cwd=module, env=self.environment, capture_output=True, text=True)
        if listed.returncode:
            raise EmbeddedError(f"{' '.join(command)} failed in {module}:\n{listed.stderr or listed.stdout}")
        source, target = Path(json.loads(listed.stdout)["Dir"], copied.path), destination / copied.to
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)


def key(program: Program, modules: Path = MODULES) -> str:
    """Short digest of everything that decides the results of `program`: go.mod, go.sum, main.go and its flags."""
    digest = hashlib.sha256(repr(program).encode())
    folder = modules / program.module
    for file in sorted(file for pattern in ("*.go", "go.*") for file in folder.rglob(pattern)):
        digest.update(str(file.relative_to(folder)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:12]
