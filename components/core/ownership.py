"""Whose an object of the whole cluster is: the mark that a stack puts on those that it makes.

What is in a namespace goes with it. What no namespace holds has one name in the whole cluster, and Kubernetes' way of
applying things hands it from one stack to the next without a word; the mark is what a `ClusterGuard` can tell it by.
"""

from typing import Literal

import pulumi

MARK = "modelmesh.pulumi.com/stack"
"""The annotation. Its value is a stack's full name, or `SHARED`."""
SHARED = "shared"
"""Any stack of this program may apply it, and none deletes it."""

Definitions = Literal["own", "kept", "existing"]
"""Where the definitions of custom resources come from: made by the stack, and deleted with it and all that they define;
made where they are missing, shared with other stacks, and left behind; or somebody else's, a KServe's say."""


def this_stack() -> str:
    """The full name of the stack that is running: organization, project and stack."""
    return f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
