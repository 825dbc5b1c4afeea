"""The pack itself, in its own environment: started as the engine starts it, and asked over the engine's protocol."""

import contextlib
import os
import select
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc
from pulumi.runtime.rpc import UNKNOWN as NOT_KNOWN_YET

from policies.rules import POLICIES, STACK_POLICIES
from project import ROOT
from project.environments import venv_for
from tests.unit.policies.resources import making_pods, spoilt

PACK = ROOT / "policies"
TOKEN = "kubernetes:batch/v1:Job"  # noqa: S105  a type
CONTAINER = ("spec", "template", "spec", "containers", 0)
GOOD = making_pods("batch/v1:Job")
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": "hunter2"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pack with its environment where engines look for it, without a change to the checkout."""
    folder = tmp_path_factory.mktemp("policies")
    for name in ("PulumiPolicy.yaml", "__main__.py", "pack", "rules"):
        (folder / name).symlink_to(PACK / name)
    (folder / "venv").symlink_to(venv_for(PACK / "requirements.txt"))
    return folder


@pytest.fixture
def pack(folder: Path, tmp_path: Path) -> Iterator[analyzer_pb2_grpc.AnalyzerStub]:
    """A pack that was just started, from another folder than its own."""
    with started([str(folder / "pack")], tmp_path) as port, grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield analyzer_pb2_grpc.AnalyzerStub(channel)


