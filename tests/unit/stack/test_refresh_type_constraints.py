"""Who tells running mesh pods of a new runtime: after what, with which rights, and when once more."""

from dataclasses import replace
from typing import Any

import pulumi
import pytest

from components.core.names_and_quantities import is_subdomain
from components.installation.declared_runtime import DeclaredRuntime
from components.installation.model_namespace import ModelNamespace, ModelNamespaceArgs
from components.runtimes.refresh_type_constraints import labels
from components.runtimes.serving_runtime import (
    ClusterServingRuntime,
    ClusterServingRuntimeArgs,
    ServingRuntime,
    ServingRuntimeArgs,
)
from components.runtimes.serving_runtime_spec import ModelFormat, ServingRuntimeSpec
from tests.unit.stack.engine import Resource, Run, run
from tests.unit.stack.runtimes import mlserver
from tests.unit.stack.worlds import installation, place

JOB = "kubernetes:batch/v1:Job"
ROLE = "kubernetes:rbac.authorization.k8s.io/v1:Role"
RUNTIME = "kubernetes:serving.kserve.io/v1alpha1:ServingRuntime"


def made(spec: ServingRuntimeSpec, name: str = "runtime", **changes: Any) -> Run:
    def program() -> None:
        ServingRuntime(name, ServingRuntimeArgs(namespace=place(**changes), runtime_name="custom", spec=spec))

    return run(program)


def pod(job: Resource) -> dict[str, Any]:
    spec: dict[str, Any] = job.inputs["spec"]["template"]["spec"]
    return spec


def commands(job: Resource) -> list[list[str]]:
    """One after the other."""
    containers = [*pod(job)["initContainers"], *pod(job)["containers"]]
    return [container["command"] for container in containers]


def declared(**changes: Any) -> DeclaredRuntime:
    return replace(DeclaredRuntime(name="custom", namespace="models", formats=()), **changes)


@pytest.mark.parametrize(
    ("runtime", "rest_proxy", "expected"),
    [
        (declared(), True, ["rt:custom"]),
        (declared(formats=(("b", None), ("a", "1"))), True, ["mt:a", "mt:a:1", "mt:b", "rt:custom"]),
        (declared(formats=(("a", "1"), ("a", "2"))), True, ["mt:a", "mt:a:1", "mt:a:2", "rt:custom"]),
        (declared(protocol_versions=("grpc-v2", "grpc-v1")), False, ["pv:grpc-v1", "pv:grpc-v2", "rt:custom"]),
        (declared(protocol_versions=("grpc-v2",)), True, ["pv:grpc-v2", "pv:v2", "rt:custom"]),
    ],
)
def test_types_are_written_as_the_controller_does(
    runtime: DeclaredRuntime, rest_proxy: bool, expected: list[str]
) -> None:
    assert labels(runtime, rest_proxy=rest_proxy) == expected


def test_pods_are_touched_once_the_controller_has_taken_up_the_runtime() -> None:
    found = made(mlserver())
    job = found.one(JOB)
    exists, taken_up, show = commands(job)
    assert exists[:4] == ["kubectl", "wait", "deployment/modelmesh-serving-custom", "--for=create"]
    assert taken_up[3].startswith("--for=jsonpath=")
    assert taken_up[3].endswith("=mt:custom-model,mt:custom-model:1,pv:grpc-v2,pv:v2,rt:custom")
    assert show[:4] == ["kubectl", "annotate", "pods", "--selector=modelmesh-service=modelmesh-serving"]
    assert show[4:] == ["--overwrite", "modelmesh.pulumi.com/constraints-seen=$(POD)"], "another value each time"
    (container,) = pod(job)["containers"]
    assert {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}} in container["env"]
    assert found.one(RUNTIME).urn in job.dependencies
    assert job.inputs["spec"]["activeDeadlineSeconds"] == 600, "time for both waits"
    assert "name" not in job.inputs["metadata"], "one with other types takes its place beside it"


def test_other_types_are_told_anew_and_another_image_is_not() -> None:
    first = made(mlserver()).one(JOB).inputs
    assert made(mlserver(formats=[ModelFormat(name="custom-model", version="2")])).one(JOB).inputs != first
    assert made(mlserver(image="registry.example/server:2")).one(JOB).inputs == first


def test_it_runs_without_root_and_with_a_file_system_that_is_read_only() -> None:
    spec = pod(made(mlserver()).one(JOB))
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["serviceAccountName"] == "constraints"
    for container in [*spec["initContainers"], *spec["containers"]]:
        assert container["image"].startswith("registry.k8s.io/kubectl:")
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"].keys() == {"requests", "limits"}


def test_a_disabled_runtime_is_nothing_to_tell() -> None:
    assert not made(replace(mlserver(), disabled=True)).of(JOB)


def test_a_runtime_of_the_cluster_is_told_in_every_namespace() -> None:
    def program() -> None:
        spaces = [place("models"), place("more")]
        args = ClusterServingRuntimeArgs(
            installation=installation(), namespaces=spaces, runtime_name="shared", spec=mlserver()
        )
        ClusterServingRuntime("runtime", args)

    jobs = run(program).of(JOB)
    assert {job.name: job.inputs["metadata"]["namespace"] for job in jobs} == {
        "runtime-constraints-models": "models",
        "runtime-constraints-more": "more",
    }


@pytest.mark.parametrize("name", ["My_Runtime", "runtime-" * 8])
def test_kubernetes_takes_its_name_whatever_the_runtimes_resource_is_called(name: str) -> None:
    job = made(mlserver(), name).one(JOB)
    assert is_subdomain(job.name)
    assert len(f"{job.name}-1234abcd") <= 63, "with what Pulumi puts after it; it becomes a label of the pod"


def test_its_account_may_look_at_deployments_and_touch_pods_and_no_more() -> None:
    def program() -> None:
        space = ModelNamespace("models", ModelNamespaceArgs(installation=installation(), namespace="models"))
        pulumi.export("account", space.constraints_account)

    found = run(program)
    role = found.one(ROLE)
    allowed = {
        (group, resource): rule["verbs"]
        for rule in role.inputs["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    assert allowed == {
        ("apps", "deployments"): ["get", "list", "watch"],
        ("", "pods"): ["get", "list", "patch"],
    }
    assert role.inputs["metadata"]["namespace"] == "models"
