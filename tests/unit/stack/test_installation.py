"""ModelMesh Serving's component: what an installation is made of, in each of its forms, and what it tells others."""

import base64
import json
from typing import Any

import pytest
import yaml
from cryptography import x509

from components.core.problem import InvalidSpecError
from components.images.images import Images
from components.images.pull_secret import ImagePullSecret, RegistryCredentials
from components.installation.data_plane_tls import DataPlaneTls
from components.installation.installation import Installation
from components.installation.modelmesh_serving_args import Controller
from components.installation.serving_config import Metrics, Resources, RestProxy
from components.stores.etcd_connection import EtcdConnection
from components.upstream import cluster_scoped_objects
from tests.unit.stack.engine import Resource, Run
from tests.unit.stack.installing import DAY, NAMESPACE, installed
from tests.unit.stack.worlds import config, images

SECRET = "kubernetes:core/v1:Secret"  # noqa: S105  a type
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
WEBHOOK = "kubernetes:admissionregistration.k8s.io/v1:ValidatingWebhookConfiguration"
DEFINITION = "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition"
POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
RBAC = "kubernetes:rbac.authorization.k8s.io/v1"
RUNTIMES = "kubernetes:serving.kserve.io/v1alpha1"
ALL_RUNTIMES = ["triton-2.x", "mlserver-1.x", "ovms-1.x", "torchserve-0.x"]
MARK = "modelmesh.pulumi.com/stack"
STACK = "organization/modelmesh/dev"
OWN_SCOPE = {"scope": "namespace", "model_namespaces": [NAMESPACE]}


@pytest.fixture(scope="module")
def plain() -> tuple[Run, Installation]:
    """One of which nothing special is asked, for all tests that only look at it."""
    return installed()


def controller(run: Run) -> Resource:
    return run.one("kubernetes:apps/v1:Deployment", "modelmesh-controller")


def container(run: Run) -> dict[str, Any]:
    (found,) = controller(run).inputs["spec"]["template"]["spec"]["containers"]
    return dict(found)


def environment(run: Run) -> dict[str, str]:
    return {entry["name"]: entry.get("value", "") for entry in container(run)["env"]}


def serving_config(run: Run) -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load(run.one(CONFIG_MAP, "model-serving-config").inputs["data"]["config.yaml"])
    return parsed


def etcd_secret(run: Run) -> Resource:
    (found,) = [secret for secret in run.of(SECRET) if secret.name == "model-serving-etcd"]
    return found


def test_in_cluster_scope_it_may_look_after_every_namespace(plain: tuple[Run, Installation]) -> None:
    run, installation = plain
    assert installation.scope == "cluster"
    assert environment(run)["NAMESPACE_SCOPE"] == "false"
    assert len(run.of(DEFINITION)) == 4
    (role,) = run.of(f"{RBAC}:ClusterRole")
    assert any("namespaces" in rule["resources"] for rule in role.inputs["rules"])


def test_in_namespace_scope_it_has_rights_in_its_own_only_and_knows_no_shared_runtimes() -> None:
    run, installation = installed(**OWN_SCOPE)
    assert (installation.scope, installation.model_namespaces) == ("namespace", (NAMESPACE,))
    assert environment(run)["NAMESPACE_SCOPE"] == "true"
    assert not run.of(f"{RBAC}:ClusterRole")
    assert not run.of(f"{RBAC}:ClusterRoleBinding")
    assert run.one(f"{RBAC}:Role", "modelmesh-controller-role").inputs["metadata"]["namespace"] == NAMESPACE
    assert {definition.name.split(".")[0] for definition in run.of(DEFINITION)} == {
        "inferenceservices",
        "predictors",
        "servingruntimes",
    }


def marks(run: Run) -> dict[str, str]:
    """Whose the objects are that no namespace holds, by kind and name."""
    return {
        f"{resource.token.rpartition(':')[2]} {resource.inputs['metadata']['name']}": annotations[MARK]
        for resource in run.resources
        if MARK in (annotations := resource.inputs.get("metadata", {}).get("annotations", {}))
    }


