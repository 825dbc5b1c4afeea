"""What an update that was killed had begun to make.

The engine notes each creation before it begins with it. Of one that it did not see the end of it keeps the note for
ever, since not every cloud can tell what came of it. Kubernetes can: an object has its name before it is made, so it is
in the state by now, or it can be deleted.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

from cli.stack import Stack
from project.progress import say


def tidy(stack: Stack) -> None:
    """After an update or a destroy that succeeded: delete what was begun and is not in the state, and drop the notes.

    Not before: the one who is asked may say no, and a cluster that is not the stack's own is found out on the way.

    Raises:
        CommandError: the cluster or the state can't be reached.
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
            say(f"an update of {stack.name} was ended while it made this; deleting it: {kind} {identity}")
            where = ("--namespace", namespace) if namespace else ()
            stack.run(stack.kubectl("delete", kind, name, *where, "--ignore-not-found"), quiet=True)
    deployment["pending_operations"] = []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "state.json"  # its secrets are as encrypted as they were
        file.write_text(json.dumps(state), encoding="utf-8")
        stack.pulumi("stack", "import", "--file", str(file), quiet=True)
