"""Model namespaces: what runtime pods need is there, once and no more, and before runtimes are."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest

from components.core.problem import ROOT, InvalidSpecError
from components.images.pull_secret import ImagePullSecret, RegistryCredentials
from components.installation.installation import Installation
from components.installation.model_namespace import ModelNamespace, ModelNamespaceArgs
from components.installation.namespace import Namespace, NamespaceArgs
from components.stores.storage import ExistingStorage, PvcStorage, S3Storage
from components.upstream import documents
from tests.unit.stack import worlds
from tests.unit.stack.engine import Resource, Run, run

NAMESPACE = "kubernetes:core/v1:Namespace"
PATCH = "kubernetes:core/v1:NamespacePatch"
SECRET = "kubernetes:core/v1:Secret"  # noqa: S105  a type
ACCOUNT = "kubernetes:core/v1:ServiceAccount"
POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
USER = "kubernetes:core/v1:ConfigMap"

BUCKET = S3Storage(
    endpoint_url="https://s3.example.com",
    bucket="models",
    region="eu-west-1",
    access_key_id="key-id",
    secret_access_key="hush",  # noqa: S106
)
REGISTRY = RegistryCredentials(registry="registry.example:5000", username="puller", password="hush")  # noqa: S106


def installation(*, tls: bool = False, config: Mapping[str, Any] | None = None) -> Installation:
    """One in namespace `serving`, whose controller has come up when the first resource of the run is there."""
    controller = kubernetes.core.v1.Pod("controller", metadata={"name": "controller"})
    keys = ("tls.crt", "tls.key", "ca.crt")
    return worlds.installation(
        namespace_name="serving",
        model_namespaces=("serving", "team-a", "team-b"),
        config=worlds.config(**(config or {})),
        namespace=pulumi.Output.from_input("serving"),
        admitting=controller.metadata.apply(lambda _: "serving"),
        tls={key: pulumi.Output.from_input(f"the {key}") for key in keys} if tls else None,
        tls_secret="mesh-tls" if tls else None,
    )


def made(
    namespace: str = "team-a",
    *,
    tls: bool = False,
    config: Mapping[str, Any] | None = None,
    **arguments: Any,
) -> Run:
    """What a model namespace is made of, and a config map that comes after `ready`."""

    def program() -> None:
        args = ModelNamespaceArgs(installation=installation(tls=tls, config=config), namespace=namespace, **arguments)
        there = ModelNamespace("models", args)
        assert there.namespace_name == namespace
        pulumi.export("namespace", there.namespace)
        kubernetes.core.v1.ConfigMap("user", metadata={"name": "user", "namespace": there.ready})

    return run(program)


def refused(namespace: str = "team-a", *, config: Mapping[str, Any] | None = None, **arguments: Any) -> list[str]:
    """The problems; nothing but the installation's controller has been registered then."""
    problems: list[str] = []

    def program() -> None:
        args = ModelNamespaceArgs(installation=installation(config=config), namespace=namespace, **arguments)
        with pytest.raises(InvalidSpecError) as raised:
            ModelNamespace("models", args)
        problems.extend(map(str, raised.value.problems))

    assert [resource.name for resource in run(program).resources] == ["controller"]
    return problems


def identity(resource: Resource) -> dict[str, str]:
    return {key: value for key, value in resource.inputs["metadata"].items() if key in ("name", "namespace")}


def decoded(secret: Resource) -> dict[str, str]:
    return {key: base64.b64decode(value).decode() for key, value in secret.inputs["data"].items()}


def test_a_namespace_of_its_own_is_made_and_marked() -> None:
    found = made()
    metadata = found.one(NAMESPACE).inputs["metadata"]
    assert (metadata["name"], metadata["labels"]) == ("team-a", {"modelmesh-enabled": "true"})
    assert metadata["annotations"]["modelmesh.pulumi.com/stack"] == "organization/modelmesh/dev"
    assert not found.of(PATCH)
    assert found.outputs["namespace"] == "team-a"


def test_somebody_elses_namespace_is_only_marked() -> None:
    found = made(exists=True)
    assert identity(found.one(PATCH)) == {"name": "team-a"}
    assert found.one(PATCH).inputs["metadata"]["labels"] == {"modelmesh-enabled": "true"}
    assert not found.of(NAMESPACE)
    assert found.outputs["namespace"] == "team-a"


def test_somebody_elses_namespace_loses_the_mark_while_the_controller_can_still_clean_up() -> None:
    found = made(exists=True)
    assert found.one("kubernetes:core/v1:Pod", "controller").urn in found.one(PATCH).dependencies


def test_a_namespace_is_protected_on_demand_and_nothing_else() -> None:
    found = made(protect=True, tls=True)
    assert [resource.token for resource in found.resources if resource.protected] == [NAMESPACE]
    assert not [resource for resource in made().resources if resource.protected]
    assert not [resource for resource in made(exists=True, protect=True).resources if resource.protected]


