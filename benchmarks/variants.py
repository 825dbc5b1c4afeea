"""Variants of the server's settings, which show why the shipped ones were chosen."""

from functools import partial

from benchmarks.servers import RUNTIME, Program

RAW = "raw contents instead of typed"
"""Variant in which requests and responses have raw contents."""
_IN_A_THREAD = """\
from sentiment_model import SentimentModel


class InAThread(SentimentModel):
    INLINE_ITEMS = 0
"""

_ours = partial(Program, source=RUNTIME)
VARIANTS = {
    "as shipped": _ours(),
    RAW: _ours(),
    "one worker process (the default)": _ours(environment={"MLSERVER_PARALLEL_WORKERS": "1"}),
    "two worker processes": _ours(environment={"MLSERVER_PARALLEL_WORKERS": "2"}),
    "adaptive batching, up to 32 requests or 5 ms": _ours(
        model_settings={"max_batch_size": 32, "max_batch_time": 0.005}
    ),
    "every prediction in a thread": _ours(
        environment={"MLSERVER_MODEL_IMPLEMENTATION": "in_a_thread.InAThread"},
        modules={"in_a_thread.py": _IN_A_THREAD},
    ),
    "asyncio's event loop, not uvloop": _ours(modules={"uvloop.py": "raise ImportError('as if not there')\n"}),
    "debug mode (the default)": _ours(environment={"MLSERVER_DEBUG": "true"}),
}
"""Programs by their name in the report; each differs in one setting from the first."""
