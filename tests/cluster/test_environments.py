"""A team's three stacks on one cluster, side by side: one image, one model, promoted from dev to staging to production.

Their controllers look after their own namespace each, as only one with cluster scope fits on a cluster. The stack files
are the examples in the repository, with this node for a cluster, a store in another namespace for the bucket, and sizes
that fit on two cores.
"""

import json
import os
import re
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.predict import predict
from tests.certificates import issued
from tests.cluster.checkout import copied
from tests.cluster.deployment import KINDS, Deployment
from tests.cluster.leaks import Secrets, command_lines, image_contents

STACKS = ("dev", "staging", "prod")
INSTANCE = "test"
BUILT = ("image", "modelImage", "modelDigest")
NAMESPACES = {stack: f"modelmesh-{stack}" for stack in STACKS}

# What the examples say of somebody's cluster, and what the node knows in its place.
ELSEWHERE = (
    "kubeconfig", "context", "imageRegistry", "images", "pullSecrets", "etcd", "runtimeMemory", "runtimeCpuRequest",
    "meshResources", "adapterResources",
)  # fmt: skip
SMALL = {
    "scope": "namespace",
    "restProxy": False,
    "podsPerRuntime": 1,
    "runtimeMemory": "512Mi",
    "runtimeCpuRequest": "50m",
    "meshResources": {"requests": {"cpu": "20m", "memory": "256Mi"}, "limits": {"cpu": "2", "memory": "512Mi"}},
    "adapterResources": {"requests": {"cpu": "20m", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": "256Mi"}},
}


@dataclass(frozen=True)
class Team:
    """A checkout with the team's stack files, and the secrets that were ever in play."""

    checkout: Path
    stacks: dict[str, Deployment]
    hidden: Secrets
    commands: set[bytes]
    printed: list[str]

    def make(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """What a person, or a workflow, types."""
        ended = subprocess.run(
            ["make", *arguments], cwd=self.checkout, env=os.environ | {"INSTANCE": INSTANCE},
            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        print(ended.stdout)
        self.printed.append(ended.stdout)
        return ended

    def config(self, stack: str) -> dict[str, Any]:
        parsed: dict[str, Any] = yaml.safe_load((self.checkout / f"Pulumi.{stack}.yaml").read_text())["config"]
        return parsed

    def score(self, stack: str) -> float:
        return float(predict(self.stacks[stack].stack, "What a wonderful day, I love it!")["compound"])


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory, deployment: Deployment) -> Iterator[Team]:
    """Nothing is up yet; whatever the tests leave is destroyed in the end."""
    checkout = copied(tmp_path_factory.mktemp("team"))
    hidden = Secrets()
    bucket = _outside_store(deployment, hidden)
    for stack in STACKS:
        _write_stack_file(checkout, stack, bucket if stack == "prod" else {})
    stacks = {stack: Deployment.on_instance(INSTANCE, stack, checkout) for stack in STACKS}
    given = {
        ("prod", "s3.secretAccessKey"): hidden.values["outside/store: password"],
        ("dev", "registryPassword"): secrets.token_urlsafe(24),
        ("dev", "buildSecrets.proxy-ca"): issued("proxy.example")["ca.crt"],
    }
    for (stack, path), value in given.items():
        _set_secret(stacks[stack], checkout, path, value)
        hidden.values[f"{stack}: {path}"] = value
    with command_lines() as commands:
        yield Team(checkout, stacks, hidden, commands, [])
    for made in stacks.values():
        made.stack.pulumi("state", "unprotect", "--all", "--yes", quiet=True)
        made.run("destroy", "--yes", "--skip-preview")
    _kubectl(deployment, "delete", "namespace", "outside", "--ignore-not-found")
    _kubectl(deployment, "delete", "crd", "--ignore-not-found", *_definitions(deployment))


@pytest.fixture(scope="module")
def before(team: Team) -> set[str]:
    return team.stacks["dev"].names(KINDS)


def test_dev_is_built_and_up(team: Team, before: set[str]) -> None:
    assert not any("modelmesh-dev" in name for name in before)
    assert team.make("up", "STACK=dev").returncode == 0
    assert team.score("dev") == pytest.approx(0.8478, abs=5e-4)


@pytest.mark.parametrize(("origin", "target"), [("dev", "staging"), ("staging", "prod")])
def test_what_was_built_once_is_promoted_as_a_diff_of_three_lines(
    team: Team, origin: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = (team.checkout / f"Pulumi.{target}.yaml").read_text().splitlines()
    assert team.make("promote", f"FROM={origin}", f"TO={target}").returncode == 0
    new = (team.checkout / f"Pulumi.{target}.yaml").read_text().splitlines()
    assert len(old) == len(new)
    changed = [line for line, former in zip(new, old, strict=True) if line != former]
    outputs = team.stacks[origin].stack.outputs()
    assert {line.split(": ", 1)[1].strip() for line in changed} == {outputs[name] for name in BUILT}
    made = team.stacks[target]
    if target == "staging":
        assert team.make("up", f"STACK={target}", "YES=1").returncode == 0
    else:
        events = team.checkout / "events.json"
        monkeypatch.setenv("PULUMI_DEBUG_COMMANDS", "true")  # it knows the flag of the next line only then
        update = made.run("up", "--yes", "--skip-preview", "--event-log", str(events))
        assert update.succeeded, update.output
        team.printed.extend([update.output, events.read_text()])
    assert team.score(target) == pytest.approx(0.8478, abs=5e-4)
    assert [made.stack.outputs()[name] for name in BUILT] == [outputs[name] for name in BUILT]


def test_one_image_was_built_once(team: Team) -> None:
    images = {stack: _of_type(made, "docker-build:index:Image") for stack, made in team.stacks.items()}
    assert {stack: len(found) for stack, found in images.items()} == {"dev": 2, "staging": 0, "prod": 0}
    digests = {tuple(made.stack.outputs()[name] for name in BUILT) for made in team.stacks.values()}
    assert len(digests) == 1


def test_each_has_credentials_of_its_own(team: Team) -> None:
    values = [_secret_values(team, stack) for stack in STACKS]
    assert all(values)
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert not values[one] & values[other]


def test_each_sees_its_own_namespace_and_shares_but_the_definitions(team: Team) -> None:
    made = team.stacks["dev"].names(KINDS)
    assert len([name for name in made if "validatingwebhook" in name and "modelmesh" in name]) == len(STACKS)
    assert not any("clusterrole" in name and "modelmesh" in name for name in made)
    assert not any("clusterservingruntimes" in name for name in made)
    runtimes = team.stacks["dev"].get("servingruntimes", namespace=NAMESPACES["dev"])["items"]
    assert {runtime["metadata"]["name"] for runtime in runtimes} == {"custom-runtime-0.x", "mlserver-1.x"}


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_what_is_just_up_has_not_drifted_and_would_not_change(team: Team, stack: str) -> None:
    drift = team.make("drift", f"STACK={stack}")
    assert drift.returncode == 0, drift.stdout


def test_what_somebody_changed_by_hand_is_drift(team: Team) -> None:
    scale = ("scale", "deployment/modelmesh-controller", "--namespace", NAMESPACES["staging"])
    _kubectl(team.stacks["staging"], *scale, "--replicas=1")
    try:
        drift = team.make("drift", "STACK=staging")
        assert drift.returncode != 0
        assert "stack staging has drifted" in drift.stdout
        assert re.search(r"(?s)apps/v1:Deployment.*modelmesh-controller.*replicas", drift.stdout)
    finally:
        _kubectl(team.stacks["staging"], *scale, "--replicas=3")


def test_a_preview_becomes_a_comment(team: Team) -> None:
    assert team.make("preview", "STACK=staging", "COMMENT=preview.md").returncode == 0
    comment = (team.checkout / "preview.md").read_text()
    assert "staging" in comment.splitlines()[0]
    assert "```diff" in comment


def test_no_secret_is_readable_anywhere(team: Team) -> None:
    """State, outputs, previews, events, command lines, what pods are told and what they log, and images."""
    hidden = team.hidden
    for stack in STACKS:
        for secret in team.stacks[stack].get("secrets", namespace=NAMESPACES[stack])["items"]:
            hidden.add_object(secret)
    assert len(hidden.values) > 15, "generated and given ones"
    hidden.forget("production")  # a user's name, which the stack file says
    diff = team.stacks["prod"].run("preview", "--diff", config={"s3": _other_region(team), "tls": {"enabled": True}})
    assert diff.succeeded, diff.output
    places = {"printed, events": "\n".join(team.printed), "a diff": diff.output}
    for stack, made in team.stacks.items():
        places[f"{stack}: state"] = made.stack.pulumi("stack", "export", quiet=True).stdout
        places[f"{stack}: outputs"] = json.dumps(made.stack.outputs())
        places[f"{stack}: pods"] = json.dumps(made.get("pods,jobs,configmaps", namespace=NAMESPACES[stack]))
        places[f"{stack}: logs"] = _logs(made, NAMESPACES[stack])
        places[f"{stack}: stack file"] = (team.checkout / f"Pulumi.{stack}.yaml").read_text()
    for place, text in places.items():
        assert len(text) > 500, f"{place} has to be looked into"
        assert hidden.found_in(text) == [], place
    # Given to the build, so they were on this machine; the engine's own plugins are among what was seen.
    assert any(b"pulumi-resource-docker-build" in line for line in team.commands)
    assert hidden.found_in(b"\n".join(team.commands)) == []
    outputs = team.stacks["dev"].stack.outputs()
    for ref in (outputs["image"], outputs["modelImage"]):
        for part, data in image_contents(ref):
            assert hidden.found_in(data) == [], f"{ref}: {part}"


def test_a_stack_refuses_a_cluster_that_it_was_not_made_on(team: Team, tmp_path: Path) -> None:
    """Its state is told another cluster, as if it had been made there."""
    dev = team.stacks["dev"]
    state = tmp_path / "state.json"
    exported = dev.stack.pulumi("stack", "export", quiet=True).stdout
    cluster = dev.stack.outputs()["cluster"]
    state.write_text(exported.replace(cluster, "00000000-0000-4000-8000-000000000000"))
    dev.stack.pulumi("stack", "import", "--file", str(state), quiet=True)
    there = dev.names(KINDS)
    try:
        for operation in (("preview",), ("up", "--yes", "--skip-preview")):
            update = dev.run(*operation, config={"podsPerRuntime": 2, "namespace": NAMESPACES["dev"]})
            assert not update.succeeded
            assert cluster in update.output
            assert "00000000-0000-4000-8000-000000000000" in update.output
            assert "Traceback" not in update.output
        down = team.make("down", "STACK=dev")
        assert down.returncode != 0
        assert f"its context now leads to {cluster}, so nothing was changed" in down.stdout
    finally:
        state.write_text(exported)
        dev.stack.pulumi("stack", "import", "--file", str(state), quiet=True)
    assert dev.names(KINDS) == there
    assert team.score("dev") == pytest.approx(0.8478, abs=5e-4)


def test_nothing_of_anybody_elses_is_taken_over(team: Team) -> None:
    dev = team.stacks["dev"]
    was = dev.get("namespace", "outside")["metadata"]
    for config, expected in {
        "outside": ({"namespace": "outside"}, "outside"),
        "staging's": ({"namespace": NAMESPACES["staging"]}, "staging"),
        "shared": ({"customResourceDefinitions": "own"}, "inferenceservices.serving.kserve.io"),
    }.values():
        for operation in (("preview",), ("up", "--yes", "--skip-preview")):
            update = dev.run(*operation, config=config)
            assert not update.succeeded
            assert expected in update.output
            assert "Traceback" not in update.output
    now = dev.get("namespace", "outside")["metadata"]
    assert (now["uid"], now["resourceVersion"]) == (was["uid"], was["resourceVersion"])
    assert team.score("staging") == pytest.approx(0.8478, abs=5e-4)


def test_ten_mistakes_are_ten_messages_and_change_nothing(team: Team) -> None:
    before = team.stacks["dev"].resources()
    file = team.checkout / "Pulumi.dev.yaml"
    right = file.read_text()
    wrong = {
        "podPerRuntime": 1, "podsPerRuntime": "many", "restProxy": "maybe", "scope": "everywhere",
        "runtimeMemory": "a lot", "inferenceService": "Sentiment!", "persistence": {"etcd": "1Mi"},
        "runtimeImage": "image:1", "modelDigest": "abc", "tls": {"clientAuth": "require"},
    }  # fmt: skip
    content = yaml.safe_load(right)
    content["config"] |= {f"modelmesh:{key}": value for key, value in wrong.items()}
    file.write_text(yaml.safe_dump(content))
    try:
        for operation in (("preview",), ("up", "YES=1")):
            ended = team.make(*operation, "STACK=dev")
            assert ended.returncode != 0
            for key in wrong:
                told = re.findall(rf"^ *Pulumi\.dev\.yaml:\d+: modelmesh:{key}\b.*: ", ended.stdout, re.MULTILINE)
                assert len(told) == 1, key
            assert "Pulumi.dev.yaml" in ended.stdout
    finally:
        file.write_text(right)
    assert team.stacks["dev"].resources() == before


def test_what_is_protected_is_not_destroyed(team: Team) -> None:
    there = team.stacks["staging"].names(KINDS)
    ended = team.make("down", "STACK=staging")
    assert ended.returncode != 0
    assert "PersistentVolumeClaim::minio-data" in ended.stdout
    assert team.stacks["staging"].names(KINDS) == there


def test_one_goes_and_the_others_do_not_notice(team: Team) -> None:
    staging = team.stacks["staging"]
    definitions = _definitions(staging)
    update = staging.run("up", "--yes", "--skip-preview", config={"protect": False})
    assert update.succeeded, update.output
    assert team.make("down", "STACK=staging").returncode == 0
    left = staging.names(KINDS)
    assert not any(NAMESPACES["staging"] in name for name in left)
    assert _definitions(staging) == definitions
    for stack in ("dev", "prod"):
        assert team.score(stack) == pytest.approx(0.8478, abs=5e-4)
    update = team.stacks["prod"].run("up", "--yes", "--skip-preview", "--expect-no-changes")
    assert update.succeeded, update.output


def _write_stack_file(checkout: Path, stack: str, more: dict[str, Any]) -> None:
    """The repository's example on this node."""
    file = checkout / f"Pulumi.{stack}.yaml"
    config = yaml.safe_load(file.read_text())["config"]
    kept = {key: value for key, value in config.items() if key.removeprefix("modelmesh:") not in ELSEWHERE}
    changes = {**SMALL, "namespace": NAMESPACES[stack], "customResourceDefinitions": "kept", **more}
    if stack == "prod":
        changes["persistence"] = {"etcd": "1Gi"}
    if stack == "dev":
        changes |= {"registryUser": "builder", "scaleToZero": True, "builtInRuntimes": ["mlserver-1.x"]}
    text = yaml.safe_dump({"config": kept | {f"modelmesh:{key}": value for key, value in changes.items()}}, width=200)
    file.write_text(text)


def _outside_store(deployment: Deployment, hidden: Secrets) -> dict[str, Any]:
    """A bucket that is none of the stacks': what production is told of it."""
    password = secrets.token_urlsafe(24)
    hidden.values["outside/store: password"] = password
    image = json.loads(deployment.stack.pulumi("config", "--json", quiet=True).stdout)["modelmesh:images"]
    labels, metadata = {"app": "store"}, {"name": "store", "namespace": "outside"}
    environment = {"MINIO_ROOT_USER": "production", "MINIO_UPDATE": "off", "HOME": "/tmp"}  # noqa: S108
    documents = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "outside"}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"MINIO_ROOT_PASSWORD": password}},
        {
            "apiVersion": "v1", "kind": "Service", "metadata": metadata,
            "spec": {"selector": labels, "ports": [{"port": 9000}]},
        },
        {
            "apiVersion": "v1", "kind": "Pod", "metadata": metadata | {"labels": labels},
            "spec": {
                "containers": [
                    {
                        "name": "store",
                        "image": json.loads(image["value"])["minio"],
                        "args": ["server", "/data"],
                        "env": [{"name": name, "value": value} for name, value in environment.items()],
                        "envFrom": [{"secretRef": {"name": "store"}}],
                        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
                        "readinessProbe": {"httpGet": {"path": "/minio/health/ready", "port": 9000}},
                    }
                ],
                "volumes": [{"name": "data", "emptyDir": {}}],
            },
        },
    ]  # fmt: skip
    listed = {"apiVersion": "v1", "kind": "List", "items": documents}
    subprocess.run(
        deployment.stack.kubectl("apply", "--filename=-"), env=deployment.stack.environment, check=True,
        input=json.dumps(listed), text=True, capture_output=True,
    )  # fmt: skip
    _kubectl(deployment, "wait", "pod/store", "--namespace=outside", "--for=condition=Ready", "--timeout=120s")
    bucket = {"endpointUrl": "http://store.outside.svc:9000", "region": "us-east-1", "accessKeyId": "production"}
    return {"s3": bucket}


