"""Checks of objects that exist on a cluster, before a stack applies its own under the same names.

A stack takes over no object of another owner. Nor does it install ModelMesh Serving beside an installation of cluster
scope, whose controller handles every namespace: it deletes the mesh's Service where no models are to be served, and
creates the same objects as a controller of namespace scope elsewhere.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.cluster import Cluster
from ..core.ownership import MARK, SHARED, Definitions
from ..core.problem import ROOT, FieldPath, Problem, Text
from ..upstream import VERSION, Document, cluster_scoped_objects, install_documents
from ..upstream.install_documents import DEFINITION, WEBHOOK
from ..upstream.source import MODULE
from .existing_objects import Existing, ExistingObjects, reference
from .installation import Scope

_DEFINITIONS, _NAMESPACES, _SCOPE = ROOT / "definitions", ROOT / "namespace_names", ROOT / "scope"
_SINGLE = "only one ModelMesh Serving of cluster scope per cluster; with scope namespace, there can be several"
_KEPT_FIRST = "kept for one update first: otherwise the stack deletes them, and every object of their kinds with them"


@dataclass(frozen=True, kw_only=True)
class ClusterGuardArgs:
    """The cluster, and what determines the cluster-scoped objects that a stack creates there."""

    cluster: Cluster
    namespace_names: Sequence[str]
    """Namespaces that the stack creates."""
    existing_namespaces: Sequence[str] = ()
    """Namespaces that must exist already, since the stack only labels them."""
    controller_namespace: str
    """Namespace of the controller; in namespace scope a part of the names of cluster-scoped objects."""
    scope: Scope
    definitions: Definitions


def ownership_problems(args: ClusterGuardArgs, stack: str, objects: ExistingObjects) -> list[Problem]:
    """Check all objects that a stack would apply; paths start at a field of ClusterGuardArgs."""
    existing = [found for document in _planned_objects(args) if (found := objects.find(document))]
    foreign = [
        found for found in existing if found.being_deleted or found.owner not in _usable(found.kind, args, stack)
    ]
    return [
        *_grouped({found: _conflict(found, args, foreign) for found in foreign}),
        *_grouped(dict.fromkeys(_other_installations(args, stack, objects), (_SCOPE, _SINGLE))),
        *_namespace_problems(args, stack, objects),
        *(_definition_problems(args, stack, objects) if args.definitions == "existing" else ()),
        *objects.refused,
        *_renaming_hint(args, stack, foreign),
    ]


def _planned_objects(args: ClusterGuardArgs) -> list[Document]:
    """Return kind and name of the cluster-scoped objects that the stack would create."""
    namespaces = [_namespace(name) for name in args.namespace_names]
    return namespaces + _objects(args, namespace_scope=args.scope == "namespace")


def _namespace(name: str) -> Document:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _objects(args: ClusterGuardArgs, **changes: Any) -> list[Document]:
    return cluster_scoped_objects(
        **{"namespace": args.controller_namespace, "definitions": args.definitions != "existing", **changes}
    )


def _usable(kind: str, args: ClusterGuardArgs, stack: str) -> set[str]:
    """Return the owners whose objects of this kind the stack may apply."""
    return {stack, SHARED} if kind == DEFINITION and args.definitions == "kept" else {stack}


def _conflict(found: Existing, args: ClusterGuardArgs, foreign: Sequence[Existing]) -> tuple[FieldPath, str]:
    """Return the argument to change for an object of another owner, and what is expected of it."""
    if found.kind == DEFINITION:
        path, expected = _DEFINITIONS, _other_definitions(found, args, foreign)
    elif found.kind == "Namespace":
        path, expected = _NAMESPACES, "another name, or a namespace that the stack uses and leaves to its owner"
    elif args.scope == "namespace":
        path, expected = ROOT / "controller_namespace", "a namespace without a ModelMesh Serving"
    else:
        path, expected = _SCOPE, _SINGLE
    if found.being_deleted:
        expected = f"the end of its deletion: {args.cluster.kubectl('wait', '--for=delete', reference(found))}"
    return path, expected


def _other_definitions(found: Existing, args: ClusterGuardArgs, foreign: Sequence[Existing]) -> str:
    if found.owner == SHARED:
        return "kept"
    if found.owner is not None:
        return "kept in that stack first: otherwise it deletes them when it is destroyed, and all models with them"
    existing = "existing, which leaves them to their owner"
    if args.definitions == "own":
        return "kept" if found.awaited else existing
    names = [
        other.name for other in foreign if other.kind == DEFINITION and other.owner is None and not other.being_deleted
    ]
    share = args.cluster.kubectl("annotate", "crd", *names, f"{MARK}={SHARED}")
    if found.awaited:
        return f"the annotation for shared ones, since an earlier version of this program seems to own them: {share}"
    return f"{existing}; or, if stacks are to share them from now on, the annotation for it: {share}"


def _other_installations(args: ClusterGuardArgs, stack: str, objects: ExistingObjects) -> list[Existing]:
    """Return objects of an installation of the other scope, whose controller would interfere."""
    if args.scope == "namespace":
        roles = [each for each in _objects(args, namespace_scope=False) if each["kind"] == "ClusterRole"]
        found = [role for each in roles if (role := objects.find(each, needed=False))]
    else:
        (webhook,) = [each for each in _objects(args, namespace_scope=False) if each["kind"] == WEBHOOK]
        found = [each for each in objects.all(webhook) if each.name.endswith(f".{webhook['metadata']['name']}")]
    return [each for each in found if each.owner != stack]


def _namespace_problems(args: ClusterGuardArgs, stack: str, objects: ExistingObjects) -> Iterator[Problem]:
    """Check that the stack still creates its controller's namespace, and that existing namespaces exist."""
    if args.controller_namespace not in args.namespace_names:
        found = objects.find(_namespace(args.controller_namespace), needed=False)
        if found and found.owner == stack:
            expected = "the stack to create it still: otherwise the stack deletes it, and every object in it"
            yield Problem(_NAMESPACES, Text(_described([found])), expected)
    for name in args.existing_namespaces:
        refused = len(objects.refused)
        found = objects.find(_namespace(name))
        if found is None and len(objects.refused) == refused:
            create = args.cluster.kubectl("create", "namespace", name)
            expected = f"an existing namespace ({create}), or one that the stack creates"
            yield Problem(ROOT / "existing_namespaces", Text(f"namespace/{name} (missing)"), expected)


