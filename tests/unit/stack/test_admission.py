"""When the admission webhook answers, and what is told of it until then."""

import asyncio
import functools
from collections.abc import Iterable
from typing import Any

import pulumi
import pytest
from kubernetes import client

from components.core.cluster import Cluster
from components.core.polling import poll
from components.installation import admission
from components.installation.admission import admitted
from tests.unit.stack.worlds import CLUSTER

REFUSED = client.ApiException(status=500, reason="no route to the webhook")
NO_SUCH_KIND = client.ApiException(status=404)


def waited(monkeypatch: pytest.MonkeyPatch, answers: Iterable[Exception | None]) -> list[str]:
    """What was told while the API server answered so, one after the other; None admits the runtime."""
    told: list[str] = []
    following = iter(answers)

    def create(*_: Any, dry_run: str, **__: Any) -> dict[str, Any]:
        assert dry_run == "All"
        if error := next(following, AssertionError("asked once more")):
            raise error
        return {}

    def info(text: str, **_: object) -> None:
        told.append(text)

    monkeypatch.setattr(Cluster, "api_client", lambda _: client.ApiClient())
    monkeypatch.setattr(client.CustomObjectsApi, "create_namespaced_custom_object", staticmethod(create))
    monkeypatch.setattr(admission, "poll", functools.partial(poll, interval_seconds=0))
    monkeypatch.setattr(pulumi.log, "info", info)
    asyncio.run(admitted(CLUSTER, "serving"))
    return told


def test_it_is_asked_until_it_admits_a_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    assert waited(monkeypatch, [NO_SUCH_KIND, REFUSED, None]) == [
        "waiting for the admission webhook: the kind ServingRuntime or the namespace does not exist",
        "waiting for the admission webhook: no answer from the API server, trying again: 500 no route to the webhook",
    ]


def test_a_webhook_that_does_not_answer_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "_TIMEOUT_SECONDS", 0)
    with pytest.raises(
        pulumi.RunError, match=r"(?s)not admit a runtime in 'serving'.*no route.*kubectl -n serving logs"
    ):
        waited(monkeypatch, [REFUSED])
