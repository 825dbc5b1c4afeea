"""What the benchmark of the stack makes of the engine's words and numbers; no engine and no cluster is there."""

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks import engine_runs, installing, many, plot, stack_report, upstream_order
from benchmarks.engine_runs import EngineRun, Event
from benchmarks.installing import Installing
from benchmarks.measurements import CHANGE, DESTROY, OPERATIONS, UP, ManyModels
from benchmarks.stack import model_path, sizes
from benchmarks.stack_report import StackMeasurements

URN = "urn:pulumi:dev::modelmesh::modelmesh:index:Etcd$kubernetes:core/v1:Service::etcd"


def event(name: str, operation: str = "create") -> str:
    return json.dumps({name: {"metadata": {"urn": URN, "op": operation}}})


def resource(kind: str, name: str, parent: str = "", **inputs: Any) -> dict[str, Any]:
    document = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **inputs}
    return {"type": f"kubernetes:core/v1:{kind}", "inputs": document, "parent": parent}


def many_models(models: int, seconds: float) -> ManyModels:
    return ManyModels(
        models,
        ours=dict.fromkeys(OPERATIONS, seconds),
        kubectl=dict.fromkeys((UP, CHANGE, DESTROY), seconds / 2),
        memory=dict.fromkeys(OPERATIONS, 2**20),
        state=2048,
    )


def test_engine_output_becomes_spans() -> None:
    lines = [(1.0, event("resourcePreEvent")), (1.5, "no JSON"), (3.5, event("resOutputsEvent"))]
    found = tuple(engine_runs.events(lines))
    assert found == (Event(1.0, "start", URN), Event(3.5, "end", URN))
    assert installing.timeline(found) == [("Service etcd", 1.0, 3.5)]


def test_complaints_are_found() -> None:
    told = {"diagnosticEvent": {"severity": "error", "message": "no such thing\n"}}
    lines = iter([json.dumps(told), "error: unknown flag\n", event("resourcePreEvent")])
    assert list(engine_runs.problems(lines)) == ["no such thing", "error: unknown flag"]


def test_memory_of_a_session() -> None:
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        # The kernel counts the pages of a process some time after it has started.
        deadline = time.monotonic() + 10
        while not engine_runs.session_memory(process.pid) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert 0 < engine_runs.session_memory(process.pid) < engine_runs.session_memory(os.getsid(0)) + 2**30
    finally:
        process.kill()
        process.wait()
    assert engine_runs.session_memory(process.pid) == 0


def test_upstream_order() -> None:
    resources = [
        resource("InferenceService", "s"),
        resource("ServingRuntime", "r"),
        resource("Job", "m", "urn::modelmesh:index:ModelArtifact::model"),
        resource("Deployment", "modelmesh-controller", "urn::modelmesh:index:ModelMeshServing::modelmesh"),
        resource("StatefulSet", "etcd", "urn::modelmesh:index:Etcd::etcd"),
        resource("Namespace", "n", "urn::modelmesh:index:Namespace::namespace"),
        {"type": "pulumi:providers:kubernetes", "inputs": {}},
    ]
    planned = upstream_order.steps(resources)
    assert [step.name for step in planned] == ["namespace", "stores", "installation", "upload", "runtime", "service"]
    assert [step.objects[0]["metadata"]["name"] for step in planned] == [
        "n", "etcd", "modelmesh-controller", "m", "r", "s"
    ]  # fmt: skip


def test_definitions_come_before_what_watches_them() -> None:
    kinds = ["ValidatingWebhookConfiguration", "Deployment", "Secret", "CustomResourceDefinition"]
    (step,) = upstream_order.steps([resource(kind, "a") for kind in kinds])
    assert [each["kind"] for each in step.objects] == list(reversed(kinds))


def test_secrets_become_plain() -> None:
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "plaintext": '{"key":"dmFsdWU="}'}
    (step,) = upstream_order.steps([resource("Secret", "a", data=secret)])
    assert step.objects[0]["data"] == {"key": "dmFsdWU="}


@pytest.mark.parametrize(("statuses", "ready"), [([], False), (["True"], True), (["True", "False"], False)])
def test_pods_are_ready_together(statuses: list[str], ready: bool) -> None:
    pods = [{"status": {"conditions": [{"type": "Ready", "status": status}]}} for status in statuses]
    assert upstream_order.all_ready(pods) is ready


def test_services_are_taken_from_the_state() -> None:
    spec = {"predictor": {"model": {"storage": {"path": "a/b"}}}}
    assert model_path([resource("Secret", "x"), resource("InferenceService", "s", spec=spec)]) == "a/b"


def test_services_of_a_table_are_taken_from_the_state_without_what_ties_them_to_it() -> None:
    metadata = {"name": "s", "ownerReferences": [{}], "labels": {"table": "t"}}
    table = {"type": "kubernetes:core/v1:ConfigMap", "inputs": {"data": {"s.json": json.dumps({"metadata": metadata})}}}
    (found,) = many.objects([resource("Secret", "x"), table])
    assert found["metadata"] == {"name": "s", "labels": {"benchmark": "many"}, "namespace": "modelmesh-serving"}


def test_sizes_in_order() -> None:
    assert sizes("300,10,100,10") == (10, 100, 300)


def test_report(tmp_path: Path) -> None:
    ours = [EngineRun(20, 0, (Event(1, "start", URN), Event(9, "end", URN)))]
    measured = StackMeasurements(
        installing=Installing(ours=ours, script=[{"stores": 20.0, "installation": 20.0}]),
        second=[15.0],
        many=[many_models(10, 4), many_models(110, 14)],
        left_out="N = 300 left out",
    )
    text = stack_report.text(measured)
    assert "0.50 x | ≤ 0.70 x | ✓" in text
    assert "15.0 s | ≤ 20.0 s | ✓" in text
    assert "| 10 models, up | 4.0 s | 2.0 s | 2.00 x | 1 MiB | 2 KiB |" in text
    assert "| 10 to 110 models | 100 ms | 100 ms | 100 ms | 100 ms |" in text
    assert "Service etcd | 1.0 | 9.0 | 8.0" in text
    assert text.endswith("N = 300 left out\n")
    plot.plot_many(measured.many, tmp_path / "stack.svg")
    assert (tmp_path / "stack.svg").read_text().startswith("<?xml")
    assert "not measured" in stack_report.text(StackMeasurements())


@pytest.mark.parametrize(("seconds", "told"), [(120, "1.20 x | ≤ 1.20 x | ✓"), (130, "1.30 x | ≤ 1.20 x | ✗")])
def test_the_cost_of_each_model_is_held_against_that_with_a_hundred(seconds: float, told: str) -> None:
    measured = StackMeasurements(many=[many_models(100, 10), many_models(1_000, seconds)])
    assert f"up of 1,000 models, cost of each ÷ that with 100 | {told}" in stack_report.text(measured)
    assert "cost of each" not in stack_report.text(StackMeasurements(many=[many_models(100, 10)]))