def wide(run: Run) -> list[Resource]:
    """All objects of a run that no namespace holds."""
    objects = [resource for resource in run.resources if resource.token.startswith("kubernetes:")]
    return [resource for resource in objects if "namespace" not in resource.inputs["metadata"]]


@pytest.mark.parametrize("changes", [{}, OWN_SCOPE, {"webhook_certificate": "cert-manager"}])
@pytest.mark.parametrize(("definitions", "mark"), [("own", STACK), ("kept", "shared")])
def test_what_no_namespace_holds_tells_whose_it_is(changes: dict[str, Any], definitions: Any, mark: str) -> None:
    run, _ = installed(**changes, definitions=definitions, built_in_runtimes=["mlserver-1.x"])
    told = marks(run)
    assert len(told) == len(wide(run)) > 3
    assert {owner for name, owner in told.items() if name.startswith("CustomResourceDefinition")} == {mark}
    assert {owner for name, owner in told.items() if not name.startswith("CustomResourceDefinition")} == {STACK}


@pytest.mark.parametrize("scope", [{}, OWN_SCOPE])
@pytest.mark.parametrize("definitions", ["own", "kept", "existing"])
def test_a_guard_asks_for_what_the_installation_makes(scope: dict[str, Any], definitions: Any) -> None:
    run, _ = installed(**scope, definitions=definitions)
    asked = cluster_scoped_objects(
        namespace=NAMESPACE, namespace_scope=bool(scope), definitions=definitions != "existing"
    )
    assert {f"{each['kind']} {each['metadata']['name']}" for each in asked} == marks(run).keys()


def test_own_definitions_go_with_the_stack_and_kept_ones_stay() -> None:
    own, kept = (installed(definitions=definitions)[0] for definitions in ("own", "kept"))
    assert not any(resource.retained for resource in own.resources)
    assert [resource.token for resource in kept.resources if resource.retained] == [DEFINITION] * 4


def test_definitions_are_kept_unless_told_otherwise(plain: tuple[Run, Installation]) -> None:
    assert all(definition.retained for definition in plain[0].of(DEFINITION))


def test_definitions_come_after_etcds_secret_and_nothing_but_the_controller_waits_for_them(
    plain: tuple[Run, Installation],
) -> None:
    run, _ = plain
    definitions, secret = {definition.urn for definition in run.of(DEFINITION)}, etcd_secret(run).urn
    for resource in wide(run):
        assert (secret in resource.dependencies) is (resource.urn in definitions)
        assert not resource.dependencies & definitions
    assert definitions <= controller(run).dependencies


def test_every_installation_applies_the_same_kept_definitions() -> None:
    one, _ = installed(definitions="kept")
    other, _ = installed(
        definitions="kept", namespace="other", namespace_name="other", webhook_certificate="cert-manager"
    )
    ours, theirs = ({made.name: made.inputs for made in run.of(DEFINITION)} for run in (one, other))
    assert ours == theirs


def test_existing_definitions_are_somebody_elses() -> None:
    run, _ = installed(definitions="existing")
    assert not run.of(DEFINITION)
    assert controller(run)


def test_installations_of_namespace_scope_share_nothing_but_kept_definitions() -> None:
    def objects(namespace: str) -> set[str]:
        run, _ = installed(
            scope="namespace", namespace=namespace, namespace_name=namespace, model_namespaces=[namespace]
        )
        return {f"{resource.token} {resource.inputs['metadata']['name']}" for resource in wide(run)}

    assert all(name.startswith(DEFINITION) for name in objects("team-a") & objects("team-b"))
    assert len(objects("team-a") - objects("team-b")) == 1, "the webhook"