def test_the_controllers_namespace_is_taken_as_it_is() -> None:
    found = made("serving", tls=True)
    assert found.outputs["namespace"] == "serving"
    objects = [resource for resource in found.resources if resource.token.startswith("kubernetes:")]
    names = {resource.inputs["metadata"].get("name") for resource in objects}
    assert names - {None} == {"controller", "storage-config", "user"}, "TLS and policies are with the installation"
    assert {each.name for each in objects if "name" not in each.inputs["metadata"]} == {"models-constraints"}


def test_a_namespace_that_serves_no_models_says_so() -> None:
    def program() -> None:
        Namespace("quiet", NamespaceArgs(namespace="serving", serves_models=False))

    assert run(program).one(NAMESPACE).inputs["metadata"]["labels"] == {"modelmesh-enabled": "false"}


def test_a_namespaces_name_is_checked_before_it_is_registered() -> None:
    with pytest.raises(InvalidSpecError, match="namespace: 'Team A', expected up to 63 lower-case letters"):
        run(lambda: Namespace("wrong", NamespaceArgs(namespace="Team A", serves_models=True)))


def test_storage_is_told_under_the_configured_name() -> None:
    storage = {"main": BUCKET, "disk": PvcStorage(claim_name="models")}
    secret = made(storage=storage, config={"storage_secret_name": "stores"}).one(SECRET)
    assert identity(secret) == {"name": "stores", "namespace": "team-a"}
    entries = {key: json.loads(text) for key, text in decoded(secret).items()}
    assert entries["main"]["bucket"] == "models"
    assert entries["disk"] == {"type": "pvc", "name": "models"}
    assert set(secret.secrets) == set(secret.inputs["data"].values())


def test_runtime_pods_find_a_storage_secret_also_without_storage() -> None:
    assert made().one(SECRET, "storage-config").inputs["data"] == {}


def test_a_storage_secret_that_is_there_is_left_alone() -> None:
    assert not made(storage=ExistingStorage(secret_name="storage-config")).of(SECRET)  # noqa: S106


def accounts(found: Run) -> list[Resource]:
    """Those of model servers' pods."""
    return [account for account in found.of(ACCOUNT) if account.name != "models-constraints"]


def test_pods_run_as_the_default_account_unless_another_is_configured() -> None:
    assert not accounts(made())
    (account,) = accounts(made(config={"service_account_name": "model-servers"}))
    assert identity(account) == {"name": "model-servers", "namespace": "team-a"}


@pytest.mark.parametrize(
    ("namespace", "account", "count"),
    [
        ("serving", "modelmesh", 0),
        ("serving", "modelmesh-runtimes", 1),
        ("serving", "model-servers", 1),
        ("team-a", "modelmesh", 1),
    ],
)
def test_upstreams_account_is_not_made_twice(namespace: str, account: str, count: int) -> None:
    assert len(accounts(made(namespace, config={"service_account_name": account}))) == count


def test_the_data_planes_certificate_is_copied() -> None:
    secret = made(tls=True).one(SECRET, "mesh-tls")
    assert secret.inputs["metadata"]["namespace"] == "team-a"
    assert secret.inputs["type"] == "kubernetes.io/tls"
    assert decoded(secret) == {key: f"the {key}" for key in ("tls.crt", "tls.key", "ca.crt")}
    assert set(secret.secrets) == set(secret.inputs["data"].values())


def test_the_network_policy_is_upstreams() -> None:
    (upstream,) = [
        document for document in documents("rbac/cluster-scope") if document["metadata"]["name"] == "modelmesh-runtimes"
    ]
    policy = made().one(POLICY).inputs
    assert policy["spec"] == upstream["spec"]
    assert (policy["metadata"]["name"], policy["metadata"]["namespace"]) == ("modelmesh-runtimes", "team-a")
    assert not made(network_policies=False).of(POLICY)


def test_the_network_policy_lets_in_the_configured_ports() -> None:
    policy = made(config={"service_port": 9033}).one(POLICY).inputs["spec"]
    ports = {port["port"] for rule in policy["ingress"] for port in rule["ports"]}
    assert 9033 in ports
    assert 8033 not in ports


def test_credentials_of_registries_are_brought_where_they_are_not_there_already() -> None:
    there = ImagePullSecret(name="there")
    found = made(config={"image_pull_secrets": [ImagePullSecret(name="private", credentials=[REGISTRY]), there]})
    secret = found.one(SECRET, "private")
    assert secret.inputs["type"] == "kubernetes.io/dockerconfigjson"
    assert secret.inputs["metadata"]["namespace"] == "team-a"
    assert json.loads(decoded(secret)[".dockerconfigjson"]) == {
        "auths": {
            "registry.example:5000": {
                "username": "puller",
                "password": "hush",
                "auth": base64.b64encode(b"puller:hush").decode(),
            }
        }
    }
    assert set(secret.secrets) == set(secret.inputs["data"].values())
    assert {resource.inputs["metadata"]["name"] for resource in found.of(SECRET)} == {"private", "storage-config"}


