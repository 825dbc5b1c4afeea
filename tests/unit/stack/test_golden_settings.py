"""Golden predictions of a stack: what they add to it, and under which keys their problems are reported."""

import re
from pathlib import Path

import pytest

import settings
from settings import ConfigurationError
from tests.unit.stack.engine import DIGEST, run, run_stack
from tests.unit.stack.golden import golden, prediction
from tests.unit.stack.serving import MLSERVER, S3
from tests.unit.stack.worlds import installation

pytestmark = pytest.mark.usefixtures("workplace")
JOB = "kubernetes:batch/v1:Job"


def test_they_add_two_gates(config: dict[str, str], tmp_path: Path) -> None:
    golden(tmp_path)
    asked = config | {"modelmesh:goldenPredictions": str(tmp_path)}
    found, without = run_stack(asked), run_stack(config | {"modelmesh:goldenPredictions": ""})
    images = {job.name: job.inputs["spec"]["template"]["spec"]["containers"][0]["image"] for job in found.of(JOB)}
    added = {each.name for each in found.resources} - {each.name for each in without.resources}
    assert added == {"golden-runtime", "service-golden"}
    (runtime,) = found.of("kubernetes:serving.kserve.io/v1alpha1:ServingRuntime")
    image = runtime.inputs["spec"]["containers"][0]["image"]
    assert images["golden-runtime"] == images["service-golden"] == image
    objects = [each for each in found.resources if each.token.startswith("kubernetes:")]
    names = [(each.token, each.inputs["metadata"].get("name", each.name)) for each in objects]
    assert len(set(names)) == len(names), "none of one has the name of one of the other"


def test_the_other_models_have_none(config: dict[str, str], tmp_path: Path) -> None:
    golden(tmp_path)
    more = {"modelmesh:goldenPredictions": str(tmp_path), "modelmesh:models": '[{"name": "other"}]'}
    assert len(run_stack(config | more).of("modelmesh:index:GoldenGate")) == 2


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, r'modelmesh:goldenPredictions\["words\.json"\]\.response: missing'),
        ({"goldenPredictions": "nowhere"}, r"modelmesh:goldenPredictions: nowhere cannot be read"),
        ({"runtimeName": "x" * 40}, r"modelmesh:runtimeName: .*-candidate', expected a name that is \d+ characters"),
    ],
)
def test_problems_are_reported_by_key(
    config: dict[str, str], tmp_path: Path, changes: dict[str, str], expected: str
) -> None:
    golden(tmp_path, words=prediction("response"))
    given = {"goldenPredictions": str(tmp_path), **changes}
    with pytest.raises(ConfigurationError) as raised:
        run_stack(config | {f"modelmesh:{key}": value for key, value in given.items()})
    assert re.search(expected, str(raised.value)), str(raised.value)


def test_a_runtime_too_small_for_two_models_is_refused(config: dict[str, str], tmp_path: Path, workplace: Path) -> None:
    golden(tmp_path)
    large = workplace / "large"
    large.mkdir()
    with (large / "model.bin").open("wb") as file:
        file.truncate(400 * 2**20)
    given = {"goldenPredictions": str(tmp_path), "modelSource": str(large)}
    with pytest.raises(ConfigurationError) as raised:
        run_stack(config | {f"modelmesh:{key}": value for key, value in given.items()})
    assert "modelmesh:runtimeMemory: 896 MiB for models in each pod of custom-runtime-0.x" in str(raised.value)
    run_stack(config | {f"modelmesh:{key}": value for key, value in {**given, "runtimeMemory": "2Gi"}.items()})


def test_clients_that_need_a_certificate_have_one(config: dict[str, str], tmp_path: Path) -> None:
    golden(tmp_path)
    tls = {"modelmesh:goldenPredictions": str(tmp_path), "modelmesh:tls": '{"enabled": true, "clientAuth": "require"}'}
    (job,) = [each for each in run_stack(config | tls).of(JOB) if each.name == "service-golden"]
    (volume,) = [each for each in job.inputs["spec"]["template"]["spec"]["volumes"] if each["name"] == "tls"]
    assert [item["key"] for item in volume["secret"]["items"]] == ["ca.crt", "tls.crt", "tls.key"]


@pytest.mark.parametrize("promoted", [True, False])
def test_the_size_of_a_model_that_another_stack_has_built_is_not_known(
    config: dict[str, str], tmp_path: Path, promoted: bool
) -> None:
    golden(tmp_path)
    given = {"goldenPredictions": str(tmp_path)}
    if promoted:
        given |= {"modelImage": f"registry.example/model@{DIGEST}", "modelDigest": DIGEST}

    def program() -> None:
        loaded = settings.load()
        models = loaded.models(installation(), storage=S3).planned()
        service = loaded.service(namespace=models, runtime=MLSERVER, path="path", image="image")
        assert service.golden
        assert (service.golden.model_bytes is None) is promoted

    run(program, config=config | {f"modelmesh:{key}": value for key, value in given.items()})
