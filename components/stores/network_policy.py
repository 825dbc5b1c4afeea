"""NetworkPolicy of a store in the cluster, which allows connections from the pods that use it and from no others.

Network plugins that do not implement NetworkPolicies ignore it. Probes need no rule: kubelet runs on the pod's node,
and traffic from there is always allowed.
"""

from collections.abc import Iterator, Sequence

import pulumi
from pulumi_kubernetes.meta.v1 import LabelSelectorArgs, LabelSelectorRequirementArgs, ObjectMetaArgs
from pulumi_kubernetes.networking import v1

PUBLISHER_LABELS = {"app": "model-publisher"}
"""Labels of the pods that upload models."""

# The controller and the mesh have these labels by upstream's manifests: config/manager and config/internal/base.
CONTROLLER_PODS = LabelSelectorArgs(match_labels={"control-plane": "modelmesh-controller"})
MESH_PODS = LabelSelectorArgs(
    match_expressions=[LabelSelectorRequirementArgs(key="modelmesh-service", operator="Exists")]
)
PUBLISHER_PODS = LabelSelectorArgs(match_labels=PUBLISHER_LABELS)

_MODEL_NAMESPACES = LabelSelectorArgs(match_labels={"modelmesh-enabled": "true"})


def network_policy(
    name: str,
    *,
    app: str,
    namespace: pulumi.Input[str],
    port: int,
    clients: Sequence[LabelSelectorArgs],
    open_ports: Sequence[int] = (),
    child: pulumi.ResourceOptions,
) -> None:
    """Create the NetworkPolicy of the store whose pods have the label `app`.

    Args:
        name: Name of the Pulumi resource.
        app: Value of the label, and name of the NetworkPolicy.
        namespace: Namespace of the store.
        port: Port for clients.
        clients: Pods that may connect to it: those in the store's namespace, and all but the controller also in the
            namespaces that it serves models in.
        open_ports: Ports that all pods may connect to.
        child: Options of the resource.
    """
    rules = [v1.NetworkPolicyIngressRuleArgs(from_=list(_peers(clients)), ports=[_tcp(port)])]
    if open_ports:
        rules.append(v1.NetworkPolicyIngressRuleArgs(ports=[_tcp(each) for each in open_ports]))
    v1.NetworkPolicy(
        name,
        metadata=ObjectMetaArgs(name=app, namespace=namespace, labels={"app": app}),
        spec=v1.NetworkPolicySpecArgs(
            pod_selector=LabelSelectorArgs(match_labels={"app": app}),
            policy_types=["Ingress"],
            ingress=rules,
        ),
        opts=child,
    )


def _peers(clients: Sequence[LabelSelectorArgs]) -> Iterator[v1.NetworkPolicyPeerArgs]:
    for pods in clients:
        yield v1.NetworkPolicyPeerArgs(pod_selector=pods)
        if pods is not CONTROLLER_PODS:
            yield v1.NetworkPolicyPeerArgs(namespace_selector=_MODEL_NAMESPACES, pod_selector=pods)


def _tcp(port: int) -> v1.NetworkPolicyPortArgs:
    return v1.NetworkPolicyPortArgs(port=port, protocol="TCP")
