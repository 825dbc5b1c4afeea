"""Changes to the controller's Deployment, one function per reason."""

from collections.abc import Callable
from typing import Any

from .documents import Document
from .install_values import LABELS, InstallValues

WEBHOOK_PORT = 9443

_CERTIFICATE_FOLDER = "/tmp/k8s-webhook-server/serving-certs"  # noqa: S108  where the controller looks for it
_CONTROLLER_USER = 2000  # The image's user.


def _pod_labelled(document: Document, _: InstallValues) -> None:
    """Label the pods too, since network policies select them."""
    labels = document["spec"]["template"]["metadata"]["labels"]
    labels.update(LABELS)


def _sized(document: Document, values: InstallValues) -> None:
    """Set replicas, of which one is the leader and all admit runtimes, and their resources."""
    document["spec"]["replicas"] = values.replicas
    _manager(document)["resources"] = dict(values.resources)


def _image(document: Document, values: InstallValues) -> None:
    """Set the image, which upstream leaves to kustomize."""
    _manager(document)["image"] = values.controller_image
    if values.pull_secrets:
        document["spec"]["template"]["spec"]["imagePullSecrets"] = [{"name": name} for name in values.pull_secrets]


def _environment(document: Document, values: InstallValues) -> None:
    """Set the scope and the etcd Secret; the Deployment then depends on the Secret."""
    environment = [entry for entry in _manager(document)["env"] if entry["name"] != "ETCD_SECRET_NAME"]
    environment += [
        {"name": "ETCD_SECRET_NAME", "value": values.etcd_secret},
        {"name": "NAMESPACE_SCOPE", "value": "true" if values.namespace_scope else "false"},
    ]
    if values.dev_mode_logging:  # Any value enables it.
        environment.append({"name": "DEV_MODE_LOGGING", "value": "true"})
    _manager(document)["env"] = environment


def _restarted(document: Document, values: InstallValues) -> None:
    """Restart the controller for another storage Secret, whose name it reads only when it starts."""
    metadata = document["spec"]["template"]["metadata"]
    metadata["annotations"] = {"modelmesh.pulumi.com/storage-secret": values.storage_secret}


def _certificate_mounted(document: Document, values: InstallValues) -> None:
    """Mount the certificate of the webhook server from this installation's Secret."""
    manager = _manager(document)
    manager["ports"] = [{"name": "webhook", "containerPort": WEBHOOK_PORT, "protocol": "TCP"}]
    manager["volumeMounts"].append({"name": "certificate", "mountPath": _CERTIFICATE_FOLDER, "readOnly": True})
    volume = {"name": "certificate", "secret": {"secretName": values.certificate_secret, "defaultMode": 0o440}}
    document["spec"]["template"]["spec"]["volumes"].append(volume)


def _hardened(document: Document, _: InstallValues) -> None:
    """Run without root and with a read-only file system; upstream only drops capabilities."""
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


def _probed_soon(document: Document, _: InstallValues) -> None:
    """Probe after one second, since the controller is ready by then; upstream waits ten."""
    _manager(document)["readinessProbe"].update(initialDelaySeconds=1, periodSeconds=2)


def _manager(deployment: Document) -> dict[str, Any]:
    manager: dict[str, Any]
    (manager,) = deployment["spec"]["template"]["spec"]["containers"]
    return manager


CONTROLLER_CHANGES: tuple[Callable[[Document, InstallValues], None], ...] = (
    _pod_labelled,
    _sized,
    _image,
    _environment,
    _restarted,
    _certificate_mounted,
    _hardened,
    _probed_soon,
)
