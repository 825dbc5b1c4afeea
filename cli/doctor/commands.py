"""Command lines that findings advise, for the stack and the cluster of the report."""

import shlex
from dataclasses import dataclass

from components import Cluster


@dataclass(frozen=True, kw_only=True)
class Commands:
    """Commands for one stack."""

    stack: str
    cluster: Cluster

    def kubectl(self, *arguments: str) -> str:
        """Return a command of kubectl that reaches the stack's cluster whatever the current context is."""
        return self.cluster.kubectl(*arguments)

    def make(self, target: str) -> str:
        """Return a command of the Makefile for the stack."""
        return shlex.join(["make", target, f"STACK={self.stack}"])

    @property
    def file(self) -> str:
        """Name of the stack's file."""
        return f"Pulumi.{self.stack}.yaml"
