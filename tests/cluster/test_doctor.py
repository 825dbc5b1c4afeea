"""Ten faults at once on a real cluster: each is found, named, and answered with the command that comes next."""

import base64
import copy
import datetime
import json
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml

from cli.doctor.command import examine
from cli.stack import Stack
from components.stores import pki
from tests.cluster.deployment import NAMESPACE, RUNTIME, SERVICE, Deployment

LONGEST_SECONDS = 120
ALARM = b"\x08\x01\x18\x01"
"""Request to etcd that raises the alarm NOSPACE, as etcd does itself when its data reaches the quota."""
FAULTS = {
    "missing": (r"^InferenceService .*/missing$", "no object at its path", "Publish the model again.*make up"),
    "elsewhere": (r"^InferenceService .*/elsewhere$", "storage key elsewhere is not in", "storageKey.*make up"),
    "crashing": (r"^Pod .*-crashing-.*, container mlserver$", "exits with code 3", "kubectl .*logs .*--previous"),
    "greedy": (r"^Pod .*-greedy-.*, container mlserver$", "OOMKilled", "Raise modelmesh:runtimeMemory.*make up"),
    "imageless": (r"^Pod .*-imageless-.*, container mlserver$", "cannot be pulled", "Correct the image.*make up"),
    "etcd": (r"^Pod .*/etcd-0, container etcd$", "it is full", "kubectl .*alarm disarm"),
    "certificate": (r"^Secret .*webhook-server-cert", "has expired", "Renew it with an update: make up"),
    "minio": (r"^StatefulSet .*/minio$", "is scaled to 0", "make up"),
    "controller": (r"^Deployment .*/modelmesh-controller$", "is scaled to 0", "make up"),
    "drift": (r"of the stack's \d+ objects$", "they differ", "make drift"),
}
"""Subject, problem and next step of the finding about each fault."""
FAILING: dict[str, dict[str, Any]] = {
    "crashing": {"command": ["python", "-c", "print('port 8001 is in use'); raise SystemExit(3)"]},
    "greedy": {"command": ["python", "-c", "b'x' * 2**32"]},
    "imageless": {"image": "registry.invalid/nothing:1"},
}
"""Fields of the model servers of runtimes that fail, by the runtimes' names."""
ADDED = ("missing", "elsewhere", *(f"on-{name}" for name in FAILING))
"""Services that the stack does not have."""


