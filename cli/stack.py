"""A stack as the command line sees it: where its engine, its state, its configuration and its cluster are.

A stack whose file names no kubeconfig runs on the embedded node. Then the configuration that describes the node is laid
over the tracked stack file, in a working copy beside the node's data: the checkout stays clean, a second checkout
continues the same stack, and the current kubecontext is never used.
"""

import json
import os
import shutil
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from cli import engine, node, signals
from cli.errors import CommandError, EngineError
from project import DEFAULT_STACK, ROOT
from project.environments import EnvironmentFailedError, provide
from project.progress import say
from project.stack_file import parsed, with_node

if TYPE_CHECKING:
    from embedded.instance import Instance

# The host of Python programs takes the interpreter that is first on PATH.
_INTERPRETER = str(ROOT / ".venv" / "bin")


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A stack that can be operated on."""

    name: str
    embedded: "Instance | None"
    """The embedded node that it runs on, if it does."""
    config_file: Path
    """The stack file that the engine reads."""
    environment: dict[str, str]
    """The whole environment of the engine and its plugins."""
    root: Path = ROOT
    """Folder of the program."""

    def with_policies(self) -> "Stack":
        """Copy of the stack whose engine enforces this project's policy pack."""
        policies = ROOT / "policies"
        try:
            provide(policies / "venv", policies / "requirements.txt")
        except (EnvironmentFailedError, OSError, subprocess.CalledProcessError) as error:
            raise CommandError(f"the environment of the policy pack can't be made: {error}") from None
        return self.with_environment(engine.POLICIES)

    def with_environment(self, variables: dict[str, str]) -> "Stack":
        """Copy of the stack with more variables in the environment of its engine."""
        return replace(self, environment=self.environment | variables)

    def pulumi(self, *arguments: str, quiet: bool = False) -> subprocess.CompletedProcess[str]:
        """Run the engine in the checkout; its output is shown, or returned when `quiet`."""
        # Outside of a terminal's foreground, signals to the process group would reach the engine twice.
        group = None if signals.in_foreground() else 0
        process = self.started(*arguments, stdout=subprocess.PIPE if quiet else None, process_group=group)
        try:
            output, _ = process.communicate()
        except KeyboardInterrupt as interrupt:
            # The engine finishes what it has begun. A terminal's Ctrl-C has reached it already, and two would kill it.
            if group == 0 or isinstance(interrupt, signals.TerminatedError):
                process.send_signal(signal.SIGINT)
            process.communicate()
            say(f"pulumi {arguments[0]} was stopped, and may be incomplete: run the same command again")
            raise
        if process.returncode:
            raise EngineError(arguments[0], process.returncode, self.name)
        return subprocess.CompletedProcess(process.args, process.returncode, output)

    def started(self, *arguments: str, **streams: Any) -> subprocess.Popen[str]:
        """The engine at work in the checkout; `streams` are those of subprocess."""
        command = self.engine_command(*arguments)
        try:
            return subprocess.Popen(
                command, cwd=self.root, env=self.environment, text=True,
                preexec_fn=signals.follow_parent,  # noqa: PLW1509  two system calls
                **streams,
            )  # fmt: skip
        except FileNotFoundError:
            raise CommandError(engine.MISSING) from None

    def engine_command(self, *arguments: str) -> list[str]:
        """The command line of the engine for this stack."""
        return [engine.NAME, *arguments, "--stack", self.name]

    def require_idle(self) -> None:
        """Check that no other update of the stack is running; a stack that is not embedded has the engine check that.

        Raises:
            CommandError: One is running. The engine would advise to cancel it, which leaves an incomplete stack.
        """
        if not self.embedded:
            return
        locks = (self.embedded.data / "pulumi" / ".pulumi" / "locks").rglob(f"{self.name}/*.json")
        if running := [pid for lock in locks if (pid := _engine_of(lock))]:
            raise CommandError(
                f"another update of stack {self.name} is running (process {running[0]}), and nothing was changed: wait "
                "until it has ended, and run the same command again"
            )

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs; a stack that is not up has none."""
        found: dict[str, Any] = json.loads(self.pulumi("stack", "output", "--json", quiet=True).stdout)
        return found

    def state(self, *flags: str) -> dict[str, Any]:
        """The stack's state as the engine exports it, with a list of resources even if it has none."""
        state: dict[str, Any] = json.loads(self.pulumi("stack", "export", *flags, quiet=True).stdout)
        state["deployment"] = {"resources": [], **(state.get("deployment") or {})}
        return state

    def resources(self) -> list[dict[str, Any]]:
        """All resources in the stack's state, also of an update that failed."""
        found: list[dict[str, Any]] = self.state()["deployment"]["resources"]
        return found

    def cluster(self) -> tuple[str, str]:
        """The kubeconfig and the context of this stack's own cluster, as its config has them."""
        config = _read(self.config_file).get("config") or {}
        try:
            kubeconfig, context = (str(config[f"modelmesh:{key}"]) for key in ("kubeconfig", "context"))
        except KeyError as missing:
            raise CommandError(f"Pulumi.{self.name}.yaml does not set {missing}") from None
        return kubeconfig, context

    def kubectl(self, *arguments: str) -> list[str]:
        """The command line of kubectl for this stack's own cluster."""
        kubeconfig, context = self.cluster()
        file = str(Path(kubeconfig).expanduser())
        return [*self.kubectl_program(), "--kubeconfig", file, "--context", context, *arguments]

    def kubectl_program(self) -> list[str]:
        """Beginning of kubectl's command lines."""
        if self.embedded:
            return ["kubernetes", "kubectl"]
        if shutil.which("kubectl"):
            return ["kubectl"]
        raise CommandError("kubectl is not on PATH: install it to reach the cluster of this stack")

    def run(self, command: list[str], quiet: bool = False, given: str | None = None) -> str:
        """Run `command` in the stack's environment and return what it printed, after showing it unless `quiet`.

        Args:
            command: Command line.
            quiet: Whether to show nothing.
            given: Standard input of the command.
        """
        finished = subprocess.run(command, env=self.environment, text=True, capture_output=True, input=given)
        if not quiet:
            print(finished.stdout, end="")
        if finished.returncode:
            raise CommandError(f"{' '.join(command)} failed:\n{finished.stderr.strip()}")
        return finished.stdout