def test_the_docker_hub_is_known_by_the_name_that_kubelets_look_for() -> None:
    hub = RegistryCredentials(registry="docker.io", username="puller", password="hush")  # noqa: S106
    found = made(config={"image_pull_secrets": [ImagePullSecret(name="hub", credentials=[hub])]})
    auths = json.loads(decoded(found.one(SECRET, "hub"))[".dockerconfigjson"])["auths"]
    assert set(auths) == {"https://index.docker.io/v1/"}


def test_wrong_credentials_are_named_without_their_values() -> None:
    wrong = ImagePullSecret(
        name="Private",
        credentials=[
            REGISTRY,
            REGISTRY,
            RegistryCredentials(registry="https://x", username="", password="hush"),  # noqa: S106
            RegistryCredentials(registry="", username="puller", password="hush"),  # noqa: S106
        ],
    )
    problems = list(wrong.problems(ROOT / "image_pull_secrets" / 0))
    assert [str(problem.path) for problem in problems] == [
        "image_pull_secrets[0].name",
        "image_pull_secrets[0].credentials[1].registry",
        "image_pull_secrets[0].credentials[2].registry",
        "image_pull_secrets[0].credentials[2].username",
        "image_pull_secrets[0].credentials[3].registry",
    ]
    assert "hush" not in "".join(map(str, problems)) + repr(wrong)


def test_runtimes_come_after_all_that_their_pods_need_and_after_the_controller() -> None:
    found = made(
        tls=True,
        storage={"main": BUCKET},
        config={
            "service_account_name": "model-servers",
            "image_pull_secrets": [ImagePullSecret(name="private", credentials=[REGISTRY])],
        },
    )
    needed = [
        found.one("kubernetes:core/v1:Pod", "controller"),
        found.one(NAMESPACE),
        *(found.one(SECRET, name) for name in ("storage-config", "mesh-tls", "private")),
        *accounts(found),
        found.one(POLICY),
    ]
    user = found.one(USER)
    assert {resource.urn for resource in needed} <= user.dependencies
    assert user.inputs["metadata"]["namespace"] == "team-a"


def test_what_pods_need_does_not_wait_for_the_controller() -> None:
    found = made(tls=True, storage={"main": BUCKET})
    controller = found.one("kubernetes:core/v1:Pod", "controller").urn
    for resource in (*found.of(SECRET), found.one(POLICY), found.one(NAMESPACE)):
        assert controller not in resource.dependencies


def test_everything_is_in_the_namespace_and_after_it() -> None:
    found = made(tls=True, storage={"main": BUCKET}, config={"service_account_name": "model-servers"})
    namespace = found.one(NAMESPACE).urn
    for resource in (*found.of(SECRET), found.one(POLICY), *accounts(found)):
        assert resource.inputs["metadata"]["namespace"] == "team-a"
        assert namespace in resource.dependencies
        assert "$" in resource.urn, "it is below a component"


def test_two_namespaces_do_not_clash() -> None:
    def program() -> None:
        config = {"service_account_name": "model-servers"}
        serving = installation(tls=True, config=config)
        for name in ("team-a", "team-b"):
            ModelNamespace(name, ModelNamespaceArgs(installation=serving, namespace=name))

    urns = [resource.urn for resource in run(program).resources]
    assert len(urns) == len(set(urns))


def test_the_controllers_copy_of_the_etcd_secret_is_not_touched() -> None:
    names = {resource.inputs["metadata"]["name"] for resource in made(tls=True, storage={"main": BUCKET}).of(SECRET)}
    assert names == {"storage-config", "mesh-tls"}


@pytest.mark.parametrize(
    ("namespace", "arguments", "expected"),
    [
        (
            "elsewhere",
            {},
            "namespace: 'elsewhere', expected one of the installation's model_namespaces (serving, team-a, team-b)",
        ),
        ("serving", {"exists": True}, "exists: True, expected False for the namespace of the controller"),
        ("team-a", {"storage": ExistingStorage(secret_name="mine")}, "storage.secret_name: 'mine', expected 'storage-"),  # noqa: S106
        ("team-a", {"storage": {"a/b": BUCKET}}, "storage: 'a/b', expected a key of up to 253 letters"),
        ("team-a", {"storage": {"disk": PvcStorage(claim_name="Models")}}, "storage.disk.name: 'Models', expected"),
    ],
)
def test_a_wrong_namespace_is_refused(namespace: str, arguments: dict[str, Any], expected: str) -> None:
    (problem,) = refused(namespace, **arguments)
    assert expected in problem


def test_all_problems_come_at_once() -> None:
    problems = refused("Team A", storage={"disk": PvcStorage(claim_name="mm-models"), "": BUCKET})
    assert len(problems) == 4
    assert [problem.partition(":")[0] for problem in problems[:2]] == ["namespace", "namespace"]
