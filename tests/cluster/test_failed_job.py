"""A Job that has failed does not fail the updates after it, once its cause is mended."""

import re

from tests.cluster.deployment import Deployment


def test_a_wrong_key_ends_the_update_with_the_publishers_reason(publishing: Deployment) -> None:
    (publishing.stack.root / "wrong-key").touch()
    update = publishing.up()
    assert not update.succeeded
    assert "BackoffLimitExceeded" in update.output
    assert re.search(r"publish failed: http://minio\S+ answered (AccessDenied|SignatureDoesNotMatch)", update.output)
    assert "not-the-key" not in update.output


def test_the_right_key_is_enough_for_the_next_update(publishing: Deployment) -> None:
    (publishing.stack.root / "wrong-key").unlink()
    assert publishing.run("preview", "--refresh").succeeded
    update = publishing.up()
    assert update.succeeded, update.output
    assert publishing.stack.outputs()["path"].startswith("sentiment")


def test_a_job_that_is_complete_stays(publishing: Deployment) -> None:
    update = publishing.run("up", "--yes", "--skip-preview", "--expect-no-changes")
    assert update.succeeded, update.output
