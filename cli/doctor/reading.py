"""Reading of an observation: a few dozen GET requests, however many models there are."""

import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from kubernetes.utils.quantity import parse_quantity

from cli.doctor.api import Api, DeniedError, Identity, Object
from cli.doctor.observation import Container, Observation, identity, selected
from cli.doctor.state import Applied
from cli.doctor.troubles import Trouble, troubles
from cli.errors import CommandError

K = TypeVar("K")
T = TypeVar("T")

_WORKERS = 8
_LOG_LINES = 8
_MOST_LOGS = 12
"""Number of logs that are read: when many containers are not well, most of them have one reason."""
_WORKLOADS = ("Deployment", "StatefulSet", "Job")
_CLUSTER_RUNTIME = "ClusterServingRuntime"
_LISTED: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "InferenceService": ("serving.kserve.io/v1beta1", {}),
    "ServingRuntime": ("serving.kserve.io/v1alpha1", {}),
    _CLUSTER_RUNTIME: ("serving.kserve.io/v1alpha1", {}),
    "Deployment": ("apps/v1", {"labelSelector": "app.kubernetes.io/managed-by=modelmesh-controller"}),
    "Pod": ("v1", {}),
    "Event": ("v1", {"fieldSelector": "type=Warning", "limit": "1000"}),
}


def observe(api: Api, applied: Sequence[Applied], now: datetime.datetime) -> Observation:
    """Read everything that a report needs, in three rounds of requests.

    Raises:
        CommandError: The account may not even read pods, or the API server does not answer.
    """
    denied = set[str]()

    def together(requests: Mapping[K, Callable[[], T]]) -> dict[K, T]:
        """Return the answers to requests that do not depend on each other, without those that are denied."""
        answers = {}
        with ThreadPoolExecutor(_WORKERS) as pool:
            for key, pending in {key: pool.submit(request) for key, request in requests.items()}.items():
                try:
                    answers[key] = pending.result()
                except DeniedError as problem:
                    denied.add(str(problem))
        return answers

    namespaces = sorted({each.identity.namespace for each in applied} - {""})
    lists = together({
        (kind, namespace): partial(api.listed, version, kind, namespace, **query)
        for kind, (version, query) in _LISTED.items()
        for namespace in ([""] if kind == _CLUSTER_RUNTIME else namespaces)
    })  # fmt: skip
    if not any(kind == "Pod" for kind, _ in lists):
        raise CommandError(
            f"the account of the kubeconfig may not list pods in {' or '.join(namespaces)}: "
            "use one with the ClusterRole view"
        )
    listed = {kind: [each for key, found in lists.items() if key[0] == kind for each in found] for kind in _LISTED}
    runtimes = [*listed["ServingRuntime"], *listed[_CLUSTER_RUNTIME]]
    known = {identity(each): each for each in (*listed["InferenceService"], *runtimes)}
    live = {each.identity: known[each.identity] for each in applied if each.identity in known} | together({
        each.identity: partial(api.read, each.api_version, each.identity)
        for each in applied
        if each.identity not in known
    })  # fmt: skip
    workloads = [*(each for each in live.values() if each and each["kind"] in _WORKLOADS), *listed["Deployment"]]
    pods = [pod for pod in listed["Pod"] if any(selected([pod], workload) for workload in workloads)]
    logs = together(
        {
            each.container: partial(api.log, *each.container, previous=each.previous, lines=_LOG_LINES)
            for each in _logged(pods, now)
        }
    )
    secrets = together({each: partial(api.read, "v1", each) for each in _secrets(pods) if each not in live})
    return Observation(
        applied=applied,
        live=live,
        services=listed["InferenceService"],
        runtimes=[each for each in runtimes if each["spec"].get("multiModel") and not each["spec"].get("disabled")],
        deployments=listed["Deployment"],
        pods=pods,
        events=listed["Event"],
        logs=logs,
        memory=_memory(api, together, pods),
        secrets={key: each for key, each in {**live, **secrets}.items() if each and key.kind == "Secret"},
        denied=sorted(denied),
        now=now,
    )


def _logged(pods: Iterable[Object], now: datetime.datetime) -> list[Trouble]:
    return [each for pod in pods for each in troubles(pod, now) if each.logged][:_MOST_LOGS]


def _secrets(pods: Iterable[Object]) -> set[Identity]:
    """Return the Secrets that pods mount."""
    return {
        Identity("Secret", pod["metadata"]["namespace"], volume["secret"]["secretName"])
        for pod in pods
        for volume in pod["spec"].get("volumes", [])
        if "secret" in volume
    }


def _memory(
    api: Api,
    together: Callable[[Mapping[str, Callable[[], Object | None]]], dict[str, Object | None]],
    pods: Sequence[Object],
) -> dict[Container, int]:
    """Return the memory in use: from the metrics API or, where there is none, from the kubelets."""
    namespaces = {pod["metadata"]["namespace"] for pod in pods}
    metrics = {
        each: partial(_optional, api, f"/apis/metrics.k8s.io/v1beta1/namespaces/{each}/pods") for each in namespaces
    }
    if found := dict(_metrics(together(metrics).values())):
        return found
    nodes = {pod["spec"].get("nodeName") for pod in pods} - {None}
    summaries = {each: partial(_optional, api, f"/api/v1/nodes/{each}/proxy/stats/summary") for each in nodes}
    return dict(_summaries(together(summaries).values()))


def _optional(api: Api, path: str) -> Object | None:
    """Return the answer, or None if there is none: a node or an extension API server can be down by itself."""
    try:
        found: Object | None = api.get(path)
    except CommandError:
        return None
    return found


def _metrics(answers: Iterable[Object | None]) -> Iterator[tuple[Container, int]]:
    for pod in (pod for answer in answers for pod in (answer or {}).get("items", [])):
        for each in pod["containers"]:
            container = Container(pod["metadata"]["namespace"], pod["metadata"]["name"], each["name"])
            yield container, int(parse_quantity(each["usage"]["memory"]))


def _summaries(answers: Iterable[Object | None]) -> Iterator[tuple[Container, int]]:
    for pod in (pod for answer in answers for pod in (answer or {}).get("pods", [])):
        for each in pod.get("containers", []):
            container = Container(pod["podRef"]["namespace"], pod["podRef"]["name"], each["name"])
            if used := each.get("memory", {}).get("workingSetBytes"):
                yield container, used
