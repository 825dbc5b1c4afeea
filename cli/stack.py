"""One stack as the command line sees it: where its engine, its state, its config and its cluster are.

A stack file that names no kubeconfig means the embedded cluster; then the config that the embedded node hands out is
laid over the tracked stack file, in a working copy beside the node's data. So the checkout stays clean, a second
checkout continues the same stack, and no kubecontext that happens to be current is ever used.
"""

import json
import os
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cli import engine
from cli.stack_file import parsed, with_node
from embedded import handover
from embedded.errors import EmbeddedError
from embedded.instance import Instance
from embedded.instance import instance as instance_named

ROOT = Path(__file__).parent.parent
# The host of Python programs takes the interpreter that is first on PATH.
_INTERPRETER = f"{ROOT / '.venv' / 'bin'}{os.pathsep}"


class CommandError(Exception):
    """An operation could not be done; the message says what to do next."""


class EngineError(CommandError):
    """The engine ended with an error, which it has shown; `code` is its exit code."""

    def __init__(self, operation: str, code: int) -> None:
        super().__init__(f"{engine.NAME} {operation} failed with exit code {code}: see above")
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A stack that can be operated on.

    `embedded` is the node it runs on, if that is ours; `config_file` is what the engine reads instead of the tracked
    stack file, if anything; `environment` is the whole environment for the engine and its plugins; `root` is the
    folder that holds the program.
    """

    name: str
    embedded: Instance | None
    config_file: Path | None
    environment: dict[str, str]
    root: Path = ROOT

    def pulumi(self, *arguments: str, quiet: bool = False) -> subprocess.CompletedProcess[str]:
        """Run the engine in the checkout; its output is shown, or returned when `quiet`.

        Raises:
            CommandError: the engine is not installed, or it failed.
        """
        process = self.started(*arguments, stdout=subprocess.PIPE if quiet else None)
        try:
            output, _ = process.communicate()
        except KeyboardInterrupt:
            # The terminal has told the engine, too, which ends what it has begun and writes it down.
            process.communicate()
            raise
        if process.returncode:
            raise EngineError(arguments[0], process.returncode)
        return subprocess.CompletedProcess(process.args, process.returncode, output)

    def started(self, *arguments: str, **streams: Any) -> subprocess.Popen[str]:
        """The engine at work in the checkout; `streams` are those of subprocess.

        Raises:
            CommandError: the engine is not installed.
        """
        command = self.engine_command(*arguments)
        try:
            return subprocess.Popen(command, cwd=self.root, env=self.environment, text=True, **streams)
        except FileNotFoundError:
            raise CommandError(engine.MISSING) from None

    def engine_command(self, *arguments: str) -> list[str]:
        """The command line of the engine for this stack."""
        command = [engine.NAME, *arguments, "--stack", self.name]
        if self.config_file and arguments[0] in {"up", "preview", "destroy", "refresh", "config"}:
            command += ["--config-file", str(self.config_file)]
        return command

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs; a stack that is not up has none."""
        found: dict[str, Any] = json.loads(self.pulumi("stack", "output", "--json", quiet=True).stdout)
        return found

    def resources(self) -> list[dict[str, Any]]:
        """All resources in the stack's state, also of an update that failed."""
        state = json.loads(self.pulumi("stack", "export", quiet=True).stdout)["deployment"] or {}
        return state.get("resources") or []

    def kubectl(self, *arguments: str) -> list[str]:
        """The command line of kubectl for this stack's own cluster."""
        config = json.loads(self.pulumi("config", "--json", quiet=True).stdout)
        try:
            kubeconfig, context = (config[f"modelmesh:{key}"]["value"] for key in ("kubeconfig", "context"))
        except KeyError as missing:
            raise CommandError(f"Pulumi.{self.name}.yaml does not set {missing}") from None
        file = str(Path(kubeconfig).expanduser())
        return [*self.kubectl_program(), "--kubeconfig", file, "--context", context, *arguments]

    def kubectl_program(self) -> list[str]:
        """The beginning of every command line of kubectl. Raises CommandError if there is none on this machine."""
        if self.embedded:
            return ["kubernetes", "kubectl"]
        if shutil.which("kubectl"):
            return ["kubectl"]
        raise CommandError("kubectl is not on PATH: install it to reach the cluster of this stack")

    def run(self, command: list[str], quiet: bool = False) -> str:
        """Run `command` in the stack's environment and return what it printed, after showing it unless `quiet`."""
        finished = subprocess.run(command, env=self.environment, text=True, capture_output=True)
        if not quiet:
            print(finished.stdout, end="")
        if finished.returncode:
            raise CommandError(f"{' '.join(command)} failed:\n{finished.stderr.strip()}")
        return finished.stdout


