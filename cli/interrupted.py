"""What an update that was killed had begun to make.

The engine notes each creation before it begins with it. Of one that it did not see the end of it keeps the note for
ever, since not every cloud can tell what came of it. Kubernetes can: an object has its name before it is made, and to
apply it is the same whether it is there or not.
"""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cli.stack import Stack
from embedded.progress import say

_KUBERNETES = "kubernetes:"
_MADE_UP = "pulumi.com/autonamed"


def make_again(stack: Stack) -> None:
    """Have the next update make what was begun. An object whose name was made up is deleted: it gets another one.

    Raises:
        CommandError: the cluster or the state can't be reached.
    """
    state = _state(stack)
    if not (begun := list(_begun(state))):
        return
    say(f"an update of {stack.name} was ended while it made this; it is made again:{_listed(begun)}")
    for each in begun:
        metadata = each.get("inputs", {}).get("metadata", {})
        if _is_object(each) and metadata.get("annotations", {}).get(_MADE_UP):
            kind = each["type"].rpartition(":")[2]
            where = ("--namespace", metadata["namespace"]) if "namespace" in metadata else ()
            command = stack.kubectl("delete", kind, metadata["name"], *where, "--ignore-not-found")
            stack.run(command, quiet=True)
    _write(stack, state)


def delete_too(stack: Stack) -> None:
    """Have the engine know what was begun as if it were there: to delete what is not is no mistake.

    Raises:
        CommandError: the state can't be reached.
    """
    state = _state(stack)
    if not (begun := list(_begun(state))):
        return
    say(f"an update of {stack.name} was ended while it made this; it is deleted, too:{_listed(begun)}")
    resources = state["deployment"].setdefault("resources", [])
    there = {resource["urn"] for resource in resources}
    for each in filter(_is_object, begun):
        metadata = each["inputs"]["metadata"]
        identity = "/".join(filter(None, (metadata.get("namespace"), metadata["name"])))
        # What was to take another one's place goes beside it.
        beside = {"delete": True} if each["urn"] in there else {}
        resources.append(each | beside | {"id": identity, "outputs": each["inputs"]})
    _write(stack, state)


def _state(stack: Stack) -> dict[str, Any]:
    state: dict[str, Any] = json.loads(stack.pulumi("stack", "export", quiet=True).stdout)
    return state


def _begun(state: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The resources that were being made."""
    for operation in (state["deployment"] or {}).get("pending_operations", []):
        if operation["type"] == "creating":
            yield operation["resource"]


def _is_object(resource: dict[str, Any]) -> bool:
    return resource["type"].startswith(_KUBERNETES) and "name" in resource.get("inputs", {}).get("metadata", {})


def _listed(begun: list[dict[str, Any]]) -> str:
    return "".join(f"\n  {resource['urn']}" for resource in begun)


def _write(stack: Stack, state: dict[str, Any]) -> None:
    """Without the notes."""
    state["deployment"]["pending_operations"] = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "state.json"  # its secrets are as encrypted as they were
        file.write_text(json.dumps(state), encoding="utf-8")
        stack.pulumi("stack", "import", "--file", str(file), quiet=True)
