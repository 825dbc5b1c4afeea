"""Variants of the server's settings, which show why the shipped ones were chosen."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from benchmarks.servers import Program

SHIPPED = "as shipped"


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One difference from the shipped settings."""

    name: str
    """Name in the report."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Changed environment variables."""
    modules: Mapping[str, str] = field(default_factory=dict)
    """Python files that precede those of the runtime and its environment on the search path."""
    model_settings: Mapping[str, Any] = field(default_factory=dict)
    """Additional settings of the model."""
    raw: bool = False
    """Whether requests and responses have raw contents."""

    def of(self, shipped: Program) -> Program:
        """Program of the server with this difference."""
        environment = {**shipped.environment, **self.environment}
        return replace(shipped, environment=environment, modules=self.modules, model_settings=self.model_settings)


_IN_A_THREAD = """\
from sentiment_model import SentimentModel


class InAThread(SentimentModel):
    INLINE_ITEMS = 0
"""

VARIANTS = (
    Variant(name=SHIPPED),
    Variant(name="raw contents instead of typed", raw=True),
    Variant(name="one worker process (the default)", environment={"MLSERVER_PARALLEL_WORKERS": "1"}),
    Variant(name="two worker processes", environment={"MLSERVER_PARALLEL_WORKERS": "2"}),
    Variant(
        name="adaptive batching, up to 32 requests or 5 ms",
        model_settings={"max_batch_size": 32, "max_batch_time": 0.005},
    ),
    Variant(
        name="every prediction in a thread",
        environment={"MLSERVER_MODEL_IMPLEMENTATION": "in_a_thread.InAThread"},
        modules={"in_a_thread.py": _IN_A_THREAD},
    ),
    Variant(name="asyncio's event loop, not uvloop", modules={"uvloop.py": "raise ImportError('as if not there')\n"}),
    Variant(name="debug mode (the default)", environment={"MLSERVER_DEBUG": "true"}),
)
