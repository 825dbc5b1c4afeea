"""Rule: Services are only reachable inside the cluster unless listed, since ModelMesh does not authenticate clients."""

from collections.abc import Iterator

from .policy import Policy, Setting, Settings
from .reading import at
from .resource import Resource


def _within(resource: Resource, settings: Settings) -> Iterator[str]:
    if resource.kind != "Service" or resource.name in settings["exposed"]:
        return
    kind, addresses = at(resource.properties, "spec", "type"), at(resource.properties, "spec", "externalIPs")
    unless = f"unless this policy's setting `exposed` names {resource.name!r}"
    if isinstance(kind, str) and kind != "ClusterIP":
        yield f"spec.type: {kind!r}, expected 'ClusterIP' {unless}"
    if isinstance(addresses, list) and addresses:
        yield f"spec.externalIPs: given, expected none {unless}"


CLUSTER_IP_SERVICES = Policy(
    name="cluster-ip-services",
    description="A Service is only reachable inside the cluster, unless it is listed.",
    rule=_within,
    settings={"exposed": Setting(description="Names of Services that may be reachable from outside the cluster")},
)
