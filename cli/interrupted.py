"""Cleanup of objects whose creation was interrupted by killing an update.

The engine records each creation before it starts, and keeps the record if it did not see the result, since not every
cloud can look that up. Kubernetes can: an object has its name before it is created, so it either is in the state, or it
can be deleted.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

from cli.stack import Stack
from project.progress import say


def tidy(stack: Stack) -> None:
    """Delete objects of interrupted creations that are not in the state, and remove the engine's records of them.

    Call it after a successful update or destroy: the user may decline before, and these detect a wrong cluster.

    Raises:
        CommandError: The cluster or the state can't be reached.
    """
    state: dict[str, Any] = json.loads(stack.pulumi("stack", "export", quiet=True).stdout)
    deployment = state["deployment"] or {}
    if not (begun := [each["resource"] for each in deployment.get("pending_operations") or []]):
        return
    known = {(each["type"], each.get("id")) for each in deployment.get("resources") or []}
    for each in begun:
        metadata = each.get("inputs", {}).get("metadata", {})
        namespace, name = metadata.get("namespace"), metadata.get("name")
        identity = f"{namespace}/{name}" if namespace else name
        kind = each["type"].rpartition(":")[2]
        ours = each["type"].startswith("kubernetes:") and not kind.endswith("Patch") and not each.get("retainOnDelete")
        if ours and name and (each["type"], identity) not in known:
            say(f"an update of {stack.name} was killed while creating this object; deleting it: {kind} {identity}")
            where = ("--namespace", namespace) if namespace else ()
            stack.run(stack.kubectl("delete", kind, name, *where, "--ignore-not-found"), quiet=True)
    deployment["pending_operations"] = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "state.json"  # its secrets stay encrypted
        file.write_text(json.dumps(state), encoding="utf-8")
        stack.pulumi("stack", "import", "--file", str(file), quiet=True)