def is_embedded(name: str, root: Path = ROOT) -> bool:
    """Whether stack `name` runs on the embedded node: its file names no cluster."""
    config = tracked(name, root).get("config") or {}
    if "modelmesh:kubeconfig" in config:
        return False
    if half := [key for key in ("modelmesh:context", "modelmesh:registry") if key in config]:
        raise CommandError(
            f"Pulumi.{name}.yaml sets {' and '.join(half)} but no modelmesh:kubeconfig: add it to use that cluster, "
            f"or remove {' and '.join(half)} to use the embedded one"
        )
    return True


def open_stack(
    name: str = DEFAULT_STACK, instance: str = "dev", overrides: dict[str, Any] | None = None, root: Path = ROOT
) -> Stack:
    """The stack `name`, created if it is an embedded one that does not exist yet.

    Args:
        name: Names the file Pulumi.<name>.yaml.
        instance: The embedded node that serves it, if its file names no cluster.
        overrides: Configuration laid over both the stack file and what describes the node.
        root: Folder of the program and its stack files.
    """
    if not is_embedded(name, root):
        return on_no_node(name, root)
    stack_file = tracked(name, root)
    which = node.named(instance)
    facts = node.facts(which)
    file = which.data / "stack" / f"Pulumi.{name}.yaml"
    environment = engine.environment(
        os.environ | facts.variables, _INTERPRETER, facts.programs, direct=(str(which.node_address),)
    )
    environment |= engine.OPTIONS | {engine.CONFIG_FILE: str(file)}
    # The passphrase of other stacks would be tried before this one's.
    for other in ("KUBECONFIG", "PULUMI_CONFIG_PASSPHRASE"):
        environment.pop(other, None)
    stack = Stack(name=name, embedded=which, config_file=file, environment=environment, root=root)
    create(stack)
    _clean_backend(which.data / "pulumi")
    given = stack_file.get("config") or {}
    config = with_node(given, node.config(facts, given | (overrides or {}))) | (overrides or {})
    kept = yaml.safe_load(file.read_text()) or {}
    file.write_text(yaml.safe_dump(kept | stack_file | {"config": config}))
    return stack


def on_no_node(name: str, root: Path = ROOT) -> Stack:
    """The stack `name` as the engine finds it by itself, without any embedded node."""
    environment = engine.environment(os.environ, _INTERPRETER) | engine.OPTIONS
    return Stack(name=name, embedded=None, config_file=root / f"Pulumi.{name}.yaml", environment=environment, root=root)


def tracked(name: str, root: Path = ROOT) -> dict[str, Any]:
    """The contents of the stack's own file."""
    file = root / f"Pulumi.{name}.yaml"
    if not file.exists():
        known = ", ".join(sorted(f.stem.removeprefix("Pulumi.") for f in root.glob("Pulumi.*.yaml")))
        raise CommandError(
            f"there is no stack {name!r}, as there is no file Pulumi.{name}.yaml: name one of {known} with STACK=, or "
            "write that file"
        )
    return _read(file)


def create(stack: Stack) -> None:
    """Create the stack in the backend, unless its config file exists: the engine writes the encryption salt there."""
    folder = stack.config_file.parent
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(stack.root / "Pulumi.yaml", folder)
    if stack.config_file.exists():
        return
    command = [engine.NAME, "-C", str(folder), "stack", "init", stack.name, "--no-select"]
    try:
        made = subprocess.run(command, env=stack.environment, capture_output=True, text=True)
    except FileNotFoundError:
        raise CommandError(engine.MISSING) from None
    if made.returncode:
        raise CommandError(f"the stack {stack.name} can't be made:\n{made.stderr.strip()}")


def _read(file: Path) -> dict[str, Any]:
    try:
        return parsed(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CommandError(f"{file.name} {error}") from None


def _clean_backend(backend: Path) -> None:
    """Remove what killed engines left: their locks, since they certainly do not run, and files that they began.

    The engine writes a file's attributes, which it can do without, in place; if they are empty, it does not read the
    file ("failed to load checkpoint: EOF").
    """
    for attributes in (backend / ".pulumi").rglob("*.attrs"):
        with suppress(FileNotFoundError):  # renamed just now
            if not attributes.stat().st_size:
                attributes.unlink()
    for lock in (backend / ".pulumi" / "locks").rglob("*.json"):
        if not _engine_of(lock):
            lock.unlink(missing_ok=True)


def _engine_of(lock: Path) -> int | None:
    """The process id of the engine that holds a lock; None if it has ended."""
    with suppress(FileNotFoundError):  # it has ended just now
        pid: int = json.loads(lock.read_text())["pid"]
        if _is_engine(pid):
            return pid
    return None


def _is_engine(pid: int) -> bool:
    """Whether an engine runs under this process id; another program may have it now, and a zombie has no arguments."""
    try:
        program = Path("/proc", str(pid), "cmdline").read_text().split("\0")[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return Path(program).name == engine.NAME
