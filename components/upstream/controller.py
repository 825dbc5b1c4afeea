"""What is changed in the controller's Deployment, one function per reason."""

from collections.abc import Callable
from typing import Any

from .documents import Document
from .install_values import LABELS, InstallValues

WEBHOOK_PORT = 9443

_CERTIFICATE_FOLDER = "/tmp/k8s-webhook-server/serving-certs"  # noqa: S108  where the controller looks for it
_CONTROLLER_USER = 2000  # the image's own


def _pod_labelled(document: Document, _: InstallValues) -> None:
    """Network policies select pods, not Deployments."""
    labels = document["spec"]["template"]["metadata"]["labels"]
    labels.update(LABELS)


def _sized(document: Document, values: InstallValues) -> None:
    """Of several controllers one works and the others admit runtimes and wait to take over."""
    document["spec"]["replicas"] = values.replicas
    _manager(document)["resources"] = dict(values.resources)


def _image(document: Document, values: InstallValues) -> None:
    """Upstream leaves the image to kustomize."""
    _manager(document)["image"] = values.controller_image
    if values.pull_secrets:
        document["spec"]["template"]["spec"]["imagePullSecrets"] = [{"name": name} for name in values.pull_secrets]


def _environment(document: Document, values: InstallValues) -> None:
    """Names the etcd Secret, which also makes the Deployment wait for it, and says the scope aloud."""
    environment = [entry for entry in _manager(document)["env"] if entry["name"] != "ETCD_SECRET_NAME"]
    environment += [
        {"name": "ETCD_SECRET_NAME", "value": values.etcd_secret},
        {"name": "NAMESPACE_SCOPE", "value": "true" if values.namespace_scope else "false"},
    ]
    if values.dev_mode_logging:  # any value would turn it on
        environment.append({"name": "DEV_MODE_LOGGING", "value": "true"})
    _manager(document)["env"] = environment


def _restarted(document: Document, values: InstallValues) -> None:
    """The controller reads this name when it starts, and never again."""
    metadata = document["spec"]["template"]["metadata"]
    metadata["annotations"] = {"modelmesh.pulumi.com/storage-secret": values.storage_secret}


def _certificate_mounted(document: Document, values: InstallValues) -> None:
    """The webhook server reads its certificate from the Secret of this installation."""
    manager = _manager(document)
    manager["ports"] = [{"name": "webhook", "containerPort": WEBHOOK_PORT, "protocol": "TCP"}]
    manager["volumeMounts"].append({"name": "certificate", "mountPath": _CERTIFICATE_FOLDER, "readOnly": True})
    volume = {"name": "certificate", "secret": {"secretName": values.certificate_secret, "defaultMode": 0o440}}
    document["spec"]["template"]["spec"]["volumes"].append(volume)


def _hardened(document: Document, _: InstallValues) -> None:
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


def _probed_soon(document: Document, _: InstallValues) -> None:
    """The controller is up within a second; upstream's first look after ten makes every first `up` wait for nothing."""
    _manager(document)["readinessProbe"].update(initialDelaySeconds=1, periodSeconds=2)


def _manager(deployment: Document) -> dict[str, Any]:
    containers: list[dict[str, Any]] = deployment["spec"]["template"]["spec"]["containers"]
    return next(container for container in containers if container["name"] == "manager")


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