def is_embedded(name: str, root: Path = ROOT) -> bool:
    """Whether stack `name` runs on the embedded cluster: its file names no cluster of its own.

    Raises:
        CommandError: there is no such stack file, or it names a cluster by halves.
    """
    config = tracked(name, root).get("config") or {}
    if "modelmesh:kubeconfig" in config:
        return False
    if half := [key for key in ("modelmesh:context", "modelmesh:registry") if key in config]:
        raise CommandError(
            f"Pulumi.{name}.yaml sets {' and '.join(half)} but no modelmesh:kubeconfig: add it to use that cluster, "
            f"or remove {' and '.join(half)} to use the embedded one"
        )
    return True


def open_stack(name: str, instance: str = "dev", overrides: dict[str, Any] | None = None, root: Path = ROOT) -> Stack:
    """The stack `name`, created when it is an embedded one that does not exist yet.

    Args:
        name: Names the file Pulumi.<name>.yaml.
        instance: Which embedded node serves it, where its file names no cluster.
        overrides: Config laid over both the stack file and what the embedded node hands out.
        root: Folder of the program and its stack files.

    Raises:
        CommandError: there is no such stack file, or the engine can't make the stack.
    """
    if not is_embedded(name, root):
        return on_no_node(name, root)
    stack_file = tracked(name, root)
    node = instance_named(instance)
    environment = os.environ | handover.variables(node)
    environment["PATH"] = f"{_INTERPRETER}{handover.programs(node)}{os.pathsep}{environment['PATH']}"
    # A passphrase of other stacks would be tried before this one's.
    for other in ("KUBECONFIG", "PULUMI_CONFIG_PASSPHRASE"):
        environment.pop(other, None)
    file = node.data / "stack" / f"Pulumi.{name}.yaml"
    stack = Stack(name=name, embedded=node, config_file=file, environment=environment, root=root)
    create(stack, file)
    _release_dead_locks(node.data / "pulumi")
    config = with_node(stack_file.get("config") or {}, json.loads(handover.config(node))) | (overrides or {})
    kept = yaml.safe_load(file.read_text()) or {}
    file.write_text(yaml.safe_dump(kept | stack_file | {"config": config}))
    return stack


def has_started(instance: str) -> bool:
    """Whether the embedded node of that name was ever started: what it is to hand out is there."""
    node = instance_named(instance)
    try:
        return bool(handover.variables(node))
    except EmbeddedError:
        return False


def on_no_node(name: str, root: Path = ROOT) -> Stack:
    """The stack `name` as the engine finds it by itself, without any embedded node."""
    environment = engine.environment(os.environ | {"PATH": _INTERPRETER + os.environ["PATH"]})
    return Stack(name=name, embedded=None, config_file=None, environment=environment, root=root)


def tracked(name: str, root: Path = ROOT) -> dict[str, Any]:
    """What the stack's own file says.

    Raises:
        CommandError: there is no such file, or it is no stack file.
    """
    file = root / f"Pulumi.{name}.yaml"
    if not file.exists():
        known = ", ".join(sorted(f.stem.removeprefix("Pulumi.") for f in root.glob("Pulumi.*.yaml")))
        raise CommandError(f"there is no stack {name!r}: Pulumi.{name}.yaml does not exist (there are: {known})")
    try:
        return parsed(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CommandError(f"{file.name} {error}") from None


def create(stack: Stack, file: Path) -> None:
    """Make the stack in the folder of `file`, its config file: the engine writes the salt of its encryption there.

    Raises:
        CommandError: the engine can't make it.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(stack.root / "Pulumi.yaml", file.parent)
    if file.exists():
        return
    command = [engine.NAME, "-C", str(file.parent), "stack", "init", stack.name, "--no-select"]
    try:
        made = subprocess.run(command, env=stack.environment, capture_output=True, text=True)
    except FileNotFoundError:
        raise CommandError(engine.MISSING) from None
    if made.returncode:
        raise CommandError(f"the stack {stack.name} can't be made:\n{made.stderr.strip()}")


def _release_dead_locks(backend: Path) -> None:
    """Drop the locks of engines that were killed: on this machine alone it can be told that they are dead."""
    for lock in (backend / ".pulumi" / "locks").rglob("*.json"):
        with suppress(FileNotFoundError):  # its engine has ended just now
            if not Path("/proc", str(json.loads(lock.read_text())["pid"])).exists():
                lock.unlink()
