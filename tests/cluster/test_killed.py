"""A stack is killed at random moments of its whole life, and each next run brings it to what its files say.

A kubeconfig that leads to another cluster takes nothing from its state.
`make soak MOMENTS=100` kills it that often; SEED chooses other moments.
"""

import math
import os
import random
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from cli.predict import predict
from tests.cluster.another_cluster import another_cluster
from tests.cluster.deployment import ProgramMaker
from tests.cluster.life import CONVERGED, STAGES, Life, moments
from tests.cluster.test_many_models import differences

MOMENTS = int(os.environ.get("MOMENTS") or 10)
SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(10_000))
KILLS_OF_A_STAGE = 2
"""In a row, so that the later one meets what the earlier one has left."""
KILLS_OF_A_LIFE = KILLS_OF_A_STAGE * (len(STAGES) + 1)


@pytest.fixture(scope="module")
def life(program: ProgramMaker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    """Nothing of it is there yet."""
    made = Life(program("life_program", "life"), tmp_path_factory.mktemp("life"))
    made.stage(STAGES[0])
    yield made
    made.converge("destroy", "destroy")


@pytest.fixture(scope="module")
def before(life: Life) -> set[str]:
    return life.names()


@pytest.fixture(scope="module")
def uninterrupted(life: Life, before: set[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """State and objects of a stack that came through all stages without being killed."""
    assert not any("life" in name for name in before)
    life.build()
    for stage in STAGES:
        life.stage(stage)
        life.converge("up", stage)
    return life.state(), life.objects()


def test_a_refresh_with_a_kubeconfig_that_leads_to_another_cluster_keeps_the_state(
    life: Life, uninterrupted: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    node = life.deployment.stack.embedded
    assert node
    with another_cluster(node.kubeconfig, node.context):
        update = life.deployment.run("up", *CONVERGED, config=life.config)
    assert not update.succeeded
    assert "is not the one on which stack" in update.output
    assert life.state() == uninterrupted[0]


def test_the_next_run_after_a_kill_converges_to_what_an_uninterrupted_one_makes(
    life: Life, uninterrupted: tuple[dict[str, Any], dict[str, Any]], before: set[str]
) -> None:
    print(f"{MOMENTS} moments, SEED={SEED}")
    life.converge("destroy", "destroy")
    assert not life.left_over(before)
    kills = moments(SEED, MOMENTS)
    for _ in range(math.ceil(MOMENTS / KILLS_OF_A_LIFE)):
        for stage in STAGES:
            life.stage(stage)
            for moment, edited in islice(kills, KILLS_OF_A_STAGE):
                kill(life, "up", stage, moment)
                if edited:
                    print("edited")
                    life.edit()
            life.stage(stage)  # of what was edited in between, nothing is to stay
            life.converge("up", stage)
        killed = life.state(), life.objects()
        assert float(predict(life.deployment.stack, "love")["compound"]) > 0
        for moment, _edited in islice(kills, KILLS_OF_A_STAGE):
            kill(life, "destroy", "destroy", moment)
        life.converge("destroy", "destroy")
        assert not life.left_over(before)
        assert [*differences(killed[0], uninterrupted[0]), *differences(killed[1], uninterrupted[1])] == []


def kill(life: Life, operation: str, stage: str, moment: float) -> None:
    after = moment * life.seconds[stage]
    print(f"{operation} of stage {stage}: killed after {after:.1f} of {life.seconds[stage]:.1f} s")
    life.kill(operation, after)
