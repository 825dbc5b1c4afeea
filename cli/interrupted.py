"""Objects that an update was creating when it was killed.

The engine records each creation before it starts, and keeps the record if it did not see the result, since not every
cloud can look that up. Kubernetes can: an object has its name before it is created. So each record becomes a resource
of the state, as if its creation had succeeded, and the refresh with which `up` and `down` begin drops those that do not
exist. From then on the engine updates, replaces or deletes the others like any resource, under its own lock.

An update that ended early also leaves objects that it has replaced and not deleted yet, which the next update deletes
at its end. If the files name such an object again, that update would delete what it has just applied.
"""

import json
import tempfile
import time
from pathlib import Path
from typing import Any

from cli.errors import CommandError, EngineError
from cli.stack import Stack
from project.progress import say

_STACK = "pulumi:pulumi:Stack"
_APPLYING = ("same", "create", "update", "replace", "create-replacement")
"""Steps of a preview after which there is an object."""
_PREVIEWS, _PAUSE_SECONDS = 4, 15.0
"""Previews that are tried, and the time between two of them: an API server's webhook may be starting."""
_REFERENCES = ("dependencies", "propertyDependencies", "deletedWith", "replaceWith")
"""Parts of a record that name resources, of which some may be gone by now.

The others count: a claim is deleted after the StatefulSet that uses it. The next run of the program sets all of them.
"""


def adopt(stack: Stack) -> list[dict[str, Any]]:
    """Add the objects of interrupted creations to the state, and return its resources.

    Raises:
        CommandError: Another update of the stack is running, or the state can't be reached.
    """
    state = stack.state()
    resources: list[dict[str, Any]] = state["deployment"]["resources"]
    if not state["deployment"].get("pending_operations"):
        return resources
    if root := next((each["urn"] for each in resources if each["type"] == _STACK), None):
        # The records may belong to an update that is still running. This takes the lock that it would hold; no update
        # is so short that it starts and ends before the import below, which takes the lock again.
        flags = ("--yes", "--skip-preview", "--non-interactive", "--skip-pending-creates")
        stack.pulumi("refresh", *flags, "--target", root, quiet=True)
        state = stack.state()
        resources = state["deployment"]["resources"]
    for record in state["deployment"].get("pending_operations") or []:
        if record["type"] == "creating" and (adopted := _adopted(record["resource"], resources)):
            say(f"an update of {stack.name} was killed while it created {adopted['type']} {adopted['id']}")
            resources.append(adopted)
    state["deployment"]["pending_operations"] = []
    _import(stack, state)
    return resources


def spare(stack: Stack, found: list[dict[str, Any]]) -> None:
    """Take objects that were to be deleted, and that the files name again, out of the state: the update applies them.

    Args:
        stack: The stack.
        found: The resources of its state.

    Raises:
        CommandError: There are such objects, and the preview fails; another update of the stack is running, or the
            state can't be reached.
    """
    if not _doomed(found):
        return
    state = stack.state()
    resources: list[dict[str, Any]] = state["deployment"]["resources"]
    previewed = _previewed(stack)
    if stack.state()["deployment"].get("manifest") != state["deployment"].get("manifest"):
        raise CommandError(f"another update of {stack.name} has written its state meanwhile: run the command again")
    named = {
        (step["newState"]["type"], *_names(step["newState"].get("inputs", {})))
        for step in previewed.get("steps", [])  # absent if there are none
        if step["op"] in _APPLYING
    }
    spared = [each for each in _doomed(resources) if (each["type"], *_names(each.get("inputs", {}))) in named]
    for each in spared:
        say(
            f"an earlier update of {stack.name} did not delete {each['type']} {each['id']}, which is in its files again"
        )
        resources.remove(each)
    if spared:
        _import(stack, state)


def _previewed(stack: Stack) -> dict[str, Any]:
    """The preview of an update. It fails while the controller of the update that ended early does not answer yet."""
    for left in reversed(range(_PREVIEWS)):
        try:
            found: dict[str, Any] = json.loads(
                stack.pulumi("preview", "--json", "--show-sames", "--non-interactive", quiet=True).stdout
            )
        except EngineError:
            if left:
                say(f"the preview failed, and is repeated in {_PAUSE_SECONDS:.0f} s, at most {left} times")
                time.sleep(_PAUSE_SECONDS)
            continue
        return found
    raise CommandError(
        f"an earlier update of {stack.name} has left objects that the next one deletes, and no preview tells whether "
        f"the files name them again, so nothing was changed: make preview STACK={stack.name} shows what is wrong"
    )


def _doomed(resources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Objects that are to be deleted."""
    return [each for each in resources if each.get("delete") and each["type"].startswith("kubernetes:")]


def _names(inputs: dict[str, Any]) -> tuple[str | None, str | None]:
    metadata = inputs.get("metadata", {})
    return metadata.get("namespace"), metadata.get("name")


def _import(stack: Stack, state: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "state.json"  # its secrets are as encrypted as they were
        file.write_text(json.dumps(state), encoding="utf-8")
        stack.pulumi("stack", "import", "--file", str(file), quiet=True)


def _adopted(begun: dict[str, Any], resources: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The resource for a record; None if it is not a Kubernetes object, or already in the state."""
    inputs = begun.get("inputs", {})
    metadata = inputs.get("metadata", {})
    namespace, name = metadata.get("namespace"), metadata.get("name")
    identity = f"{namespace}/{name}" if namespace else name
    known = {(each["type"], each.get("id")) for each in resources}
    if not begun["type"].startswith("kubernetes:") or not name or (begun["type"], identity) in known:
        return None
    urns = {each["urn"] for each in resources}
    adopted = {key: _known(value, urns) if key in _REFERENCES else value for key, value in begun.items()}
    adopted = {key: value for key, value in adopted.items() if value or key not in _REFERENCES}
    if adopted.get("parent") not in urns:
        adopted.pop("parent", None)
    if begun["urn"] in urns:
        adopted["delete"] = True  # created to replace the object that the state has for this resource
    return adopted | {"id": identity, "outputs": inputs}


def _known(references: Any, urns: set[str]) -> Any:
    """The part of a URN, a list or a mapping of lists that names resources of the state."""
    if isinstance(references, dict):
        return {key: known for key, each in references.items() if (known := _known(each, urns))}
    if isinstance(references, list):
        return [urn for urn in references if urn in urns]
    return references if references in urns else None
