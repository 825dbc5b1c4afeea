"""The rules for what is on a cluster already: a stack takes over nobody else's objects, and puts an installation beside
no other that would not bear it.

A controller of cluster scope looks after every namespace of its cluster: it takes the mesh's Service away where no
models are to be served, and makes the same objects as a controller of namespace scope where they are.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from ..core.ownership import MARK, SHARED
from ..upstream import VERSION, Document, cluster_scoped_objects, install_documents
from ..upstream.install_documents import DEFINITION, WEBHOOK
from ..upstream.source import MODULE
from .cluster_guard_args import ClusterGuardArgs
from .existing_objects import Existing, ExistingObjects, reference

_KEY = "modelmesh:customResourceDefinitions"
_ONE_OF_CLUSTER_SCOPE = (
    "a ModelMesh Serving of cluster scope bears no other on its cluster, "
    "expected modelmesh:scope: namespace for each of them, or one after the other"
)

_DELETED = (
    f"of this stack, which would delete them and all that they define; expected {_KEY}: kept for one update before"
)
_PERHAPS_DELETED = (
    "made by a Pulumi program before there were marks; this stack, if it did, would delete them and all that they "
    f"define; expected {_KEY}: kept for one update before"
)
_NAMESPACE_DELETED = "of this stack, which would delete it and all in it; expected modelmesh:namespacesExist: false"


def ownership_problems(args: ClusterGuardArgs, stack: str, objects: ExistingObjects) -> list[str]:
    """All that is in the stack's way, as "objects: whose they are, what is expected"."""
    elsewhere = args.definitions == "existing"
    there = [found for claim in _claims(args) if (found := objects.find(claim))]
    foreign = [found for found in there if found.going or found.owner not in _usable(found.kind, args, stack)]
    return [
        *_grouped({found: _advice(found, args, foreign) for found in foreign}),
        *_grouped({found: f"{_whose(found)}; {_ONE_OF_CLUSTER_SCOPE}" for found in _rivals(args, stack, objects)}),
        *_grouped(dict.fromkeys(_lost_namespaces(args, stack, objects), _NAMESPACE_DELETED)),
        *_missing_namespaces(args, objects),
        *(_grouped(_lost_definitions(args, stack, objects)) if elsewhere else ()),
        *(_unserved(args, objects) if elsewhere else ()),
        *objects.refused,
        *_own_after_all(args, stack, foreign),
    ]


def _claims(args: ClusterGuardArgs) -> list[Document]:
    """What the stack is about to make."""
    namespaces = [_namespace(name) for name in args.namespace_names]
    return namespaces + _objects(args, namespace_scope=args.scope == "namespace")


def _objects(args: ClusterGuardArgs, **changes: Any) -> list[Document]:
    return cluster_scoped_objects(
        **{"namespace": args.controller_namespace, "definitions": args.definitions != "existing", **changes}
    )


def _usable(kind: str, args: ClusterGuardArgs, stack: str) -> set[str]:
    """Whose objects the stack may apply."""
    return {stack, SHARED} if kind == DEFINITION and args.definitions == "kept" else {stack}


def _advice(found: Existing, args: ClusterGuardArgs, foreign: Sequence[Existing]) -> str:
    if found.going:
        return f"being deleted; expected to be gone, {args.cluster.kubectl('wait', '--for=delete', reference(found))}"
    if found.kind == DEFINITION:
        expected = _other_definitions(found, args, foreign)
    elif found.kind == "Namespace":
        expected = "expected another name, or modelmesh:namespacesExist: true to use it and leave it to its owner"
    elif args.scope == "namespace":
        expected = "expected a namespace that no ModelMesh Serving is in"
    else:
        expected = _ONE_OF_CLUSTER_SCOPE
    return f"{_whose(found)}; {expected}"


