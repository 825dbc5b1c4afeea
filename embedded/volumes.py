"""Volumes for PersistentVolumeClaims: the default StorageClass, and how local-path-provisioner makes its volumes.

A volume is a folder in the instance's data, made and removed by a short-lived pod of the provisioner's; so it outlives
pods and `down`, and goes with its claim or with `reset`.
"""

import json
from pathlib import Path

from embedded.api import Api
from embedded.instance import Instance

PROVISIONER = "local-path-provisioner"
STORAGE_CLASS = "local-path"
DRIVER = "rancher.io/local-path"
NAMESPACE = "local-path-storage"

# What helper pods run, by name. Consumers run as whom they like, so everybody may write; who gets at the folder at all
# is decided by the claim.
SCRIPTS = {
    "setup": '#!/bin/sh -e\nmkdir -m 0777 -p "$VOL_DIR"\n',
    "teardown": '#!/bin/sh -e\nrm -rf "$VOL_DIR"\n',
}
_SCRIPTS_IN_POD = "/scripts"


def configuration(instance: Instance) -> str:
    """The provisioner's JSON: where volumes are, and what makes and removes one."""
    return json.dumps(
        {
            "nodePathMap": [{"node": instance.full_name, "paths": [str(instance.volumes)]}],
            "setupCommand": f"{_SCRIPTS_IN_POD}/setup",
            "teardownCommand": f"{_SCRIPTS_IN_POD}/teardown",
        },
        indent=2,
    )


def helper_pod(image: str, scripts: Path) -> dict[str, object]:
    """The pod that runs one of `scripts` in `image`; the provisioner adds the volumes' folder and the command."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "volume"},
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            # Of all pods these have to run when the disk is full: they make room.
            "priorityClassName": "system-node-critical",
            "containers": [
                {
                    "name": "volume",
                    "image": image,
                    "securityContext": {
                        "runAsUser": 0,
                        "readOnlyRootFilesystem": True,
                        "allowPrivilegeEscalation": False,
                        "seccompProfile": {"type": "RuntimeDefault"},
                        # To remove what pods have written, whoever they ran as.
                        "capabilities": {"drop": ["ALL"], "add": ["DAC_OVERRIDE", "FOWNER"]},
                    },
                    "volumeMounts": [
                        {"name": "data", "mountPath": "/volumes"},
                        {"name": "scripts", "mountPath": _SCRIPTS_IN_POD, "readOnly": True},
                    ],
                }
            ],
            # Not in a ConfigMap, for which kubelet may wait seconds.
            "volumes": [{"name": "scripts", "hostPath": {"path": str(scripts), "type": "Directory"}}],
        },
    }


def declare(api: Api) -> None:
    """Put the StorageClass in the cluster, and the namespace of helper pods."""
    api.put_once("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    api.put_once("/apis/storage.k8s.io/v1/storageclasses", storage_class())


def storage_class() -> dict[str, object]:
    """The class that a claim gets if it names none."""
    return {
        "metadata": {
            "name": STORAGE_CLASS,
            "annotations": {
                "storageclass.kubernetes.io/is-default-class": "true",
                # Unlike with a hostPath, kubelet applies a pod's fsGroup, and does not make a lost folder anew, empty.
                "defaultVolumeType": "local",
            },
        },
        "provisioner": DRIVER,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "WaitForFirstConsumer",
    }
