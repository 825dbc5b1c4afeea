"""Rules of the policy pack: pure functions from resources to violations, with no dependency on the framework.

Each violation has the form "path: value, expected ..."; values that may be credentials are not quoted.
"""

from .bounds import BOUNDED_BILL
from .credentials import NO_PLAIN_CREDENTIALS
from .images import IMAGES_BY_DIGEST, IMAGES_PINNED, OWN_IMAGES_BY_DIGEST
from .policy import Policy, StackPolicy
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
STACK_POLICIES: tuple[StackPolicy, ...] = (BOUNDED_BILL,)