@contextlib.contextmanager
def started(program: list[str], where: Path, *more: str) -> Iterator[int]:
    """The port that the program tells, as the engine starts it; without what makes a Python here talk at once."""
    command = [*program, "127.0.0.1:1", *more]  # the engine's address, which no policy needs
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    with subprocess.Popen(command, cwd=where, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert select.select([process.stdout], [], [], 60)[0], "no port within a minute"
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def asked(properties: dict[str, Any], stack: str = "dev", token: str = TOKEN) -> analyzer_pb2.AnalyzeRequest:
    struct = Struct()
    struct.update(properties)
    urn = f"urn:pulumi:{stack}::modelmesh::modelmesh:index:ModelArtifact${token}::model"
    return analyzer_pb2.AnalyzeRequest(type=token, urn=urn, name="model", properties=struct)


def said(pack: analyzer_pb2_grpc.AnalyzerStub, request: analyzer_pb2.AnalyzeRequest) -> list[tuple[str, int, str]]:
    diagnostics = pack.Analyze(request).diagnostics
    return [(each.policyName, each.enforcementLevel, each.message.partition("\n")[2]) for each in diagnostics]


def test_the_pack_tells_its_policies_with_their_levels_and_settings(pack: analyzer_pb2_grpc.AnalyzerStub) -> None:
    info = pack.GetAnalyzerInfo(Empty())
    levels = {"mandatory": analyzer_pb2.MANDATORY, "advisory": analyzer_pb2.ADVISORY}
    assert (info.name, info.supportsConfig) == ("modelmesh", True)
    assert [(each.name, each.enforcementLevel, each.description) for each in info.policies] == [
        (policy.name, levels[policy.level], policy.description) for policy in (*POLICIES, *STACK_POLICIES)
    ]
    for told, policy in zip(info.policies, (*POLICIES, *STACK_POLICIES), strict=True):
        assert set(told.configSchema.properties) == set(policy.settings)
    (production,) = [each for each in info.policies if each.name == "production"]
    assert list(production.configSchema.properties["productionStacks"]["default"]) == ["prod"]


def test_a_good_resource_is_let_pass_and_a_spoilt_one_is_named(pack: analyzer_pb2_grpc.AnalyzerStub) -> None:
    assert said(pack, asked(GOOD)) == []
    assert said(pack, asked(spoilt(GOOD, (*CONTAINER, "image"), "server:1"))) == [
        (
            "own-images-by-digest",
            analyzer_pb2.MANDATORY,
            "spec.template.spec.containers[0].image: 'server:1', expected a digest: the stack builds or promotes it",
        )
    ]


def test_what_is_not_known_yet_hides_nothing_else(pack: analyzer_pb2_grpc.AnalyzerStub) -> None:
    unknown = spoilt(GOOD, (*CONTAINER, "image"), NOT_KNOWN_YET)
    assert said(pack, asked(unknown)) == []
    unknown = spoilt(unknown, (*CONTAINER, "securityContext", "privileged"), True)
    assert said(pack, asked(unknown)) == [
        (
            "no-privileges",
            analyzer_pb2.MANDATORY,
            "spec.template.spec.containers[0].securityContext.privileged: true, expected false",
        )
    ]


def test_a_secret_in_the_open_is_named_but_not_quoted(pack: analyzer_pb2_grpc.AnalyzerStub) -> None:
    open_secret = spoilt(GOOD, (*CONTAINER, "env"), [{"name": "PASSWORD", "value": SECRET}])
    assert said(pack, asked(open_secret)) == [
        (
            "no-plain-credentials",
            analyzer_pb2.MANDATORY,
            "spec.template.spec.containers[0].env[0].value: given for PASSWORD, expected valueFrom.secretKeyRef",
        )
    ]


def test_what_no_rule_reads_is_not_unpacked(pack: analyzer_pb2_grpc.AnalyzerStub) -> None:
    invalid = {"spec": {**SECRET, "4dabf18193072939515e22adb298388d": "of no known kind"}}
    definition = asked(invalid, token="kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition")  # noqa: S106  a type
    assert said(pack, definition) == []
    assert list(pack.Remediate(definition).remediations) == []
    with pytest.raises(grpc.RpcError):
        pack.Analyze(asked(invalid))


def test_settings_and_levels_come_from_the_policy_config(pack: analyzer_pb2_grpc.AnalyzerStub) -> None:
    service = {"metadata": {"name": "mesh"}, "spec": {"type": "LoadBalancer"}}
    request = asked(service, token="kubernetes:core/v1:Service")  # noqa: S106  a type
    policy = "cluster-ip-services"
    assert [(name, level) for name, level, _ in said(pack, request)] == [(policy, analyzer_pb2.MANDATORY)]

    config = analyzer_pb2.ConfigureAnalyzerRequest()
    config.policyConfig[policy].enforcementLevel = analyzer_pb2.ADVISORY
    pack.Configure(config)
    assert [(name, level) for name, level, _ in said(pack, request)] == [(policy, analyzer_pb2.ADVISORY)]

    config.policyConfig[policy].properties.update({"exposed": ["mesh"]})
    pack.Configure(config)
    assert said(pack, request) == []


def test_the_bill_of_a_whole_stack_is_bounded_by_the_policy_config(pack: analyzer_pb2_grpc.AnalyzerStub) -> None:
    deployment = asked(making_pods("apps/v1:Deployment"), token="kubernetes:apps/v1:Deployment")  # noqa: S106  a type
    stack = analyzer_pb2.AnalyzeStackRequest(
        resources=[
            analyzer_pb2.AnalyzerResource(
                type=each.type, urn=each.urn, name=each.name, properties=each.properties,
                options=analyzer_pb2.AnalyzerResourceOptions(),
            )
            for each in (deployment, asked(GOOD))
        ]
    )  # fmt: skip
    assert not pack.AnalyzeStack(stack).diagnostics
    config = analyzer_pb2.ConfigureAnalyzerRequest()
    config.policyConfig["bounded-bill"].enforcementLevel = analyzer_pb2.MANDATORY
    config.policyConfig["bounded-bill"].properties.update({"hard": ["pods=0", "requests.cpu=50m"]})
    pack.Configure(config)
    (found,) = pack.AnalyzeStack(stack).diagnostics
    assert (found.policyName, found.enforcementLevel) == ("bounded-bill", analyzer_pb2.MANDATORY)
    assert found.message.endswith("\npods: 1, expected at most 0")


def test_the_folder_works_as_a_pack_for_hosts_that_start_it_themselves(folder: Path, tmp_path: Path) -> None:
    declared = yaml.safe_load((folder / "PulumiPolicy.yaml").read_text())
    assert declared["runtime"] == {"name": "python", "options": {"toolchain": "pip", "virtualenv": "venv"}}
    host = [f"{folder}/venv/bin/python", "-u", "-m", "pulumi.policy"]
    with started(host, tmp_path, str(folder)) as port:
        assert port > 0


def test_a_pack_without_its_environment_says_how_to_make_it(tmp_path: Path) -> None:
    (tmp_path / "pack").symlink_to(PACK / "pack")
    ended = subprocess.run([tmp_path / "pack", "127.0.0.1:1"], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == f"{tmp_path}/venv is missing; create it with: make policies-env\n"
