"""A controller that looks after its own namespace only, and has no rights in any other."""

from collections.abc import Iterator

import pytest

from cli.predict import predict
from tests.cluster.deployment import KINDS, NAMESPACE, Deployment


@pytest.fixture(scope="module")
def scoped(deployment: Deployment) -> Iterator[Deployment]:
    """The example's stack in namespace scope, with one of upstream's runtimes, which is the namespace's own then."""
    update = deployment.up(scope="namespace", scaleToZero=True, builtInRuntimes=["mlserver-1.x"])
    assert update.succeeded, update.output
    yield deployment
    deployment.run("destroy", "--yes", "--skip-preview")


def test_the_model_is_served(scoped: Deployment) -> None:
    assert float(predict(scoped.stack, "What a wonderful day, I love it!")["compound"]) == pytest.approx(
        0.8478, abs=5e-4
    )


def test_nothing_is_granted_or_shared_beyond_the_namespace(scoped: Deployment) -> None:
    names = scoped.names(KINDS)
    assert not any("clusterrole" in name and "modelmesh" in name for name in names)
    assert not any("clusterservingruntimes" in name for name in names)
    runtimes = {runtime["metadata"]["name"] for runtime in scoped.get("servingruntimes", namespace=NAMESPACE)["items"]}
    assert runtimes == {"custom-runtime-0.x", "mlserver-1.x"}