def _set_secret(made: Deployment, checkout: Path, path: str, value: str) -> None:
    """The way that the message of a missing encryption tells; the value comes over standard input."""
    file = checkout / f"Pulumi.{made.stack.name}.yaml"
    subprocess.run(
        ["pulumi", "config", "set", "--stack", made.stack.name, "--config-file", str(file), "--secret", "--path",
         f"modelmesh:{path}"],
        cwd=checkout, env=made.stack.environment, input=value, text=True, check=True, capture_output=True,
    )  # fmt: skip


def _other_region(team: Team) -> dict[str, Any]:
    """Production's bucket with a change, so that there is a diff about it."""
    return {**team.config("prod")["modelmesh:s3"], "region": "us-west-1"}


def _of_type(made: Deployment, token: str) -> list[str]:
    return [urn for urn in made.resources() if f"${token}::" in urn or f"::{token}::" in urn]


def _secret_values(team: Team, stack: str) -> set[str]:
    """Encoded values of what the stack generated or was given, without what the cluster puts everywhere."""
    found = team.stacks[stack].get("secrets", namespace=NAMESPACES[stack])["items"]
    keys = ("tls.key", "password", "user", "AWS_SECRET_ACCESS_KEY", "localMinIO")
    return {value for secret in found for key, value in secret.get("data", {}).items() if key in keys}


def _logs(made: Deployment, namespace: str) -> str:
    pods = [pod["metadata"]["name"] for pod in made.get("pods", namespace=namespace)["items"]]
    command = [made.stack.kubectl("logs", "--namespace", namespace, pod, "--all-containers") for pod in pods]
    return "\n".join(made.stack.run(each, quiet=True) for each in command)


def _definitions(made: Deployment) -> list[str]:
    found = made.names("customresourcedefinitions")
    return sorted(name.split("/")[1] for name in found if "serving.kserve.io" in name)


def _kubectl(made: Deployment, *arguments: str) -> str:
    return made.stack.run(made.stack.kubectl(*arguments), quiet=True)
