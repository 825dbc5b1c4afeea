"""Many services as one component: what it registers, and what it refuses before that."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pulumi
import pytest

from components.core.cluster import Cluster
from components.core.problem import InvalidSpecError
from components.runtimes.rollout import Rollout
from components.services.inference_service import InferenceServiceArgs
from components.services.inference_services import LABEL, InferenceServices, InferenceServicesArgs
from components.services.many_services import ManyServices
from components.services.model_location import ModelPath
from components.services.parts import SLOT, slot
from components.stores.storage import HttpStorage
from tests.unit.stack import worlds
from tests.unit.stack.engine import Resource, Run, run
from tests.unit.stack.serving import STORES, arguments

CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
JOB = "kubernetes:batch/v1:Job"


def services(*names: str, **changes: Any) -> InferenceServicesArgs:
    """Services that differ in nothing but their names."""
    one = arguments(changes, {})
    return InferenceServicesArgs(services=[replace(one, model_name=name) for name in names])


def with_headers() -> InferenceServiceArgs:
    """A service whose store has a credential that each of its services carries."""
    store = HttpStorage(url="http://files.example", headers={"Authorization": "hidden"})
    return arguments({"storage": ModelPath(path="a", key="web")}, {"storage": {"web": store}})


def made(*names: str, name: str = "table", **changes: Any) -> Run:
    return run(lambda: InferenceServices(name, services(*names, **changes)))


def files(found: Run) -> dict[str, Any]:
    return {key: json.loads(text) for key, text in found.one(CONFIG_MAP).inputs["data"].items()}


def parts(found: Run) -> dict[str, dict[str, str]]:
    return {each.name: each.inputs["data"] for each in sorted(found.of(CONFIG_MAP), key=lambda each: each.name)}


def jobs(found: Run) -> dict[str, Resource]:
    return {each.name: each for each in found.of(JOB)}


def command(job: Resource) -> list[str]:
    (container,) = job.inputs["spec"]["template"]["spec"]["containers"]
    return list(container["command"])


def selected(job: Resource, table: Mapping[str, Any]) -> set[str]:
    """Names of the services of a table that the selector of a Job selects."""
    (selector,) = [each.removeprefix("--selector=") for each in command(job) if each.startswith("--selector=")]
    match = re.fullmatch(rf"{LABEL}=([a-z0-9-]+)(?:,{SLOT} in \(([0-9,]+)\))?", selector)
    assert match
    return {
        name
        for name, service in table.items()
        if service["metadata"]["labels"][LABEL] == match[1]
        and (not match[2] or service["metadata"]["labels"][SLOT] in match[2].split(","))
    }


def test_five_thousand_services_are_split_over_a_few_config_maps_each_of_which_one_job_applies() -> None:
    assert len(made("one").resources) == 6
    names = [f"model-{number}" for number in range(5000)]
    found = made(*names)
    split = parts(found)
    assert list(split) == sorted(["table", *(f"table-{number}" for number in range(1, len(split)))])
    assert 8 <= len(split) <= 32
    assert sorted(key for data in split.values() for key in data) == sorted(f"{name}.json" for name in names)
    assert max(len(json.dumps(data)) for data in split.values()) < 2**20
    assert jobs(found).keys() == split.keys()
    for each, job in jobs(found).items():
        (volume,) = [volume for volume in job.inputs["spec"]["template"]["spec"]["volumes"] if "configMap" in volume]
        assert volume["configMap"]["name"] == each
        assert [each] == [declared.name for declared in found.of(CONFIG_MAP) if declared.urn in job.dependencies]


def test_each_job_deletes_services_of_its_own_part_only_however_many_parts_there_are() -> None:
    few = files(made(*(f"model-{number}" for number in range(100))))
    for count in (100, 600, 1100):
        found = made(*(f"model-{number}" for number in range(count)))
        table = {name: json.loads(text) for data in parts(found).values() for name, text in data.items()}
        for each, data in parts(found).items():
            assert selected(jobs(found)[each], table) == data.keys()
        owners = [{name for name in few if name in selected(job, few)} for job in jobs(found).values()]
        assert sorted(name for owned in owners for name in owned) == sorted(few), "also those of another split"


def test_all_jobs_and_config_maps_go_before_there_is_another_number_of_them() -> None:
    def binding(count: int) -> Resource:
        found = made(*(f"model-{number}" for number in range(count)))
        bound = found.one("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding")
        for declared in found.of(CONFIG_MAP):
            assert bound.urn in declared.property_dependencies["metadata"]
            assert declared.urn in jobs(found)[declared.name].property_dependencies["metadata"]
        return bound

    one, same, another = binding(10), binding(11), binding(1100)
    assert one.inputs["metadata"] == same.inputs["metadata"]
    assert one.inputs["metadata"]["name"] != another.inputs["metadata"]["name"], "it is replaced"
    assert another.deleted_before_replaced


def test_parts_without_services_delete_what_they_had() -> None:
    together = [name for name in map("model-{}".format, range(200)) if slot(name) % 8 == 0][:10]
    found = made(*together, annotations={"note": "x" * 101_000})
    split = parts(found)
    assert len([each for each, data in split.items() if not data]) > 1
    for each, job in jobs(found).items():
        verb, what, *_, selector = command(job)[1:]
        assert (verb, what) == (("apply", "--filename=/services") if split[each] else ("delete", "inferenceservices"))
        assert selector.startswith("--selector=")
    assert len({job.inputs["metadata"]["name"] for job in jobs(found).values()}) == len(split)


def test_one_more_service_is_one_other_config_map_and_one_other_job() -> None:
    names = [f"model-{number}" for number in range(1100)]
    one, other = made(*names), made(*names, "another")
    before, after = parts(one), parts(other)
    assert before.keys() == after.keys()
    assert len(before) > 1
    changed = [name for name in before if before[name] != after[name]]
    assert changed == [name for name in after if "another.json" in after[name]]
    assert changed == [name for name, job in jobs(one).items() if job.inputs != jobs(other)[name].inputs]


def test_each_service_is_a_file_of_its_own_so_that_a_preview_names_those_that_change() -> None:
    found = files(made("one", "two"))
    assert sorted(found) == ["one.json", "two.json"]
    assert found["one.json"]["metadata"]["name"] == "one"
    assert found["one.json"]["spec"]["predictor"]["model"]["storage"] == {"key": "models", "path": "sklearn/model"}


def test_a_path_that_is_known_later_is_filled_in() -> None:
    def program() -> None:
        later = ModelPath(path=pulumi.Output.from_input("some/path"), key="models")
        InferenceServices("table", services("one", "two", storage=later))

    found = files(run(program))
    assert {each["spec"]["predictor"]["model"]["storage"]["path"] for each in found.values()} == {"some/path"}


def test_labels_of_a_service_are_kept_beside_the_one_of_all() -> None:
    labels = files(made("one", labels={"team": "a"}))["one.json"]["metadata"]["labels"]
    assert labels.keys() == {"team", LABEL, SLOT}
    assert labels["team"] == "a"


def test_the_services_go_before_the_account_that_they_belong_to() -> None:
    (owner,) = files(made("one"))["one.json"]["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["blockOwnerDeletion"]) == ("ServiceAccount", "table", True)


def test_what_is_declared_no_longer_is_deleted_and_nothing_of_anybody_elses() -> None:
    found = made("one")
    label = files(found)["one.json"]["metadata"]["labels"][LABEL]
    arguments = command(found.one(JOB))
    assert f"--selector={LABEL}={label}" in arguments
    assert "--prune" in arguments
    assert "--prune-allowlist=serving.kserve.io/v1beta1/InferenceService" in arguments
    assert re.fullmatch(r"table-[0-9a-f]{8}", label), "another label would leave the services of this one behind"
    other = files(made("one", name="other"))["one.json"]["metadata"]["labels"][LABEL]
    assert other != label


def test_the_job_may_do_nothing_but_that() -> None:
    found = made("one")
    rules = found.one("kubernetes:rbac.authorization.k8s.io/v1:Role").inputs["rules"]
    assert [rule["resources"] for rule in rules] == [["inferenceservices"], ["serviceaccounts/finalizers"]]
    assert rules[1]["resourceNames"] == ["table"]
    (container,) = found.one(JOB).inputs["spec"]["template"]["spec"]["containers"]
    assert container["image"] == str(worlds.images().kubectl)
    assert container["securityContext"]["readOnlyRootFilesystem"] is True


def test_another_model_is_another_job_and_the_same_ones_are_the_same() -> None:
    def job(*names: str) -> Any:
        return made(*names).one(JOB).inputs["metadata"]["name"]

    assert job("one", "two") == job("two", "one") != job("one")
    assert re.fullmatch(r"table-[0-9a-f]{12}", job("one"))


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (services, "services: [], expected at least one service"),
        (lambda: services("one", "one"), "services[1].model_name: 'one', expected each value once"),
        (lambda: InferenceServicesArgs(services=[with_headers()]), "its store has headers, which a ConfigMap would"),
        (lambda: services("One"), "services.One.metadata.name: 'One', expected lower-case letters, digits, - and ."),
        (
            lambda: services("one", "two", model_format="unheard-of"),
            "services.two.spec.predictor.model.modelFormat",
        ),
        (
            lambda: services("one", labels={"note": "x" * 1_000_000}),
            "services.one: 1,000,",
        ),
        (
            lambda: InferenceServicesArgs(
                services=[
                    *services("one").services,
                    replace(services("two").services[0], namespace=worlds.place("more-models", storage=STORES)),
                ]
            ),
            "services: in models and more-models, expected services of one namespace",
        ),
    ],
)  # fmt: skip
def test_what_could_not_work_is_refused_before_anything_is_registered(args: Any, expected: str) -> None:
    problems: list[str] = []

    def program() -> None:
        with pytest.raises(InvalidSpecError) as raised:
            InferenceServices("table", args())
        problems.extend(map(str, raised.value.problems))

    assert run(program).resources == []
    assert any(expected in problem for problem in problems), problems


def test_an_update_waits_for_all_services_and_then_for_the_pods_of_each_runtime_that_may_serve_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[Any] = []

    async def loaded(wait: ManyServices) -> None:
        waits.append((wait.selector.partition("=")[0], sorted(wait.specs), wait.timeout_seconds))

    async def done(rollout: Rollout) -> None:
        waits.append(rollout.deployment)

    monkeypatch.setattr(Cluster, "api_client", lambda _: None)
    monkeypatch.setattr(ManyServices, "loaded", loaded)
    monkeypatch.setattr(Rollout, "done", done)
    run(lambda: InferenceServices("table", services("one", "two", load_timeout_seconds=20)), preview=False)
    assert waits == [(LABEL, ["one", "two"], 20 + 300 + 2 * 0.5), "modelmesh-serving-mlserver-1.x"]


def test_a_service_may_be_as_large_as_an_annotation_can_hold_it_and_its_own_annotations() -> None:
    def sized(length: int) -> InferenceServicesArgs:
        return services("one", annotations={"note": "x" * length})

    def program() -> None:
        (problem,) = sized(200_000).problems()
        assert str(problem).endswith(" bytes, expected at most 120,000")
        length = 200_000 - (int(str(problem.given).removesuffix(" bytes").replace(",", "")) - 120_000)
        (problem,) = sized(length + 1).problems()
        assert problem.given == "120,001 bytes"
        InferenceServices("table", sized(length))

    assert run(program).of(CONFIG_MAP)


def test_a_name_that_no_job_could_have_is_refused() -> None:
    def program() -> None:
        with pytest.raises(InvalidSpecError, match="expected at most 40 characters"):
            InferenceServices("n" * 41, services("one"))

    assert run(program).resources == []
    assert made("one", name="n" * 40).resources