def test_in_namespace_scope_the_webhook_answers_for_its_own_namespace_only(plain: tuple[Run, Installation]) -> None:
    run, _ = installed(**OWN_SCOPE)
    configuration = run.one(WEBHOOK)
    assert configuration.inputs["metadata"]["name"] == f"{NAMESPACE}.modelmesh-servingruntime.serving.kserve.io"
    (webhook,) = configuration.inputs["webhooks"]
    assert webhook["namespaceSelector"] == {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}}
    assert [rule["resources"] for rule in webhook["rules"]] == [["servingruntimes"]], "no selector holds for the others"
    (everywhere,) = plain[0].one(WEBHOOK, "modelmesh-servingruntime.serving.kserve.io").inputs["webhooks"]
    assert "namespaceSelector" not in everywhere
    assert everywhere["rules"][0]["resources"] == ["clusterservingruntimes", "servingruntimes"]


def test_models_are_served_in_the_controllers_namespace_unless_others_are_named() -> None:
    assert installed(model_namespaces=None)[1].model_namespaces == (NAMESPACE,)


def test_no_runtime_of_upstreams_comes_unasked(plain: tuple[Run, Installation]) -> None:
    run, installation = plain
    assert not run.of(f"{RUNTIMES}:ClusterServingRuntime")
    assert installation.built_in_runtimes == ()


def test_upstreams_runtimes_are_shared_and_run_the_images_that_are_named() -> None:
    run, installation = installed(
        built_in_runtimes=ALL_RUNTIMES, config=config(images=images(ovms="mirror.example/ovms:3"))
    )
    found = {
        runtime.name: runtime.inputs["spec"]["containers"][0]["image"]
        for runtime in run.of(f"{RUNTIMES}:ClusterServingRuntime")
    }
    assert found == {
        "triton-2.x": "nvcr.io/nvidia/tritonserver:23.04-py3",
        "mlserver-1.x": "seldonio/mlserver:1.3.2",
        "ovms-1.x": "mirror.example/ovms:3",
        "torchserve-0.x": "pytorch/torchserve:0.7.1-cpu",
    }
    told = {runtime.name: runtime for runtime in installation.built_in_runtimes}
    assert told.keys() == found.keys()
    assert told["mlserver-1.x"].namespace is None
    assert ("sklearn", "0") in told["mlserver-1.x"].formats
    assert ("sklearn", "0") not in told["triton-2.x"].formats


def test_in_namespace_scope_upstreams_runtimes_are_the_namespaces_own() -> None:
    run, installation = installed(**OWN_SCOPE, built_in_runtimes=["mlserver-1.x"])
    assert not run.of(f"{RUNTIMES}:ClusterServingRuntime")
    runtime = run.one(f"{RUNTIMES}:ServingRuntime", "mlserver-1.x")
    assert runtime.inputs["metadata"]["namespace"] == NAMESPACE
    assert [told.namespace for told in installation.built_in_runtimes] == [NAMESPACE]


def test_upstreams_runtimes_come_when_they_are_admitted() -> None:
    run, _ = installed(built_in_runtimes=["mlserver-1.x"])
    (runtime,) = run.of(f"{RUNTIMES}:ClusterServingRuntime")
    assert {controller(run).urn, run.one(WEBHOOK).urn} <= runtime.dependencies
    assert run.outputs["admitting"] == NAMESPACE


def test_a_registry_prefix_takes_the_place_of_every_registry_that_is_not_named() -> None:
    found = Images.of({"minio": "minio:1", "ovms": "own.example/ovms:3"}, registry="mirror.example:5000/hub/")
    run, _ = installed(built_in_runtimes=ALL_RUNTIMES, config=config(images=found))
    servers = {
        runtime.name: runtime.inputs["spec"]["containers"][0]["image"]
        for runtime in run.of(f"{RUNTIMES}:ClusterServingRuntime")
    }
    assert servers == {
        "triton-2.x": "mirror.example:5000/hub/nvidia/tritonserver:23.04-py3",
        "mlserver-1.x": "mirror.example:5000/hub/seldonio/mlserver:1.3.2",
        "ovms-1.x": "own.example/ovms:3",
        "torchserve-0.x": "mirror.example:5000/hub/pytorch/torchserve:0.7.1-cpu",
    }
    assert container(run)["image"] == "mirror.example:5000/hub/kserve/modelmesh-controller:v0.12.0"
    assert serving_config(run)["modelMeshImage"]["name"] == "mirror.example:5000/hub/kserve/modelmesh"
    assert str(found.etcd) == "mirror.example:5000/hub/coreos/etcd:v3.5.4"


