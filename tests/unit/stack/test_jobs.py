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
