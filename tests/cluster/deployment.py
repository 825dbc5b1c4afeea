"""What the cluster tests do to a stack and ask of its cluster."""

import base64
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import yaml

from cli.stack import Stack, open_stack
from project import ROOT

NAMESPACE = "modelmesh-serving"
SERVICE = "sentiment-analyzer"
RUNTIME = "custom-runtime-0.x"

# All that a stack can have made, custom resources by their definitions; what the cluster itself has is subtracted.
KINDS = (
    "namespaces,customresourcedefinitions,clusterroles,clusterrolebindings,validatingwebhookconfigurations,"
    "deployments,statefulsets,jobs,pods,services,configmaps,secrets,serviceaccounts,roles,rolebindings,"
    "networkpolicies,horizontalpodautoscalers,persistentvolumeclaims,persistentvolumes"
)


@dataclass(frozen=True)
class Update:
    """How a run of the engine ended, what it printed, and when."""

    succeeded: bool
    output: str
    ended: float


@dataclass
class Load:
    """What came of requests sent while something else happened; filled when the load has stopped."""

    requests: int = 0
    failed: int = 0
    failures: tuple[str, ...] = ()
    models: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Deployment:
    """The stack under test on one embedded instance."""

    instance: str
    stack: Stack

    @classmethod
    def on_instance(cls, instance: str, name: str = "dev", root: Path = ROOT) -> Self:
        """The stack that this program and its stack file describe, made but not up."""
        return cls(instance, opened(name, instance, root))

    def run(
        self, operation: str, *flags: str, root: Path | None = None, config: dict[str, Any] | None = None
    ) -> Update:
        """Run an operation of the engine with `config` laid over the stack's, and never raise for its failure."""
        overrides = {f"modelmesh:{key}": value for key, value in (config or {}).items()}
        stack = opened(self.stack.name, self.instance, self.stack.root, overrides)
        stack = replace(stack, root=root or stack.root)
        command = stack.engine_command(operation, "--non-interactive", *flags)
        ended = subprocess.run(
            command, cwd=stack.root, env=stack.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        print(ended.stdout)
        return Update(ended.returncode == 0, ended.stdout, time.time())

    def kill(
        self,
        after: float,
        operation: str,
        *flags: str,
        config: dict[str, Any] | None = None,
        sooner: Callable[[], bool] = lambda: False,
    ) -> None:
        """Start an operation, and kill the engine, its plugins and the program.

        Args:
            after: Seconds after which they are killed, unless the operation has ended.
            operation: Command of the engine.
            flags: Options of the command.
            config: Configuration that is laid over the stack's.
            sooner: Looked at until then; they are killed as soon as it returns True.
        """
        overrides = {f"modelmesh:{key}": value for key, value in (config or {}).items()}
        stack = opened(self.stack.name, self.instance, self.stack.root, overrides)
        process = subprocess.Popen(
            stack.engine_command(operation, "--yes", "--skip-preview", "--non-interactive", *flags),
            cwd=stack.root, env=stack.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        end = time.monotonic() + after
        while process.poll() is None and time.monotonic() < end and not sooner():
            time.sleep(0.05)
        if process.poll() is None:
            # Each plugin has a process group of its own. The engine is the first, so that it starts no more.
            for pid in [process.pid, *session(process.pid)]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.wait()

    def up(self, **config: Any) -> Update:
        return self.run("up", "--yes", "--skip-preview", config=config)

    def config(self, key: str) -> Any:
        """One value of the stack's configuration, as the node completes it."""
        return yaml.safe_load(self.stack.config_file.read_text())["config"][f"modelmesh:{key}"]

    def resources(self) -> dict[str, Any]:
        """The inputs of all resources in the stack's state, by their URN; secrets are encrypted anew at every write."""
        exported = self.stack.pulumi("stack", "export", quiet=True).stdout
        state = json.loads(re.sub(r'"ciphertext": "[^"]*"', '"ciphertext": ""', exported))
        found = state["deployment"].get("resources", [])
        return {resource["urn"]: resource.get("inputs") for resource in found}

    def get(self, kind: str, name: str = "", namespace: str | None = NAMESPACE) -> dict[str, Any]:
        """One object, or a list of them, as the API server has it; without a namespace, those of all of them."""
        command = self.stack.kubectl(
            "get",
            kind,
            *filter(None, [name]),
            *(["--namespace", namespace] if namespace else ["--all-namespaces"]),
            "--output=json",
            "--show-managed-fields",
        )
        parsed: dict[str, Any] = json.loads(self.stack.run(command, quiet=True))
        return parsed

    def names(self, kinds: str) -> set[str]:
        """All objects of `kinds` (comma separated) in the whole cluster, as kind/name."""
        command = self.stack.kubectl("get", kinds, "--all-namespaces", "--output", "name", "--ignore-not-found")
        return set(self.stack.run(command, quiet=True).split())

    def restart(self, namespace: str, selector: str) -> int:
        """Delete the pods of `selector` and wait until as many others are ready; how many there were."""
        where = ("--namespace", namespace, "--selector", selector)
        old = self._pods(*where)
        self.stack.run(self.stack.kubectl("delete", "pods", *where, "--wait"), quiet=True)
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            new = self._pods(*where)
            if len(new) == len(old) and not new.keys() & old.keys() and all(new.values()):
                return len(old)
            time.sleep(1)
        raise TimeoutError(f"pods {selector} in {namespace} are not back: {new}")

    def _pods(self, *where: str) -> dict[str, bool]:
        """Which pods there are, by unique id, and whether each is ready."""
        command = self.stack.kubectl("get", "pods", *where, "--output=json")
        return {
            pod["metadata"]["uid"]: any(
                condition["type"] == "Ready" and condition["status"] == "True"
                for condition in pod["status"].get("conditions", [])
            )
            for pod in json.loads(self.stack.run(command, quiet=True))["items"]
        }

    def secrets_in(self, text: str, namespace: str) -> list[str]:
        """Names and keys of those Secrets of a namespace whose values stand readable in a text, encoded or not.

        Certificates are public and too short a value says nothing; everything else is looked for.
        """
        found, looked = [], 0
        for secret in self.get("secrets", namespace=namespace)["items"]:
            for key, encoded in secret.get("data", {}).items():
                plain = base64.b64decode(encoded).decode()
                if len(plain) > 8 and "BEGIN CERTIFICATE" not in plain:
                    looked += 1
                    if encoded in text or json.dumps(plain)[1:-1] in text:
                        found.append(f"{secret['metadata']['name']}: {key}")
        assert looked, f"no secret in {namespace} to look for"
        return found

    def runtime_pods(self, namespace: str = NAMESPACE) -> set[str]:
        """Names of the running pods of the custom runtime that are not about to go."""
        pods = self.get("pods", namespace=namespace)["items"]
        return {
            pod["metadata"]["name"]
            for pod in pods
            if pod["metadata"]["name"].startswith(f"modelmesh-serving-{RUNTIME}")
            and "deletionTimestamp" not in pod["metadata"]
        }

    @contextmanager
    def load(
        self, tmp_path: Path, namespace: str = NAMESPACE, service: str = SERVICE, tls: Path | None = None
    ) -> Iterator[Load]:
        """Steady requests from inside the cluster's network while the block runs, with the TLS files of `tls`."""
        node = self.stack.embedded
        assert node, "the tests run on an embedded node"
        stop, load = tmp_path / "stop", Load()
        command = [
            "nsenter", f"--net={node.netns}", sys.executable, str(Path(__file__).with_name("load.py")),
            f"{node.node_address}:53", f"modelmesh-serving.{namespace}.svc.cluster.local:8033", service, str(stop),
            *([str(tls)] if tls else []),
        ]  # fmt: skip
        process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE)
        try:
            time.sleep(2)  # requests before, during and after
            yield load
            time.sleep(2)
            assert process.poll() is None, "the load ended before the change under test"
        finally:
            stop.touch()
            told = json.loads(process.communicate(timeout=60)[0])
        load.requests, load.failed = told["requests"], told["failed"]
        load.failures, load.models = tuple(told["failures"]), frozenset(told["models"])


def session(leader: int) -> Iterator[int]:
    """Return all processes that are left of the session that `leader` has started."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(ProcessLookupError):
            if os.getsid(int(process.name)) == leader:
                yield int(process.name)


ProgramMaker = Callable[[str, str], Deployment]
"""Takes a folder of programs' and the name of a stack of it."""


def opened(name: str, instance: str, root: Path, overrides: dict[str, Any] | None = None) -> Stack:
    """The stack, whose program finds this project's modules wherever it is."""
    stack = open_stack(name, instance, overrides, root)
    return replace(stack, environment=stack.environment | {"PYTHONPATH": str(ROOT)})