@dataclass
class Cluster:
    """The stack of the tests, up, and its cluster, on which things go wrong."""

    deployment: Deployment

    def kubectl(self, *arguments: str, stdin: Any = None) -> str:
        stack = self.deployment.stack
        command = stack.kubectl("--namespace", NAMESPACE, *arguments)
        given = json.dumps(stdin) if stdin else None
        ended = subprocess.run(command, env=stack.environment, input=given, text=True, capture_output=True)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def doctor(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """The command as `make` runs it."""
        command = [sys.executable, "-m", "cli", "doctor", "--stack", "dev", "--instance", self.deployment.instance]
        return subprocess.run([*command, *arguments], cwd=self.deployment.stack.root, text=True, capture_output=True)

    def wait_for(self, *faults: str) -> None:
        """Wait until there is a finding about each of these faults."""
        end = time.monotonic() + LONGEST_SECONDS
        missing = set(faults)
        while missing:
            found = [(each.subject, each.problem) for each in examine(self.deployment.stack).findings()]
            for fault in faults:
                subject, problem, _ = FAULTS[fault]
                if any(re.search(subject, about) and re.search(problem, text) for about, text in found):
                    missing.discard(fault)
            assert time.monotonic() < end, f"without a finding: {missing}; found: {found}"
            time.sleep(1)

    def seen_by(self, account: str, folder: Path) -> Stack:
        """The stack for somebody with the rights of a ServiceAccount."""
        stack = self.deployment.stack
        kubeconfig, context = stack.cluster()
        document = yaml.safe_load(Path(kubeconfig).read_text())
        for user in document["users"]:
            user["user"] = {"token": self.kubectl("create", "token", account).strip()}
        (folder / "kubeconfig").write_text(yaml.safe_dump(document))
        config = {"modelmesh:kubeconfig": str(folder / "kubeconfig"), "modelmesh:context": context}
        (folder / "stack.yaml").write_text(yaml.safe_dump({"config": config}))
        return replace(stack, config_file=folder / "stack.yaml")

    def add_service(self, name: str, **changes: Any) -> None:
        """Create the stack's service once more, under another name."""
        item = self.deployment.get("isvc", SERVICE)
        mode = "serving.kserve.io/deploymentMode"
        annotations = {mode: item["metadata"]["annotations"][mode]}
        item["metadata"] = {"name": name, "namespace": NAMESPACE, "annotations": annotations}
        del item["status"]
        model = item["spec"]["predictor"]["model"]
        for key, value in changes.items():
            (model["storage"] if key in model["storage"] else model)[key] = value
        self.kubectl("create", "--filename=-", stdin=item)

    def add_runtime(self, name: str, **changes: Any) -> None:
        """Create a runtime whose model server has other fields, and a service that has its pods started."""
        item = self.deployment.get("servingruntime", RUNTIME)
        spec = copy.deepcopy(item["spec"])
        spec["supportedModelFormats"] = [{"name": name, "version": "1"}]
        spec["containers"][0] |= changes
        made = {key: item[key] for key in ("apiVersion", "kind")}
        self.kubectl("create", "--filename=-", stdin=made | {"metadata": {"name": name}, "spec": spec})
        self.add_service(f"on-{name}", runtime=name, modelFormat={"name": name})

    def raise_etcds_alarm(self) -> None:
        secret = self.deployment.get("secret", "etcd-certificates")["data"]
        trusted, key, chain = (base64.b64decode(secret[name]) for name in ("ca.crt", "client.key", "client.crt"))
        command = self.deployment.stack.kubectl("--namespace", NAMESPACE, "port-forward", "etcd-0", ":2379")
        with subprocess.Popen(command, env=self.deployment.stack.environment, text=True, stdout=subprocess.PIPE) as way:
            assert way.stdout
            found = re.search(r"127\.0\.0\.1:(\d+)", way.stdout.readline())
            assert found
            credentials = grpc.ssl_channel_credentials(trusted, key, chain)
            options = [("grpc.ssl_target_name_override", "localhost"), ("grpc.enable_http_proxy", 0)]
            with grpc.secure_channel(f"127.0.0.1:{found[1]}", credentials, options) as channel:
                alarm: Any = channel.unary_unary("/etcdserverpb.Maintenance/Alarm", request_serializer=bytes)
                alarm(ALARM, timeout=10)
            way.terminate()

    def mend(self) -> None:
        """Delete what was added, and restore the rest by an update, without which nothing can be deleted for good."""
        for kind, names in (("isvc", ADDED), ("servingruntime", FAILING)):
            self.kubectl("delete", kind, *names, "--ignore-not-found", "--wait=false")
        update = self.deployment.run("up", "--yes", "--skip-preview", "--refresh")
        assert update.succeeded, update.output

    def expire(self) -> None:
        """Replace the webhook's certificate by one that expired yesterday."""
        name = next(each for each in self.deployment.names("secrets") if "webhook-server-cert" in each)
        today = datetime.datetime.now(datetime.UTC).date()
        begin, end = today - datetime.timedelta(days=700), today - datetime.timedelta(days=1)
        pair = pki.Authority.new("test", begin).issue("webhook", ["webhook"], begin=begin, end=end)
        patch = {"data": {"tls.crt": base64.b64encode(pair.certificate.encode()).decode()}}
        self.kubectl("patch", name, "--patch", json.dumps(patch))


@pytest.fixture(scope="module")
def cluster(deployment: Deployment) -> Iterator[Cluster]:
    update = deployment.run("up", "--yes", "--skip-preview", "--refresh")
    assert update.succeeded, update.output
    yield (made := Cluster(deployment))
    made.mend()
    deployment.run("destroy", "--yes", "--skip-preview", "--refresh")


def test_a_stack_that_is_well_has_no_finding(cluster: Cluster) -> None:
    ended = cluster.doctor()
    assert ended.returncode == 0, ended.stdout
    assert "all is well" in ended.stdout
    assert re.search(rf"✓ {SERVICE} +Loaded, in ", ended.stdout)
    assert re.search(rf"✓ {RUNTIME} +1 of 1 pods ready; mlserver \d+ of [\d,]+ MiB", ended.stdout)
    assert re.search(r"✓ etcd-certificates +[\d,]+ days left", ended.stdout)


def test_an_account_that_may_only_read_and_no_secrets(cluster: Cluster, tmp_path: Path) -> None:
    stack = cluster.deployment.stack
    reading = {"apiGroups": ["*"], "verbs": ["get", "list"]}
    kinds = cluster.deployment.stack.run(stack.kubectl("api-resources", "--output=name"), quiet=True).split()
    names = [each.partition(".")[0] for each in kinds if each != "secrets"] + ["pods/log"]
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "reader"}}
    try:
        cluster.kubectl("create", "--filename=-", stdin=role | {"rules": [reading | {"resources": names}]})
        cluster.kubectl("create", "serviceaccount", "reader")
        account = f"--serviceaccount={NAMESPACE}:reader"
        cluster.kubectl("create", "clusterrolebinding", "reader", "--clusterrole=reader", account)
        report = examine(cluster.seen_by("reader", tmp_path))
    finally:
        for each in ("clusterrolebinding", "clusterrole", "serviceaccount"):
            cluster.kubectl("delete", each, "reader", "--ignore-not-found")
    assert list(report.findings()) == []
    assert [line.name for line in report.sections[-1].lines] == ["nodes/proxy", f"secrets in {NAMESPACE}"]


