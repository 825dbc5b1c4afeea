"""The fixtures by which the stacks' own program is run, from its tests."""

from tests.unit.stack.conftest import config, workplace

__all__ = ["config", "workplace"]
