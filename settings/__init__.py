"""The stack's configuration: `load` reads it once, checks all of it, and gives one frozen record.

Nothing else reads configuration. `Pulumi.yaml` alone says which keys there are, of what type, with which default;
`schema` checks that, `records` what stands inside objects and lists, `conflicts` what two keys cannot say together, and
`rules` asks the components about the rest.
"""

from .loading import BadConfiguration, load
from .settings import Settings

__all__ = ["BadConfiguration", "Settings", "load"]
