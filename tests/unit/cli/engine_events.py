"""Events as the engine writes them, for resources whose properties a test gives."""

from collections.abc import Mapping, Sequence
from typing import Any

from cli.events import Events, parsed

NOT_KNOWN_YET = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def step(
    token: str,
    name: str,
    old: Mapping[str, Any] | None = None,
    new: Mapping[str, Any] | None = None,
    *,
    operation: str | None = None,
    changes: Sequence[str] = (),
) -> dict[str, Any]:
    """One step of a Kubernetes object, from its old to its new properties."""
    kind = "update" if old and new else "create" if new else "delete"
    urn, token = f"urn:pulumi:prod::modelmesh::kubernetes:{token}::{name}", f"kubernetes:{token}"
    states = {
        which: {"type": token, "urn": urn, "inputs": state}
        for which, state in (("old", old), ("new", new))
        if state is not None
    }
    metadata = {"op": operation or kind, "urn": urn, "type": token, "old": None, "new": None, **states}
    metadata["detailedDiff"] = {path: {"diffKind": "update", "inputDiff": False} for path in changes} or None
    return {"sequence": 1, "timestamp": 1, "resourcePreEvent": {"metadata": metadata}}


def violation(policy: str, name: str, text: str, level: str = "advisory") -> dict[str, Any]:
    """Report of a policy about a resource."""
    event = {
        "resourceUrn": f"urn:pulumi:prod::modelmesh::kubernetes:apps/v1:Deployment::{name}",
        "message": f"<{{%reset%}}>Description of the policy.\n{text}<{{%reset%}}>\n",
        "color": "never",
        "policyName": policy,
        "policyPackName": "modelmesh",
        "policyPackVersion": "0.1.0",
        "enforcementLevel": level,
    }
    return {"sequence": 2, "timestamp": 1, "policyEvent": event}


def ended(**counts: int) -> dict[str, Any]:
    """Last event of a run, with its number of resources by the kind of their change."""
    return {"sequence": 3, "timestamp": 1, "summaryEvent": {"durationSeconds": 1, "resourceChanges": counts}}


def events(*given: Mapping[str, Any]) -> Events:
    """The events that the command line makes of them."""
    return parsed(given)