def test_a_registry_prefix_is_no_url() -> None:
    with pytest.raises(InvalidSpecError, match=r"registry: .https://mirror\.example., expected <host>"):
        Images.of({}, registry="https://mirror.example")


def test_the_image_of_minio_has_no_default() -> None:
    assert Images.of().minio is None
    assert str(Images.of({"minio": "minio:1"}).minio) == "minio:1"


def test_the_controller_is_as_large_and_as_many_as_asked() -> None:
    resources = Resources(requests={"cpu": "1", "memory": "1Gi"}, limits={"cpu": "2", "memory": "2Gi"})
    run, _ = installed(controller=Controller(replicas=3, resources=resources, dev_mode_logging=True))
    assert controller(run).inputs["spec"]["replicas"] == 3
    assert container(run)["resources"] == resources.as_config()
    assert environment(run)["DEV_MODE_LOGGING"] == "true"


def test_the_controller_is_upstreams_where_nothing_is_asked(plain: tuple[Run, Installation]) -> None:
    run, _ = plain
    assert controller(run).inputs["spec"]["replicas"] == 1
    assert container(run)["resources"]["requests"] == {"cpu": "50m", "memory": "96Mi"}
    assert container(run)["resources"]["limits"] == {"cpu": "1", "memory": "512Mi"}
    assert "DEV_MODE_LOGGING" not in environment(run)


def test_the_controller_starts_anew_for_what_it_reads_at_its_start_only(plain: tuple[Run, Installation]) -> None:
    def template(run: Run) -> dict[str, Any]:
        return dict(controller(run).inputs["spec"]["template"])

    (one, _), (same, _) = plain, installed()
    other, _ = installed(config=config(storage_secret_name="stores"))  # noqa: S106  a name
    assert template(one) == template(same) != template(other)


def test_the_etcd_secret_has_a_name_that_pulumi_makes_up_and_the_controller_waits_for_it() -> None:
    connection = EtcdConnection(
        endpoints=["https://etcd.example:2379"],
        root_prefix="dev",
        user="mesh",
        password="hush-hush",  # noqa: S106
    )
    run, _ = installed(etcd=connection)
    secret = etcd_secret(run)
    assert "name" not in secret.inputs["metadata"], "Pulumi generates it"
    encoded = secret.inputs["data"]["etcd_connection"]
    assert json.loads(base64.b64decode(encoded)) == {
        "endpoints": "https://etcd.example:2379",
        "root_prefix": "dev",
        "userid": "mesh",
        "password": "hush-hush",
    }
    assert encoded in secret.secrets
    assert "ETCD_SECRET_NAME" in environment(run)
    assert secret.urn in controller(run).dependencies


def test_the_controller_is_probed_soon_and_each_of_its_variables_is_set_once(plain: tuple[Run, Installation]) -> None:
    probe, names = container(plain[0])["readinessProbe"], [entry["name"] for entry in container(plain[0])["env"]]
    assert (probe["initialDelaySeconds"], probe["periodSeconds"]) == (1, 2)
    assert sorted(names) == ["ETCD_SECRET_NAME", "NAMESPACE_SCOPE", "POD_NAME"]


