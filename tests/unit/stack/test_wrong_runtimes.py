"""ServingRuntimes that could not work are refused before anything is registered, with field, value and what to do.

Their endpoints, containers and pods have files of their own.
"""

from dataclasses import replace
from typing import Any

import pulumi
import pytest
from pulumi_kubernetes.core import v1

from components.core.problem import InvalidSpecError
from components.core.rendering import with_placeholders
from components.runtimes.mlserver_runtime import mlserver_runtime
from components.runtimes.runtime_rules import runtime_problems
from components.runtimes.serving_runtime import ClusterServingRuntime, ClusterServingRuntimeArgs
from components.runtimes.serving_runtime_spec import Autoscaling, BuiltInAdapter, ModelFormat, ServingRuntimeSpec
from components.upstream import spec_problems
from tests.unit.stack.engine import run
from tests.unit.stack.runtimes import FORMAT, IMAGE, adapter, container, mlserver, node_affinity, plain, refused
from tests.unit.stack.worlds import config, installation, place

WRONG: dict[str, tuple[ServingRuntimeSpec, str]] = {
    "a format with the separator of ModelMesh's labels": (
        plain(supported_model_formats=[ModelFormat(name="a,b")]),
        "spec.supportedModelFormats[0].name: 'a,b', expected a text without `,`, `|` and `:`, which separate",
    ),
    "a format without a name": (
        plain(supported_model_formats=[ModelFormat(name="")]),
        "spec.supportedModelFormats[0].name: '', expected a text without",
    ),
    "a version with it": (
        plain(supported_model_formats=[ModelFormat(name="a", version="1|2")]),
        "spec.supportedModelFormats[0].version: '1|2', expected a text without",
    ),
    "a format twice": (
        plain(supported_model_formats=[FORMAT, FORMAT]),
        "spec.supportedModelFormats[1]: 'custom-model' of version '1', expected another format than that of",
    ),
    "an unknown protocol": (
        plain(protocol_versions=["grpc-v2", "rest-v2"]),
        "spec.protocolVersions[1]: 'rest-v2', expected one of v1, v2, grpc-v1, grpc-v2",
    ),
    "a protocol that is a number": (
        plain(protocol_versions=[2]),
        "spec.protocolVersions[0]: 2, expected a value of type string",
    ),
    "no replica": (plain(replicas=0), "spec.replicas: 0, expected 1-65535"),
    "too many replicas": (plain(replicas=65536), "spec.replicas: 65536, expected 1-65535"),
    "replicas in words": (plain(replicas="two"), "spec.replicas: 'two', expected a value of type integer"),
}


@pytest.mark.parametrize(("spec", "expected"), WRONG.values(), ids=WRONG)
def test_a_runtime_that_could_not_work_is_refused(spec: ServingRuntimeSpec, expected: str) -> None:
    (problem,) = refused(spec)
    assert expected in str(problem)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "x" * 50,
            "metadata.name: 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx', expected a name that is 5 characters",
        ),
        ("Custom", "metadata.name: 'Custom', expected lower-case letters"),
    ],
)
def test_a_name_that_its_deployment_could_not_have_is_refused(name: str, expected: str) -> None:
    (problem,) = refused(mlserver(), name)
    assert expected in str(problem)


def test_a_name_may_be_as_long_as_a_label_allows() -> None:
    assert not refused(mlserver(), "x" * (63 - len("modelmesh-serving-")))


def test_a_runtime_may_be_taken_by_name_only() -> None:
    assert not refused(plain(supported_model_formats=[ModelFormat(name="only-by-name", auto_select=False)]))


def test_nothing_is_said_of_values_that_are_known_later() -> None:
    problems: list[str] = []

    def program() -> None:
        def later(value: Any) -> Any:
            return pulumi.Output.from_input(value)

        wrong = v1.ResourceRequirementsArgs(requests={"memory": "1"}, limits={})
        spec = ServingRuntimeSpec(
            containers=[
                container(name=later("mm"), image=later("server"), resources=later(wrong), ports=later([{}])),
                container(
                    name="second", env=later([]), volume_mounts=[v1.VolumeMountArgs(name=later("x"), mount_path="/a")]
                ),
                container(name="third", resources=v1.ResourceRequirementsArgs(requests=later({"cpu": "1"}))),
            ],
            supported_model_formats=[FORMAT],
            grpc_endpoint="port:8085",
            grpc_data_endpoint="port:8001",
            built_in_adapter=BuiltInAdapter(server_type="mlserver", runtime_management_port=8001),
            volumes=[v1.VolumeArgs(name=later("mm-x"))],
            affinity=later(node_affinity()),
            autoscaling=Autoscaling(metric="memory"),
        )
        document = {"kind": "ServingRuntime", "metadata": {"name": "x"}, "spec": with_placeholders(spec.spec())}
        document["metadata"] = {"name": "x", "annotations": spec.metadata_annotations()}
        problems.extend(
            map(
                str,
                [
                    *spec_problems("ServingRuntime", with_placeholders(spec.spec())),
                    *runtime_problems(document, config()),
                ],
            )
        )

    run(program)
    assert problems == []


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"multiModel": None}, "spec.multiModel: None, expected true: ModelMesh ignores other runtimes"),
        ({"multiModel": False}, "spec.multiModel: False, expected true: ModelMesh ignores other runtimes"),
        (
            {"httpDataEndpoint": "port:1"},
            "spec.httpDataEndpoint: 'port:1', expected none: ModelMesh ignores it and uses gRPC",
        ),
        (
            {"supportedModelFormats": [{"name": "a", "priority": 2}]},
            "spec.supportedModelFormats[0].priority: 2, expected none: ModelMesh ignores it and chooses by free memory",
        ),
    ],
)
def test_documents_that_say_what_no_class_can_are_refused_as_well(wrong: dict[str, Any], expected: str) -> None:
    document = {"kind": "ServingRuntime", "metadata": {"name": "x"}, "spec": plain().spec() | wrong}
    (problem,) = runtime_problems(document, config())
    assert expected in str(problem)


