"""The project's own stacks keep every mandatory policy, in a preview that builds nothing and in one that does."""

import re
from pathlib import Path

import pytest
from pulumi.runtime.rpc import UNKNOWN as NOT_KNOWN_YET

from policies.rules.resource import Resource
from tests.unit.policies.resources import mandatory, readable
from tests.unit.stack.engine import Run, encrypted_keys, run_stack, stack_config
from tests.unit.stack.golden import golden


# A stack that nothing is promoted to builds its images: with and without, since a preview knows no digest.
@pytest.mark.parametrize(("stack", "builds"), [("dev", True), ("dev", False), ("staging", False), ("prod", False)])
@pytest.mark.usefixtures("workplace")
def test_a_stack_of_the_project_violates_nothing_mandatory(stack: str, builds: bool, config: dict[str, str]) -> None:
    values = config if stack == "dev" else stack_config(stack)  # an embedded cluster completes the former
    assert _violations(run_stack(values, encrypted=encrypted_keys(stack), builds=builds), stack) == []


@pytest.mark.usefixtures("workplace")
def test_nor_do_many_models(config: dict[str, str]) -> None:
    run = run_stack(config | {"modelmesh:models": '[{"name": "one"}, {"name": "two", "path": "some/path"}]'})
    assert run.outputs["models"] == 2
    assert run.outputs["modelNames"] == "sentiment-analyzer\none\ntwo"
    assert _violations(run, "dev") == []


@pytest.mark.usefixtures("workplace")
def test_nor_do_golden_predictions(config: dict[str, str], tmp_path: Path) -> None:
    golden(tmp_path)
    run = run_stack(config | {"modelmesh:goldenPredictions": str(tmp_path)})
    assert len(run.of("modelmesh:index:GoldenGate")) == 2
    assert _violations(run, "dev") == []


@pytest.mark.usefixtures("workplace")
def test_stack_dev_is_not_fit_for_production(config: dict[str, str]) -> None:
    assert _violations(run_stack(config), "prod") == [
        "model-serving-config: data[config.yaml].tls.secretName: missing, expected a Secret with a certificate",
        "modelmesh-controller: spec.replicas: 1, expected 2 or more for failover",
    ]


def _violations(run: Run, stack: str) -> list[str]:
    assert len(run.resources) > 20
    return [
        violation
        for each in run.resources
        for violation in mandatory(
            Resource(
                token=each.token,
                urn=re.sub("^urn:pulumi:[^:]+", f"urn:pulumi:{stack}", each.urn),  # the recording engine knows no name
                properties=readable(each.inputs, NOT_KNOWN_YET),
            )
        )
    ]
