"""The life of a stack, killed at random moments: what each stage of it asks for, and how a killed run is told apart."""

import datetime
import json
import random
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cli.interrupted import adopt
from components.core.component import FORCE
from tests.cluster.deployment import KINDS, Deployment, Update, opened

LEXICONS = ("good\t1.9\nbad\t-2.5\n", "good\t1.9\nbad\t-2.5\nlove\t3.2\n")
STAGES = ("first", "model", "runtime", "renewal")
TODAY = datetime.datetime.now(datetime.UTC).date()
CONVERGED = ("--yes", "--skip-preview", "--refresh")
AUTONAMED = "pulumi.com/autonamed"
"""Annotation of a name that ends in random characters."""
CUSTOM_RESOURCES = "servingruntimes,inferenceservices"
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
GENERATED = (
    "checksum/configuration",
    "ciphertext",
    "plaintext",
    "created",
    "modified",
    "caBundle",
    "output",
    "input",
    "id",
    "outputs",
    "tlsCa",
)
"""Secrets and certificates with their checksums, and what the engine and the providers make up."""
VOLATILE = {*COUNTED, *MADE_UP, *GENERATED, "status"}


@dataclass
class Life:
    """A stack whose stages follow one another; the folder holds its models."""

    deployment: Deployment
    folder: Path
    config: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    """How long the operation of each stage takes if it is not killed; moments to kill it at are chosen below."""

    def __post_init__(self) -> None:
        for number, lexicon in enumerate(LEXICONS):
            (self.folder / str(number)).mkdir()
            (self.folder / str(number) / "vader_lexicon.txt").write_text(lexicon)

    def stage(self, name: str) -> None:
        """Edit the stack's files as that stage of its life asks for; the certificates are renewed in the last one."""
        passed = STAGES.index(name)
        self.config = {
            "modelSource": str(self.folder / ("1" if passed >= STAGES.index("model") else "0")),
            "runtimeMemory": "600Mi" if passed >= STAGES.index("runtime") else "512Mi",
        }
        half_a_year = datetime.timedelta(days=184)
        self._day(TODAY if name == "renewal" else TODAY - half_a_year)

    def edit(self) -> None:
        """Change the files to something that none of the stages asks for."""
        self.config |= {"runtimeMemory": "550Mi", "tls": {"enabled": True, "dnsNames": ["another.example.com"]}}

    def build(self) -> None:
        """Build the images once, so that the first update takes no longer than the others."""
        preview = self.deployment.run("preview", config=self.config | {"buildOnPreview": True})
        assert preview.succeeded, preview.output

    def kill(self, operation: str, after: float) -> None:
        """Start an operation as `make` does, and kill the engine with all that it has started."""
        self._adopt()
        self.deployment.kill(after, operation, "--refresh", config=self.config)

    def converge(self, operation: str, stage: str) -> Update:
        """Run an operation to its end, as `make` does; it has to succeed."""
        started = time.monotonic()
        self._adopt()
        update = self.deployment.run(operation, *CONVERGED, config=self.config)
        assert update.succeeded, update.output
        self.seconds.setdefault(stage, time.monotonic() - started)
        return update

    def _day(self, day: datetime.date) -> None:
        (self.deployment.stack.root / "today").write_text(day.isoformat())

    def _adopt(self) -> None:
        adopt(opened(self.deployment.stack.name, self.deployment.instance, self.deployment.stack.root, self.overrides))

    @property
    def overrides(self) -> dict[str, Any]:
        return {f"modelmesh:{key}": value for key, value in self.config.items()}

    def state(self) -> dict[str, Any]:
        """The inputs of all resources, but for what is generated; nothing is left half done."""
        text = self.deployment.stack.pulumi("stack", "export", quiet=True).stdout
        for resource in json.loads(text)["deployment"]["resources"]:
            metadata = resource.get("inputs", {}).get("metadata", {})
            if AUTONAMED in metadata.get("annotations", {}):
                text = text.replace(metadata["name"], resource["urn"].rpartition("::")[2])
        exported = json.loads(_same_owner(text))["deployment"]
        assert not exported.get("pending_operations")
        assert not [each["urn"] for each in exported["resources"] if each.get("delete")]
        return {each["urn"]: _steady(each.get("inputs", {})) for each in exported["resources"]}

    def objects(self) -> dict[str, Any]:
        """All objects of the cluster that the stack applies itself, but for what is generated."""
        found = self.deployment.get(f"{KINDS},{CUSTOM_RESOURCES}", namespace=None)
        text = _same_owner(json.dumps(found))
        for each in found["items"]:
            if AUTONAMED in each["metadata"].get("annotations", {}):
                text = text.replace(each["metadata"]["name"], each["metadata"]["name"].rpartition("-")[0])
        items = json.loads(text)["items"]
        return {
            "/".join([each["kind"], each["metadata"].get("namespace", ""), each["metadata"]["name"]]): _steady(each)
            | {"data": each.get("data") if each["kind"] == "ConfigMap" else sorted(each.get("data") or {})}
            for each in items
            if FORCE in each["metadata"].get("annotations", {}) and AUTONAMED not in each["metadata"]["annotations"]
        }

    def names(self) -> set[str]:
        """All objects of the cluster that a stack can have made."""
        return self.deployment.names(KINDS)

    def left_over(self, before: set[str]) -> set[str]:
        """What was not there before a stack that is destroyed; the cluster deletes a released volume a little later."""
        deadline = time.monotonic() + 60
        while (left := self.names() - before) and time.monotonic() < deadline:
            time.sleep(1)
        return left


def _same_owner(text: str) -> str:
    """The text without the UID of the account that owns a table's services, which their Job's name has a hash of."""
    return re.sub(
        r"(more-models)-[0-9a-f]{12}", r"\1", re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "uid", text)
    )


def moments(seed: int, count: int) -> Iterator[tuple[float, bool]]:
    """Parts of an operation's length after which to kill it, and whether to edit the stack's files then."""
    choice = random.Random(seed)  # noqa: S311  nobody is to be kept from guessing
    for _ in range(count):
        yield choice.random(), choice.random() < 1 / 3


def _steady(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _steady(entry) for key, entry in value.items() if key not in VOLATILE}
    if not isinstance(value, list):
        return value
    if all(isinstance(entry, str) for entry in value):
        return sorted(value)
    # The API server merges these by name, and appends new ones, so a killed update can leave another order.
    named = {entry["name"]: _steady(entry) for entry in value if isinstance(entry, dict) and "name" in entry}
    return named if len(named) == len(value) else [_steady(entry) for entry in value]