def _definition_problems(args: ClusterGuardArgs, stack: str, objects: ExistingObjects) -> Iterator[Problem]:
    """Check that the definitions of another owner are served, and that the stack does not delete its own."""
    claims = _objects(args, namespace_scope=args.scope == "namespace", definitions=True)
    existing = [objects.find(document, needed=False) for document in claims if document["kind"] == DEFINITION]
    # An earlier version of this program has not annotated its definitions, but waited for them.
    lost = [found for found in existing if found and (found.owner == stack or (not found.owner and found.awaited))]
    yield from _grouped(dict.fromkeys(lost, (_DEFINITIONS, _KEPT_FIRST)))
    documents = install_documents(namespace_scope=args.scope == "namespace")
    specs = [document["spec"] for document in documents if document["kind"] == DEFINITION]
    needed: dict[str, list[str]] = {}
    for spec in specs:
        for version in spec["versions"]:
            needed.setdefault(f"{spec['group']}/{version['name']}", []).append(spec["names"]["plural"])
    for version, plurals in needed.items():
        served = objects.served(version)
        missing = [plural for plural in plurals if served is not None and plural not in served]
        if missing:
            expected = (
                f"kept, or {', '.join(missing)} of {version} served by the cluster (upstream's definitions are in "
                f"config/crd/bases of {MODULE} {VERSION})"
            )
            yield Problem(_DEFINITIONS, "existing", expected)


def _renaming_hint(args: ClusterGuardArgs, stack: str, foreign: Sequence[Existing]) -> Iterator[Problem]:
    """Offer the annotation for objects that the stack created under a former name, or without an annotation."""
    lost = [
        found
        for found in foreign
        if not found.being_deleted and found.owner != SHARED and _usable(found.kind, args, stack) == {stack}
    ]
    if lost:
        own = args.cluster.kubectl("annotate", "--overwrite", *map(reference, lost), f"{MARK}={stack}")
        expected = f"the annotation of this stack, only if the stack created them before it was renamed: {own}"
        yield Problem(ROOT / "cluster", Text(_described(lost)), expected)


def _grouped(conflicts: dict[Existing, tuple[FieldPath, str]]) -> Iterator[Problem]:
    """Yield one problem for all objects with the same owner, path and expectation."""
    groups: dict[tuple[FieldPath, str, str | None, bool], list[Existing]] = {}
    for found, (path, expected) in conflicts.items():
        groups.setdefault((path, expected, found.owner, found.being_deleted), []).append(found)
    for (path, expected, _, _), group in groups.items():
        yield Problem(path, Text(_described(group)), expected)


def _described(group: Sequence[Existing]) -> str:
    """Return the objects' references, and their owner or that they are being deleted."""
    state = "being deleted" if group[0].being_deleted else f"owner: {group[0].owner or 'none'}"
    return f"{', '.join(map(reference, group))} ({state})"
