"""The Kubernetes node as a whole: the order in which its parts start, and whether it is Ready."""

import time

from embedded import identities, volumes
from embedded.errors import EmbeddedError
from embedded.identities import Identities
from embedded.instance import Instance
from embedded.parts import Parts
from embedded.processes import Processes
from project.progress import step

# Parts in the order of starting.
NAMES = (
    "etcd", "kube-apiserver", "containerd", "kubelet",
    "kube-controller-manager", "kube-scheduler", "kube-proxy", "coredns", volumes.PROVISIONER,
)  # fmt: skip
_READY_SECONDS = 60


def up(parts: Parts, processes: Processes) -> None:
    """Start every part that is not running with its current configuration, and wait until the node is Ready."""
    api = parts.ids.api(parts.instance)
    early = parts.containerd()
    containerd = processes.start(early)
    with step("etcd and the Kubernetes API server"):
        for process in (parts.etcd(), parts.api_server()):
            processes.run(process)
        volumes.declare(api)
        identities.grant(api)
    with step("Kubernetes node"):
        processes.wait(early, containerd)
        rest = [
            parts.kubelet(), parts.controller_manager(), parts.scheduler(), parts.kube_proxy(), parts.coredns()
        ]  # fmt: skip
        for process, record in [(process, processes.start(process)) for process in rest]:
            processes.wait(process, record)
        _wait_until_ready(parts, processes)


def readiness(instance: Instance, ids: Identities, processes: Processes) -> tuple[bool, str]:
    """Whether the node is Ready according to the running kubelet, and the reason if it is not."""
    kubelet = processes.running("kubelet")
    if kubelet is None:
        return False, "the kubelet is not running"
    try:
        ready, beat, reason = ids.api(instance).node_condition(instance.full_name)
    except OSError as error:
        return False, f"the API server at {instance.api_server} does not answer ({error})"
    # Reports of an earlier kubelet stay readable, so only newer ones count. Their times are in whole seconds.
    if beat < int(kubelet.since):
        return False, reason or "no report of the running kubelet yet"
    return ready, reason


def _wait_until_ready(parts: Parts, processes: Processes) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        ready, reason = readiness(parts.instance, parts.ids, processes)
        if ready and parts.ids.api(parts.instance).takes_pods():
            return
        if time.monotonic() > deadline:
            raise EmbeddedError(
                f"the node did not become Ready within {_READY_SECONDS} s: {reason or 'no service account yet'}; "
                f"the logs of its parts are in {parts.instance.logs}"
            )
        time.sleep(0.1)
