"""Ownership of cluster-wide objects: the annotation that a stack sets on those that it creates.

Namespaced objects belong to their namespace's stack. A cluster-wide object has one name in the whole cluster, and
server-side apply passes it from one stack to another without a warning. `ClusterGuard` detects that by the annotation.
"""

from typing import Literal

import pulumi

MARK = "modelmesh.pulumi.com/stack"
"""Annotation whose value is a stack's full name, or `SHARED`."""
SHARED = "shared"
"""Value for objects that any stack of this program may apply, and that none deletes."""

Definitions = Literal["own", "kept", "existing"]
"""Origin of the CRDs.

`own`: created by the stack, and deleted with it and all their objects. `kept`: created if missing, shared with other
stacks, and kept on destroy. `existing`: managed elsewhere, for example by KServe.
"""


def this_stack() -> str:
    """Full name of the running stack: organization, project and stack."""
    return f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