def test_fields_that_the_definition_does_not_know_are_refused() -> None:
    spec = plain().spec()
    assert (
        "spec.initContainers: unknown field, expected one of affinity, annotations, builtInAdapter, containers,"
        in str(spec_problems("ServingRuntime", spec | {"initContainers": []})[0])
    )


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"extra": 1}, "spec.containers[0].extra: unknown field, expected one of args, command,"),
        ({"imagePullPolic": "x"}, "; write imagePullPolicy"),
        ({"tty": "yes"}, "spec.containers[0].tty: 'yes', expected a value of type boolean"),
        (
            {"livenessProbe": {"httpGet": {"port": 1.5}}},
            "httpGet.port: 1.5, expected a value of type integer or string",
        ),
        ({"volumeMounts": [{"name": "a"}]}, "spec.containers[0].volumeMounts[0].mountPath: missing, expected a value"),
        ({"resources": {"limits": {"cpu": "x"}}}, "limits.cpu: 'x', expected a text that matches ^"),
        (
            {"env": [{"name": "A", "value": 1}]},
            "spec.containers[0].env[0].value: (not shown), expected a value of type",
        ),
    ],
)
def test_each_violation_of_the_definition_is_one_problem(wrong: dict[str, Any], expected: str) -> None:
    spec = plain().spec()
    spec["containers"][0] |= wrong
    (problem,) = map(str, spec_problems("ServingRuntime", spec))
    assert expected in problem
    assert ("; write " in problem) == ("; write " in expected)


@pytest.mark.parametrize(
    ("kind", "wrong", "expected"),
    [
        (
            "ServingRuntime",
            {"containers": [], "supportedModelFormats": [{"name": "a", "priority": 0}]},
            "spec.supportedModelFormats[0].priority: 0, expected minimum 1",
        ),
        (
            "InferenceService",
            {"predictor": {"scaleMetric": "mood"}},
            "spec.predictor.scaleMetric: 'mood', expected one of cpu, memory, concurrency, rps",
        ),
    ],
)
def test_so_is_each_value_that_is_out_of_range(kind: str, wrong: dict[str, Any], expected: str) -> None:
    assert list(map(str, spec_problems(kind, wrong))) == [expected]


def test_all_problems_come_at_once() -> None:
    wrong = replace(adapter(load_timeout_seconds=0), replicas=0, protocol_versions=["x"])  # type: ignore[list-item]
    assert len(refused(wrong, "x" * 60)) == 4


class TestCustomMlserver:
    def test_all_of_its_own_problems_come_at_once(self) -> None:
        with pytest.raises(InvalidSpecError) as raised:
            mlserver(
                formats=[FORMAT, ModelFormat(name="SKLearn")],
                environment={"MLSERVER_HTTP_PORT": "8080", "FINE": "yes"},
            )
        first, second = map(str, raised.value.problems)
        assert (
            "formats[1].name: 'SKLearn', expected another name than lightgbm, mllib, sklearn, xgboost, for which the"
            in first
        )
        assert second == "environment.MLSERVER_HTTP_PORT: '8080', expected none: ModelMesh needs '8002'"
        assert "MLServer runtime for 'custom-model, SKLearn' cannot work" in str(raised.value)

    @pytest.mark.parametrize("name", ["sklearn", "xgboost", "lightgbm", "mllib"])
    def test_formats_of_the_adapters_own_are_only_for_upstreams_image(self, name: str) -> None:
        own = [ModelFormat(name=name)]
        with pytest.raises(InvalidSpecError, match="expected another name than lightgbm, mllib, sklearn, xgboost"):
            mlserver_runtime(image=IMAGE, formats=own)
        assert not refused(replace(mlserver(), supported_model_formats=own))

    def test_it_serves_something(self) -> None:
        with pytest.raises(InvalidSpecError, match="formats: \\[\\], expected the formats that the image serves"):
            mlserver(formats=[])


class TestWholeClusters:
    def refused(self, spec: ServingRuntimeSpec, **changes: Any) -> list[str]:
        problems: list[str] = []

        def program() -> None:
            made = installation(**changes)
            try:
                ClusterServingRuntime(
                    "runtime",
                    ClusterServingRuntimeArgs(installation=made, namespaces=[place()], runtime_name="x", spec=spec),
                )
            except InvalidSpecError as problem:
                problems.extend(map(str, problem.problems))

        assert bool(run(program).resources) is not bool(problems)
        return problems

    def test_they_are_held_to_the_same_rules(self) -> None:
        (problem,) = self.refused(plain(grpc_endpoint=None))
        assert "spec.grpcEndpoint: missing" in problem

    def test_there_are_none_in_namespace_scope(self) -> None:
        assert not self.refused(plain())
        (problem,) = self.refused(plain(), scope="namespace")
        assert (
            "kind: 'ClusterServingRuntime', expected ServingRuntime, the only kind that an installation of namespace"
            in problem
        )
