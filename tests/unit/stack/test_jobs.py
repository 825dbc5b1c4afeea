"""What every Job of the stack has: a failed one is replaced and says why it failed, and only some have a token."""

from typing import Any

import pulumi
import pytest
from pulumi_kubernetes.core.v1 import ContainerArgs

from components.core.jobs import job, job_container, kubectl_container
from tests.unit.stack.engine import Resource, run

REQUESTS, LIMITS = {"cpu": "1"}, {"cpu": "2"}


def made(*containers: ContainerArgs, **more: Any) -> Resource:
    def program() -> None:
        job("step", namespace="models", containers=containers, opts=pulumi.ResourceOptions(), **more)

    return run(program).one("kubernetes:batch/v1:Job")


def test_one_that_is_not_complete_is_replaced_by_the_next_update() -> None:
    assert made().inputs["metadata"]["annotations"] == {"pulumi.com/replaceUnready": "true"}
    both = {"pulumi.com/replaceUnready": "true", "pulumi.com/skipAwait": "true"}
    assert made(annotations={"pulumi.com/skipAwait": "true"}).inputs["metadata"]["annotations"] == both


def test_the_end_of_the_log_is_the_reason_of_a_failure() -> None:
    (container,) = made(job_container("step", "image", requests=REQUESTS, limits=LIMITS)).inputs["spec"]["template"][
        "spec"
    ]["containers"]
    assert container["terminationMessagePolicy"] == "FallbackToLogsOnError"


def test_what_is_given_is_passed_on_and_nothing_else() -> None:
    container = job_container("step", "image", requests=REQUESTS, limits=LIMITS)
    plain, labels = made(container), {"app": "step"}
    assert "labels" not in plain.inputs["metadata"]
    assert "metadata" not in plain.inputs["spec"]["template"]
    assert not {"initContainers", "imagePullSecrets"} & plain.inputs["spec"]["template"]["spec"].keys()
    assert not {"command", "envFrom"} & plain.inputs["spec"]["template"]["spec"]["containers"][0].keys()
    assert plain.inputs["spec"]["template"]["spec"]["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    given = made(
        container, labels=labels, pod_labels=labels, init_containers=[container], image_pull_secrets=["mirror"]
    )
    assert given.inputs["metadata"]["labels"] == given.inputs["spec"]["template"]["metadata"]["labels"] == labels
    pod = given.inputs["spec"]["template"]["spec"]
    assert pod["initContainers"] == pod["containers"]
    assert pod["imagePullSecrets"] == [{"name": "mirror"}]


def test_pulumi_waits_a_minute_longer_than_the_job_may_take() -> None:
    limited, unlimited = made(deadline_seconds=100), made()
    assert (limited.inputs["spec"]["activeDeadlineSeconds"], limited.create_timeout) == (100, "160s")
    assert "activeDeadlineSeconds" not in unlimited.inputs["spec"]
    assert unlimited.create_timeout == ""


@pytest.mark.parametrize(("account", "token"), [("applier", None), (None, False)])
def test_only_a_pod_with_an_account_has_its_token(account: str | None, token: bool | None) -> None:
    pod = made(service_account=account).inputs["spec"]["template"]["spec"]
    assert pod.get("serviceAccountName") == account
    assert pod.get("automountServiceAccountToken") == token


def test_kubectl_has_a_home_that_it_can_write_to() -> None:
    pod = made(kubectl_container("step", "image", ["get", "pods"], requests=REQUESTS, limits=LIMITS)).inputs["spec"][
        "template"
    ]["spec"]
    (container,) = pod["containers"]
    assert container["command"] == ["kubectl", "get", "pods"]
    assert {"name": "HOME", "value": "/tmp"} in container["env"]  # noqa: S108  a mount point
    assert [mount["name"] for mount in container["volumeMounts"]] == [volume["name"] for volume in pod["volumes"]]
