"""The life of a stack, killed at random moments: what each stage of it asks for, and how a killed run is told apart."""

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cli.interrupted import adopt
from tests.cluster.deployment import KINDS, Deployment, Update, opened

LEXICONS = ("good\t1.9\nbad\t-2.5\n", "good\t1.9\nbad\t-2.5\nlove\t3.2\n")
CONVERGED = ("--yes", "--skip-preview", "--refresh")
COUNTED = (
    "resourceVersion",
    "managedFields",
    "deployment.kubernetes.io/revision",
    "generation",
    "creationTimestamp",
    "uid",
    "observedGeneration",
)
"""By the API server, or new with each object that is made again."""
MADE_UP = ("controller-uid", "batch.kubernetes.io/controller-uid", "clusterIP", "clusterIPs", "volumeName", "nodePort")
GENERATED = ("ciphertext", "plaintext", "created", "modified", "caBundle", "output", "input", "id", "outputs", "tlsCa")
"""Secrets and certificates, and what the engine and the providers make up."""
VOLATILE = {*COUNTED, *MADE_UP, *GENERATED, "status"}


@dataclass
class Life:
    """A stack whose stages follow one another; the folder holds its models."""

    deployment: Deployment
    folder: Path
    config: dict[str, Any] = field(default_factory=dict)
    longest: dict[str, float] = field(default_factory=dict)
    """Seconds that an operation took which was not killed; moments to kill it at are chosen below."""

    def __post_init__(self) -> None:
        for number, lexicon in enumerate(LEXICONS):
            (self.folder / str(number)).mkdir()
            (self.folder / str(number) / "vader_lexicon.txt").write_text(lexicon)

    def stage(self, name: str) -> None:
        """Edit the stack's files as that stage of its life asks for."""
        first = {"modelSource": str(self.folder / "0"), "runtimeMemory": "200Mi", "tls": _tls("one.example")}
        edits: dict[str, dict[str, Any]] = {
            "first": first,
            "model": {"modelSource": str(self.folder / "1")},
            "runtime": {"runtimeMemory": "220Mi"},
            "renewal": {"tls": _tls("two.example")},
        }
        stages = list(edits)
        self.config = {}
        for passed in stages[: stages.index(name) + 1]:
            self.config |= edits[passed]

    def edit(self) -> None:
        """Change the files to something that none of the stages asks for."""
        self.config |= {"runtimeMemory": "240Mi", "tls": _tls("three.example")}

    def killed(self, operation: str, after: float) -> None:
        """Start an operation as `make` does, and kill the engine with all that it has started."""
        stack = opened(self.deployment.stack.name, self.deployment.instance, self.deployment.stack.root, self.overrides)
        adopt(stack)
        flags = ("--yes", "--skip-preview", "--refresh", "--non-interactive")
        process = subprocess.Popen(
            stack.engine_command(operation, *flags),
            cwd=stack.root, env=stack.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def converged(self, operation: str) -> Update:
        """Run an operation to its end, as `make` does; it has to succeed."""
        started = time.monotonic()
        adopt(opened(self.deployment.stack.name, self.deployment.instance, self.deployment.stack.root, self.overrides))
        update = self.deployment.run(operation, *CONVERGED, config=self.config)
        assert update.succeeded, update.output
        self.longest[operation] = time.monotonic() - started
        return update

    @property
    def overrides(self) -> dict[str, Any]:
        return {f"modelmesh:{key}": value for key, value in self.config.items()}

    def state(self) -> dict[str, Any]:
        """The inputs of all resources, but for what is generated; nothing is left half done."""
        exported = json.loads(self.deployment.stack.pulumi("stack", "export", quiet=True).stdout)["deployment"]
        assert not exported.get("pending_operations")
        assert not [each["urn"] for each in exported["resources"] if each.get("delete")]
        return {each["urn"]: _steady(each.get("inputs", {})) for each in exported["resources"]}

    def objects(self) -> dict[str, Any]:
        """All objects of the stack's namespace that it applies itself, but for what is generated."""
        kinds = (
            "deployments,statefulsets,services,configmaps,serviceaccounts,roles,rolebindings,networkpolicies,secrets"
        )
        items = self.deployment.get(kinds, namespace="life")["items"]
        return {
            f"{each['kind']}/{each['metadata']['name']}": _steady(each) | {"data": sorted(each.get("data") or {})}
            for each in items
            if "pulumi.com/patchFieldManager" in each["metadata"].get("annotations", {})
            and "pulumi.com/autonamed" not in each["metadata"]["annotations"]
        }

    def names(self) -> set[str]:
        """All objects of the cluster that a stack can have made."""
        return self.deployment.names(KINDS)


def _tls(name: str) -> dict[str, Any]:
    return {"enabled": True, "dnsNames": [name]}


def moments(seed: int, count: int) -> Iterator[tuple[float, bool]]:
    """Parts of an operation's length after which to kill it, and whether to edit the stack's files then."""
    choice = random.Random(seed)  # noqa: S311  nobody is to be kept from guessing
    for _ in range(count):
        yield choice.random(), choice.random() < 1 / 3


def _steady(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _steady(entry) for key, entry in value.items() if key not in VOLATILE}
    if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
        return sorted(value)
    return [_steady(entry) for entry in value] if isinstance(value, list) else value