def test_pull_secrets_are_made_once_and_the_controller_uses_all_of_them() -> None:
    private = RegistryCredentials(registry="registry.example", username="puller", password="hush-hush")  # noqa: S106
    secrets = [ImagePullSecret(name="there-already"), ImagePullSecret(name="private", credentials=[private])]
    run, _ = installed(config=config(image_pull_secrets=secrets))
    made = run.one(SECRET, "private")
    assert not [secret for secret in run.of(SECRET) if secret.inputs["metadata"].get("name") == "there-already"]
    named = [{"name": "there-already"}, {"name": "private"}]
    assert controller(run).inputs["spec"]["template"]["spec"]["imagePullSecrets"] == named
    assert serving_config(run)["imagePullSecrets"] == named
    assert made.urn in controller(run).dependencies


def test_network_policies_open_the_ports_that_are_configured() -> None:
    changed = config(service_port=9000, rest_proxy=RestProxy(port=9001), metrics=Metrics(port=9002))
    run, _ = installed(config=changed)
    rules = run.one(POLICY, "modelmesh-runtimes").inputs["spec"]["ingress"]
    assert [[entry["port"] for entry in rule["ports"]] for rule in rules] == [[9000, 8080], [9000, 9001], [9002]]


def test_network_policies_can_be_left_to_others(plain: tuple[Run, Installation]) -> None:
    assert len(plain[0].of(POLICY)) == 3
    assert not installed(network_policies=False)[0].of(POLICY)


def test_the_webhook_trusts_the_certificate_that_the_controller_mounts(plain: tuple[Run, Installation]) -> None:
    run, _ = plain
    (webhook,) = run.one(WEBHOOK).inputs["webhooks"]
    (volume,) = [
        entry
        for entry in controller(run).inputs["spec"]["template"]["spec"]["volumes"]
        if entry["name"] == "certificate"
    ]
    assert volume["secret"]["defaultMode"] == 0o440
    kept = run.one(SECRET, volume["secret"]["secretName"])
    assert kept.inputs["metadata"]["name"].startswith("modelmesh-webhook-server-cert-2026h2-")
    assert webhook["clientConfig"]["caBundle"] == kept.inputs["data"]["ca.crt"]
    certificate = x509.load_pem_x509_certificate(base64.b64decode(kept.inputs["data"]["tls.crt"]))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    host = f"modelmesh-webhook-server-service.{NAMESPACE}.svc"
    assert names.get_values_for_type(x509.DNSName) == [host, f"{host}.cluster.local"]


def test_a_preview_of_a_renewal_announces_it_and_shows_that_the_controller_restarts(
    caplog: pytest.LogCaptureFixture,
) -> None:
    kept = {"modelmesh-tls-issue": "2026h2", "modelmesh-webhook-issue": "2026h2"}
    near_its_end = DAY.replace(year=DAY.year + 2)  # a preview shows no renewal before that
    (now, _), (later, _) = (installed(tls=DataPlaneTls(), today=day, kept=kept) for day in (DAY, near_its_end))
    assert controller(now).inputs["spec"]["template"] != controller(later).inputs["spec"]["template"]
    for service in ("modelmesh-serving", f"modelmesh-webhook-server-service.{NAMESPACE}.svc"):
        assert f"The certificate of {service} was issued in 2026h2, and it is 2028h2 now" in caplog.text


def test_cert_manager_makes_and_injects_the_webhooks_certificate_instead() -> None:
    run, _ = installed(webhook_certificate="cert-manager")
    webhook = run.one(WEBHOOK)
    name = "modelmesh-webhook-server-cert"
    assert webhook.inputs["metadata"]["annotations"]["cert-manager.io/inject-ca-from"] == f"{NAMESPACE}/{name}"
    assert "caBundle" not in webhook.inputs["webhooks"][0]["clientConfig"]
    assert webhook.inputs["webhooks"][0]["failurePolicy"] == "Fail"
    assert "dnsNames" not in run.one("kubernetes:cert-manager.io/v1:Issuer").inputs["spec"]
    issuer = run.one("kubernetes:cert-manager.io/v1:Issuer").inputs["metadata"]
    certificate = run.one("kubernetes:cert-manager.io/v1:Certificate")
    assert certificate.inputs["spec"]["issuerRef"]["name"] == issuer["name"]
    assert certificate.inputs["metadata"]["namespace"] == issuer["namespace"] == NAMESPACE
    assert certificate.inputs["metadata"]["annotations"]["pulumi.com/waitFor"] == "condition=Ready"
    host = f"modelmesh-webhook-server-service.{NAMESPACE}.svc"
    assert certificate.inputs["spec"]["dnsNames"] == [host, f"{host}.cluster.local"]
    assert certificate.inputs["spec"]["secretName"] == name
    assert not [secret for secret in run.of(SECRET) if "cert" in secret.name]
    assert certificate.urn in controller(run).dependencies


