"""A runtime is rolled out when all its pods are new and ready, and an image that cannot start is told early."""

from typing import Any

import pytest

from components.runtimes.rollout import hopeless, missing

NEW = "registry/runtime@sha256:new"
IMAGES = {"mlserver": NEW}


def deployment(image: str = NEW, *, generation: int = 3, observed: int = 3, replicas: int = 2, **status: int) -> Any:
    return {
        "metadata": {"generation": generation},
        "spec": {
            "replicas": replicas,
            "template": {
                "spec": {"containers": [{"name": "mm", "image": "mesh"}, {"name": "mlserver", "image": image}]}
            },
        },
        "status": {"observedGeneration": observed, **status},
    }


@pytest.mark.parametrize(
    ("found", "lacking"),
    [
        (None, "the controller has not made its Deployment yet"),
        (deployment("old", replicas=1, updatedReplicas=1), "has not taken up the newest spec"),
        (deployment(observed=2), "has not taken up the newest spec"),
        (deployment(), "0 of 2 new, 0 ready, 0 of the former kind"),
        ({**deployment(), "status": {}}, "has not taken up the newest spec"),
    ],
)
def test_what_is_lacking_is_told(found: Any, lacking: str) -> None:
    assert lacking in missing(found, IMAGES)


@pytest.mark.parametrize(
    ("status", "lacking"),
    [
        ({"updatedReplicas": 1, "availableReplicas": 2, "replicas": 3}, "1 of 2 new, 2 ready, 2 of the former kind"),
        ({"updatedReplicas": 2, "availableReplicas": 2, "replicas": 3}, "2 of 2 new, 2 ready, 1 of the former kind"),
        ({"updatedReplicas": 2, "availableReplicas": 1, "replicas": 2}, "2 of 2 new, 1 ready, 0 of the former kind"),
        ({"updatedReplicas": 2, "availableReplicas": 2, "replicas": 2}, ""),
    ],
)
def test_a_pod_of_the_former_image_is_not_enough(status: dict[str, int], lacking: str) -> None:
    found = deployment()
    found["status"] |= status
    assert missing(found, IMAGES) == lacking


@pytest.mark.parametrize("other", ["adapter:1", None])
def test_every_container_of_the_runtime_has_to_run_its_image(other: str | None) -> None:
    found = deployment(replicas=0)
    if other:
        found["spec"]["template"]["spec"]["containers"].append({"name": "adapter", "image": other})
    assert "has not taken up the newest spec" in missing(found, IMAGES | {"adapter": "adapter:2"})
    assert missing(found, IMAGES | ({"adapter": other} if other else {})) == ""


def test_a_runtime_scaled_to_zero_is_rolled_out() -> None:
    assert missing(deployment(replicas=0), IMAGES) == ""


def pod(image: str, reason: str, restarts: int = 0) -> dict[str, Any]:
    return {
        "metadata": {"name": "pod"},
        "spec": {"containers": [{"name": "mlserver", "image": image}]},
        "status": {
            "containerStatuses": [
                {
                    "name": "mlserver",
                    "restartCount": restarts,
                    "state": {"waiting": {"reason": reason, "message": "why"}},
                }
            ]
        },
    }


def test_an_image_that_cannot_be_pulled_is_hopeless() -> None:
    (problem,) = hopeless([pod(NEW, "ErrImagePull")], IMAGES, {})
    assert problem == "ErrImagePull in container mlserver of pod pod: why"


@pytest.mark.parametrize(("restarts", "found"), [(1, 0), (2, 1)])
def test_a_container_may_fall_over_once(restarts: int, found: int) -> None:
    assert len(list(hopeless([pod(NEW, "CrashLoopBackOff", restarts)], IMAGES, {}))) == found


def test_pods_of_another_image_do_not_count() -> None:
    assert not list(hopeless([pod("old", "ErrImagePull")], IMAGES, {}))


@pytest.mark.parametrize(("restarts", "found"), [(8, 0), (9, 0), (10, 1)])
def test_what_fell_over_before_may_get_up(restarts: int, found: int) -> None:
    pods = [pod(NEW, "CrashLoopBackOff", restarts)]
    assert len(list(hopeless(pods, IMAGES, {("pod", "mlserver"): 8, ("another", "mlserver"): 10}))) == found
