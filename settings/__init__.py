"""Configuration of the stack: `load` reads and checks it once, and returns the arguments of all components.

Nothing else reads configuration. `Pulumi.yaml` alone defines the keys, with type and default; `schema` checks types,
`conflicts` checks keys against each other, `component_checks` has the components check their arguments, which
`settings` makes of the values, and `keys` maps their problems to configuration keys.
"""

from .component_checks import cluster_guard
from .loading import ConfigurationError, load
from .settings import Settings

__all__ = ["ConfigurationError", "Settings", "cluster_guard", "load"]
