"""What is changed in upstream's documents, one function per reason. Each changes the copy it is given, in place."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pulumi

from .documents import Document

LABELS = {f"app.kubernetes.io/{key}": "modelmesh-controller" for key in ("instance", "managed-by", "name")}
"""On every object of the installation: upstream's network policies select pods by them."""

WEBHOOK_PORT = 9443
WEBHOOK_SERVICE = "modelmesh-webhook-server-service"
CONFIG_DEFAULTS = "model-serving-config-defaults"

_CLUSTER_SCOPED = {"CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding", "ValidatingWebhookConfiguration"}
_CERTIFICATE_FOLDER = "/tmp/k8s-webhook-server/serving-certs"  # noqa: S108  where the controller looks for it
_CONTROLLER_USER = 2000  # the image's own


@dataclass(frozen=True, kw_only=True)
class Site:
    """What an installation adds to upstream's documents; any value may be an Output."""

    namespace: pulumi.Input[str]
    controller_image: pulumi.Input[str]
    etcd_secret: pulumi.Input[str]
    certificate_secret: pulumi.Input[str]
    ca_bundle: pulumi.Input[str]
    """Base64 of the PEM certificate that the API server is to trust."""


def patched(document: Document, site: Site) -> Document:
    """A changed copy of the document: those reasons that concern its kind, applied in order."""
    document = copy.deepcopy(document)
    for change in (_labelled, _placed, *_BY_KIND.get(document["kind"], ())):
        change(document, site)
    return document


def _labelled(document: Document, _: Site) -> None:
    """Network policies find the controller by labels that upstream adds with a kustomize transformer."""
    metadata = document["metadata"]
    metadata["labels"] = {**metadata.get("labels", {}), **LABELS}


def _placed(document: Document, site: Site) -> None:
    """Upstream leaves the namespace to kustomize."""
    if document["kind"] not in _CLUSTER_SCOPED:
        document["metadata"]["namespace"] = site.namespace


def _established(document: Document, _: Site) -> None:
    """Custom resources are refused until the API server has established their definition."""
    annotations = document["metadata"].setdefault("annotations", {})
    annotations["pulumi.com/waitFor"] = "condition=Established"


def _without_status(document: Document, _: Site) -> None:
    """Some definitions carry the blank status that their generator left; it is the API server's to write."""
    document.pop("status", None)


def _subjects_placed(document: Document, site: Site) -> None:
    """A binding names its service account's namespace itself."""
    for subject in document["subjects"]:
        subject["namespace"] = site.namespace


def _trusted(document: Document, site: Site) -> None:
    """The API server needs our service's namespace and the CA of our certificate; upstream ships a blank one."""
    for webhook in document["webhooks"]:
        webhook["clientConfig"]["caBundle"] = site.ca_bundle
        webhook["clientConfig"]["service"]["namespace"] = site.namespace


def _not_awaited(document: Document, _: Site) -> None:
    """Pulumi would wait for the Service's endpoint, which is the controller, which comes after everything else."""
    document["metadata"]["annotations"] = {"pulumi.com/skipAwait": "true"}


def _pod_labelled(document: Document, _: Site) -> None:
    """Network policies select pods, not Deployments."""
    labels = document["spec"]["template"]["metadata"]["labels"]
    labels.update(LABELS)


def _controller_image(document: Document, site: Site) -> None:
    """Upstream leaves the image to kustomize."""
    _manager(document)["image"] = site.controller_image


def _controller_environment(document: Document, site: Site) -> None:
    """Names the etcd Secret, which also makes the Deployment wait for it, and says cluster scope aloud."""
    environment = [entry for entry in _manager(document)["env"] if entry["name"] != "ETCD_SECRET_NAME"]
    environment += [
        {"name": "ETCD_SECRET_NAME", "value": site.etcd_secret},
        {"name": "NAMESPACE_SCOPE", "value": "false"},
    ]
    _manager(document)["env"] = environment


def _certificate_mounted(document: Document, site: Site) -> None:
    """The webhook server reads its certificate from a Secret of ours instead of cert-manager's."""
    manager = _manager(document)
    manager["ports"] = [{"name": "webhook", "containerPort": WEBHOOK_PORT, "protocol": "TCP"}]
    manager["volumeMounts"].append({"name": "certificate", "mountPath": _CERTIFICATE_FOLDER, "readOnly": True})
    volume = {"name": "certificate", "secret": {"secretName": site.certificate_secret, "defaultMode": 0o440}}
    document["spec"]["template"]["spec"]["volumes"].append(volume)


def _hardened(document: Document, _: Site) -> None:
    """Upstream drops capabilities only; the controller needs neither root nor a writable file system."""
    pod = document["spec"]["template"]["spec"]
    pod["securityContext"] = {
        "runAsNonRoot": True,
        "runAsUser": _CONTROLLER_USER,
        "runAsGroup": _CONTROLLER_USER,
        "fsGroup": _CONTROLLER_USER,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    _manager(document)["securityContext"] = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def _probed_soon(document: Document, _: Site) -> None:
    """The controller is up within a second; upstream's first look after ten makes every first `up` wait for nothing."""
    _manager(document)["readinessProbe"].update(initialDelaySeconds=1, periodSeconds=2)


def _manager(deployment: Document) -> dict[str, Any]:
    containers: list[dict[str, Any]] = deployment["spec"]["template"]["spec"]["containers"]
    return next(container for container in containers if container["name"] == "manager")


_BY_KIND: dict[str, tuple[Callable[[Document, Site], None], ...]] = {
    "CustomResourceDefinition": (_established, _without_status),
    "ClusterRoleBinding": (_subjects_placed,),
    "RoleBinding": (_subjects_placed,),
    "ValidatingWebhookConfiguration": (_trusted,),
    "Service": (_not_awaited,),
    "Deployment": (
        _pod_labelled,
        _controller_image,
        _controller_environment,
        _certificate_mounted,
        _hardened,
        _probed_soon,
    ),
}