@pytest.fixture(scope="module")
def faults(cluster: Cluster) -> list[dict[str, Any]]:
    """Findings after ten faults, in an order in which none of them keeps another from happening."""
    cluster.add_service("missing", path="no/such")
    cluster.add_service("elsewhere", key="elsewhere")
    for name, changes in FAILING.items():
        cluster.add_runtime(name, **changes)
    cluster.wait_for("crashing", "greedy", "imageless", "missing", "elsewhere")
    cluster.kubectl("delete", "networkpolicy", "modelmesh-runtimes")
    cluster.kubectl("scale", "statefulset/minio", "--replicas=0")
    cluster.expire()
    cluster.raise_etcds_alarm()
    cluster.kubectl("scale", "deployment/modelmesh-controller", "--replicas=0")
    cluster.wait_for(*FAULTS)
    end = time.monotonic() + LONGEST_SECONDS
    while True:
        ended = cluster.doctor("--output", "json")
        assert ended.returncode == 4
        assert not cluster.deployment.secrets_in(ended.stdout, NAMESPACE)
        found: list[dict[str, Any]] = json.loads(ended.stdout)["findings"]
        # For moments, a container that crashes has ended for the first time, or runs once more.
        if all(_is_named(found, fault) for fault in FAULTS) or time.monotonic() > end:
            return found
        time.sleep(1)


def _is_named(faults: list[dict[str, Any]], fault: str) -> bool:
    """Whether there is one finding about a fault, with the right severity and next step."""
    subject, problem, step = FAULTS[fault]
    found = [each for each in faults if re.search(subject, each["subject"]) and re.search(problem, each["problem"])]
    return [each["severity"] for each in found] == ["warning" if fault == "drift" else "error"] and any(
        re.search(step, f"{each['text']}: {each['command']}") for each in found[0]["steps"]
    )


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_and_named_with_the_command_that_comes_next(faults: list[dict[str, Any]], fault: str) -> None:
    assert _is_named(faults, fault), faults


def test_the_advice_about_a_full_etcd_mends_it(cluster: Cluster, faults: list[dict[str, Any]]) -> None:
    (full,) = (each for each in faults if re.search(FAULTS["etcd"][1], each["problem"]))
    for step in full["steps"]:
        if " etcdctl " in step["command"]:
            cluster.kubectl(*shlex.split(step["command"])[1:])
    end = time.monotonic() + LONGEST_SECONDS
    while any("etcd-0" in each.subject for each in examine(cluster.deployment.stack).findings()):
        assert time.monotonic() < end


def test_an_update_mends_what_the_stack_itself_has(cluster: Cluster, faults: list[dict[str, Any]]) -> None:
    assert len(faults) >= len(FAULTS)
    cluster.mend()
    assert list(examine(cluster.deployment.stack).findings()) == []
