"""The rules of the policy pack, one idea a file: pure functions from a resource to what is wrong with it.

Nothing here knows the framework, so that the rules can be tried without it. Each violation is "path: value, what is
expected"; no value that may be a credential is quoted.
"""

from .credentials import NO_PLAIN_CREDENTIALS
from .images import IMAGES_BY_DIGEST, IMAGES_PINNED, OWN_IMAGES_BY_DIGEST
from .policy import Policy
from .privileges import NO_PRIVILEGES
from .production import PRODUCTION
from .restrictions import RESTRICTED_CONTAINERS
from .services import CLUSTER_IP_SERVICES
from .sizes import SIZED_CONTAINERS

POLICIES: tuple[Policy, ...] = (
    IMAGES_PINNED,
    OWN_IMAGES_BY_DIGEST,
    IMAGES_BY_DIGEST,
    NO_PRIVILEGES,
    RESTRICTED_CONTAINERS,
    SIZED_CONTAINERS,
    NO_PLAIN_CREDENTIALS,
    CLUSTER_IP_SERVICES,
    PRODUCTION,
)
