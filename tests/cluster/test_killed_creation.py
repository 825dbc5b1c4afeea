"""An object that an update was creating when it was killed becomes what the stack's files say by the next run."""

import json
from argparse import Namespace

import pytest

from cli import operations
from tests.cluster.deployment import Deployment

STATEFUL_SET = "kubernetes:apps/v1:StatefulSet"


def test_an_update_applies_an_edited_spec_to_what_a_killed_one_was_creating(publishing: Deployment) -> None:
    """The killed update waits for a server whose image does not exist; the next one has the right image.

    It is `pulumi up` as typed, to which the object is new: the fields that the killed update has set must be its own.
    """
    images = publishing.config("images")
    missing = f"{images['minio'].partition('@')[0]}@sha256:{'0' * 64}"
    publishing.kill(
        120,
        "up",
        config={"images": images | {"minio": missing}},
        sooner=lambda: "statefulset.apps/minio" in publishing.names("statefulsets"),
    )
    begun = publishing.stack.state()["deployment"]["pending_operations"]
    assert STATEFUL_SET in [each["resource"]["type"] for each in begun]
    update = publishing.up()
    assert update.succeeded, update.output
    (container,) = publishing.get("statefulset", "minio")["spec"]["template"]["spec"]["containers"]
    assert container["image"] == images["minio"]


def test_a_stack_is_destroyed_although_a_killed_update_was_creating_an_object_of_a_kind_that_is_gone(
    publishing: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = publishing.stack.state()
    made = next(each for each in state["deployment"]["resources"] if each["type"] == STATEFUL_SET)
    kind = "kubernetes:gone.example.com/v1:Certificate"
    inputs = {"apiVersion": "gone.example.com/v1", "kind": "Certificate", "metadata": made["inputs"]["metadata"]}
    begun = made | {"urn": made["urn"].replace(STATEFUL_SET, kind), "type": kind, "inputs": inputs}
    state["deployment"]["pending_operations"] = [
        {"resource": {key: begun[key] for key in begun.keys() - {"id", "outputs"}}, "type": "creating"}
    ]
    file = publishing.stack.root / "state.json"
    file.write_text(json.dumps(state))
    publishing.stack.pulumi("stack", "import", "--file", str(file), quiet=True)
    monkeypatch.setattr(operations, "open_stack", lambda *_: publishing.stack)
    operations.down(Namespace(stack=publishing.stack.name, instance=publishing.instance, yes=True))
    assert not publishing.resources()
