"""A stack is killed at random moments of its whole life, and each next run brings it to what its files say.

A kubeconfig that leads to another cluster takes nothing from its state.
`make soak MOMENTS=100` kills it that often; SEED chooses other moments.
"""

import os
import random
import time
from collections.abc import Iterator

import pytest

from tests.cluster.another_cluster import another_cluster
from tests.cluster.deployment import ProgramMaker
from tests.cluster.life import CONVERGED, Life, moments
from tests.cluster.test_many_models import differences

MOMENTS = int(os.environ.get("MOMENTS") or 10)
SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(10_000))
STAGES = ("first", "model", "runtime", "renewal")
FIRST_SECONDS = 20
"""How long an operation is taken to last that was not run to its end yet."""


@pytest.fixture(scope="module")
def life(program: ProgramMaker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    """Nothing of it is there yet."""
    made = Life(program("life_program", "life"), tmp_path_factory.mktemp("life"))
    yield made
    made.converged("destroy")


def test_the_next_run_after_a_kill_converges_to_what_an_uninterrupted_one_makes(life: Life) -> None:
    print(f"{MOMENTS} moments, SEED={SEED}")
    started, before = time.monotonic(), life.names()
    kills = moments(SEED, MOMENTS)
    # As many in each stage, and those that are over in the first.
    share = {stage: MOMENTS // (len(STAGES) + 1) for stage in (*STAGES, "destroy")}
    share["first"] += MOMENTS % (len(STAGES) + 1)
    for stage in STAGES:
        life.stage(stage)
        for _ in range(share[stage]):
            kill(life, "up", *next(kills))
        life.stage(stage)  # of what was edited in between, nothing is to stay
        life.converged("up")
    killed = life.state(), life.objects()
    for _ in range(share["destroy"]):
        kill(life, "destroy", *next(kills))
    life.converged("destroy")
    assert life.names() == before, "something is left over"
    life.stage(STAGES[-1])
    life.converged("up")
    assert list(differences(life.state(), killed[0])) == []
    assert list(differences(life.objects(), killed[1])) == []
    print(f"{time.monotonic() - started:.0f} s")


def kill(life: Life, operation: str, moment: float, edited: bool) -> None:
    """Kill the operation, and edit the stack's files before the next one starts."""
    after = moment * life.longest.get(operation, FIRST_SECONDS)
    print(f"killed {operation} after {after:.1f} s{', then edited' if edited else ''}")
    life.killed(operation, after)
    if edited:
        life.edit()


def test_a_refresh_with_a_kubeconfig_that_leads_to_another_cluster_keeps_the_state(life: Life) -> None:
    node = life.deployment.stack.embedded
    assert node
    before = life.state()
    with another_cluster(node.kubeconfig, node.context):
        update = life.deployment.run("up", *CONVERGED, config=life.config)
    assert not update.succeeded
    assert "is not the one on which stack" in update.output
    assert life.state() == before
