"""An etcd that is there already, with TLS and client certificates: it is known by the PEM texts of one Secret."""

import base64
import json
from collections.abc import Iterator

import pytest

from cli.predict import predict
from tests.cluster.deployment import Deployment, ProgramMaker


@pytest.fixture(scope="module")
def outside(program: ProgramMaker) -> Iterator[Deployment]:
    """The stack of this module, up."""
    made = program("outside_etcd", "outside-etcd")
    update = made.up()
    assert update.succeeded, update.output
    yield made
    made.run("destroy", "--yes", "--skip-preview")


def test_a_model_is_served_in_a_namespace_that_is_not_the_controllers(outside: Deployment) -> None:
    assert float(predict(outside.stack, "What a wonderful day, I love it!")["compound"]) == pytest.approx(
        0.8478, abs=5e-4
    )


def test_the_model_namespace_got_the_certificates_by_the_controllers_copy(outside: Deployment) -> None:
    secrets = outside.get("secrets", namespace="models")["items"]
    (copied,) = [secret for secret in secrets if "etcd_connection" in secret.get("data", {})]
    connection = json.loads(base64.b64decode(copied["data"]["etcd_connection"]))
    assert connection["root_prefix"] == "outside/mm_ns/models"
    assert connection["client_key"].startswith("-----BEGIN PRIVATE KEY")
    assert connection["certificate"].startswith("-----BEGIN CERTIFICATE")