def test_the_data_planes_certificate_is_for_every_model_namespace() -> None:
    run, installation = installed(
        tls=DataPlaneTls(client_auth="require", dns_names=["models.example.com"]), config=config(service_name="mesh")
    )
    secret = run.one(SECRET, run.outputs["tls_secret"])
    certificate = x509.load_pem_x509_certificate(base64.b64decode(secret.inputs["data"]["tls.crt"]))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [
        "mesh",
        *("mesh.serving", "mesh.serving.svc", "mesh.serving.svc.cluster.local"),
        *("mesh.team-a", "mesh.team-a.svc", "mesh.team-a.svc.cluster.local"),
        "models.example.com",
        "localhost",
    ]
    assert serving_config(run)["tls"] == {"secretName": run.outputs["tls_secret"], "clientAuth": "require"}
    assert run.outputs["ca"] == base64.b64decode(secret.inputs["data"]["ca.crt"]).decode()
    assert installation.tls
    assert installation.tls.keys() == secret.inputs["data"].keys()
    assert secret.urn in run.one(CONFIG_MAP, "model-serving-config").dependencies


def test_an_existing_secret_for_tls_is_only_named() -> None:
    run, installation = installed(tls=DataPlaneTls(existing_secret="mesh-tls"))  # noqa: S106  a name
    assert serving_config(run)["tls"] == {"secretName": "mesh-tls"}
    assert (installation.tls, installation.tls_secret) == (None, "mesh-tls")
    assert not [secret for secret in run.of(SECRET) if "tls" in secret.name]
    assert "ca" not in run.outputs


def test_without_tls_there_is_none(plain: tuple[Run, Installation]) -> None:
    run, installation = plain
    assert (installation.tls, installation.tls_secret) == (None, None)
    assert "tls" not in serving_config(run)


@pytest.mark.parametrize("webhook_certificate", ["own", "cert-manager"])
def test_no_secret_is_in_plain_text_anywhere(webhook_certificate: str) -> None:
    private = RegistryCredentials(registry="registry.example", username="puller", password="hush-hush")  # noqa: S106
    connection = EtcdConnection(
        endpoints=["http://etcd.x.svc:2379"],
        root_prefix="dev",
        user="mesh",
        password="quiet-now",  # noqa: S106
    )
    run, _ = installed(
        etcd=connection,
        tls=DataPlaneTls(),
        webhook_certificate=webhook_certificate,
        config=config(image_pull_secrets=[ImagePullSecret(name="private", credentials=[private])]),
    )
    keys = [
        base64.b64decode(secret.inputs["data"]["tls.key"]).decode()
        for secret in run.of(SECRET)
        if "tls.key" in secret.inputs["data"]
    ]
    assert keys
    hidden = ["hush-hush", "quiet-now", *keys]
    hidden += [base64.b64encode(text.encode()).decode() for text in hidden]
    hidden += [value for secret in run.of(SECRET) for value in secret.inputs["data"].values()]
    public = {secret.inputs["data"].get("ca.crt") for secret in run.of(SECRET)}
    for resource in run.resources:
        for text in resource.plain:
            assert not [value for value in hidden if value in text and value not in public], resource.urn
