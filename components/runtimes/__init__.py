"""Values that describe a serving runtime, and runtimes of the whole cluster."""

from .memory_plan import MemoryPlan
from .mlserver_runtime import SecretKey
from .rollout import NotRolledOutError
from .serving_runtime import ClusterServingRuntime, ClusterServingRuntimeArgs
from .serving_runtime_spec import Autoscaling, BuiltInAdapter

__all__ = [
    "Autoscaling",
    "BuiltInAdapter",
    "ClusterServingRuntime",
    "ClusterServingRuntimeArgs",
    "MemoryPlan",
    "NotRolledOutError",
    "SecretKey",
]
