"""Volumes for PersistentVolumeClaims: the default StorageClass and the configuration of local-path-provisioner.

A volume is a folder in the instance's data, created and removed by a short-lived pod of the provisioner. It outlives
pods and `down`, and is deleted with its claim or by `reset`.
"""

import json
from pathlib import Path

from embedded.api import Api
from embedded.instance import Instance

PROVISIONER = "local-path-provisioner"
STORAGE_CLASS = "local-path"
DRIVER = "rancher.io/local-path"
NAMESPACE = "local-path-storage"

# Scripts of the helper pods, by name. Folders are writable by every user, since pods run as arbitrary users; the claim
# decides which pods can reach the folder.
SCRIPTS = {
    "setup": '#!/bin/sh -e\nmkdir -m 0777 -p "$VOL_DIR"\n',
    "teardown": '#!/bin/sh -e\nrm -rf "$VOL_DIR"\n',
}
_SCRIPTS_IN_POD = "/scripts"


def configuration(instance: Instance) -> str:
    """JSON configuration of the provisioner: the folder of volumes, and the scripts that create and remove one."""
    return json.dumps(
        {
            "nodePathMap": [{"node": instance.full_name, "paths": [str(instance.data / "volumes")]}],
            "setupCommand": f"{_SCRIPTS_IN_POD}/setup",
            "teardownCommand": f"{_SCRIPTS_IN_POD}/teardown",
        },
        indent=2,
    )


def helper_pod(image: str, scripts: Path) -> dict[str, object]:
    """Pod that runs one of `scripts` in `image`; the provisioner adds the volumes' folder and the command."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "volume"},
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            # These pods must run even when the disk is full, since they free space.
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
                        # Needed to remove files of any owner.
                        "capabilities": {"drop": ["ALL"], "add": ["DAC_OVERRIDE", "FOWNER"]},
                    },
                    "volumeMounts": [
                        {"name": "data", "mountPath": "/volumes"},
                        {"name": "scripts", "mountPath": _SCRIPTS_IN_POD, "readOnly": True},
                    ],
                }
            ],
            # Not a ConfigMap, since the kubelet may take seconds to mount one.
            "volumes": [{"name": "scripts", "hostPath": {"path": str(scripts), "type": "Directory"}}],
        },
    }


def declare(api: Api) -> None:
    """Create the StorageClass and the namespace of the helper pods."""
    api.put_once("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    api.put_once("/apis/storage.k8s.io/v1/storageclasses", storage_class())


def storage_class() -> dict[str, object]:
    """The default StorageClass."""
    return {
        "metadata": {
            "name": STORAGE_CLASS,
            "annotations": {
                "storageclass.kubernetes.io/is-default-class": "true",
                # Unlike hostPath: the kubelet applies a pod's fsGroup and does not recreate a lost folder.
                "defaultVolumeType": "local",
            },
        },
        "provisioner": DRIVER,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "WaitForFirstConsumer",
    }