def _other_definitions(found: Existing, args: ClusterGuardArgs, foreign: Sequence[Existing]) -> str:
    if found.owner == SHARED:
        return f"expected {_KEY}: kept"
    if found.owner is not None:
        return (
            f"expected {_KEY}: kept in that stack first; it would take them along when it goes, and all models with it"
        )
    existing = f"expected {_KEY}: existing, to leave them to whoever brought them"
    if args.definitions == "own":
        return f"expected {_KEY}: kept" if found.awaited else existing
    names = [other.name for other in foreign if other.kind == DEFINITION and other.owner is None and not other.going]
    adopt = args.cluster.kubectl("annotate", "crd", *names, f"{MARK}={SHARED}")
    if found.awaited:
        return f"expected them to be shared, as an earlier version of this program seems to have made them: {adopt}"
    return f"{existing}; or, where this program is to keep them from now on, {adopt}"


def _whose(found: Existing) -> str:
    if found.owner is None:
        return "there already, without a stack's mark"
    return "shared by the stacks that keep it" if found.owner == SHARED else f"there already, of stack {found.owner}"


def _rivals(args: ClusterGuardArgs, stack: str, objects: ExistingObjects) -> list[Existing]:
    """Signs of an installation of the other scope. None of its objects is in the stack's way, but its controller is."""
    if args.scope == "namespace":
        roles = [each for each in _objects(args, namespace_scope=False) if each["kind"] == "ClusterRole"]
        found = [role for each in roles if (role := objects.find(each, needed=False))]
    else:
        (webhook,) = [each for each in _objects(args, namespace_scope=False) if each["kind"] == WEBHOOK]
        found = [each for each in objects.all(webhook) if each.name.endswith(f".{webhook['metadata']['name']}")]
    return [each for each in found if each.owner != stack]


def _lost_namespaces(args: ClusterGuardArgs, stack: str, objects: ExistingObjects) -> list[Existing]:
    """The controller's, where the stack made it and is now told that somebody else did."""
    if args.controller_namespace in args.namespace_names:
        return []
    found = objects.find(_namespace(args.controller_namespace), needed=False)
    return [found] if found and found.owner == stack else []


def _missing_namespaces(args: ClusterGuardArgs, objects: ExistingObjects) -> Iterator[str]:
    """Namespaces of somebody else that are not there: the patch that labels one would make it."""
    for name in args.existing_namespaces:
        refused = len(objects.refused)
        found = objects.find(_namespace(name))
        if found is None and len(objects.refused) == refused:
            create = args.cluster.kubectl("create", "namespace", name)
            yield (
                f"namespace/{name}: does not exist; with modelmesh:namespacesExist: true its owner makes it first "
                f"({create}), or set modelmesh:namespacesExist: false for the stack to make and delete it"
            )


def _namespace(name: str) -> Document:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _lost_definitions(args: ClusterGuardArgs, stack: str, objects: ExistingObjects) -> dict[Existing, str]:
    """Those that the stack has made for itself: it would delete them when it makes none any more."""
    claims = _objects(args, namespace_scope=args.scope == "namespace", definitions=True)
    there = [objects.find(claim, needed=False) for claim in claims if claim["kind"] == DEFINITION]
    lost = {found: _DELETED for found in there if found and found.owner == stack}
    return lost | {found: _PERHAPS_DELETED for found in there if found and found.owner is None and found.awaited}


def _unserved(args: ClusterGuardArgs, objects: ExistingObjects) -> Iterator[str]:
    """Somebody else's definitions have to be there, in upstream's versions."""
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
            yield (
                f"{_KEY}: existing, but the cluster serves no {', '.join(missing)} of {version}; expected kept, or them"
                f" from whoever brought the others (upstream's are in config/crd/bases of {MODULE} {VERSION})"
            )


def _own_after_all(args: ClusterGuardArgs, stack: str, foreign: Sequence[Existing]) -> Iterator[str]:
    """A stack that was renamed or moved, or is older than marks, does not know its own objects."""
    lost = [
        reference(found)
        for found in foreign
        if not found.going and found.owner != SHARED and _usable(found.kind, args, stack) == {stack}
    ]
    if lost:
        mark = args.cluster.kubectl("annotate", "--overwrite", *lost, f"{MARK}={stack}")
        yield (
            "only what this very stack made, by a former name or before there were marks, and would delete if it were "
            f"told otherwise, is its own by: {mark}"
        )


def _grouped(told: dict[Existing, str]) -> Iterator[str]:
    """Objects of which the same is told on one line."""
    for text in dict.fromkeys(told.values()):
        yield f"{', '.join(reference(found) for found in told if told[found] == text)}: {text}"
