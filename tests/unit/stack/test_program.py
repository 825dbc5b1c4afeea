"""The program under a recording engine: what stack `dev` is made of. Whether a cluster takes it is not asked here."""

import base64
import gc
import json
import re
import runpy
from pathlib import Path

import pytest
import yaml

from settings import ConfigurationError
from tests.unit.stack.engine import DIGEST, ROOT, Resource, Run, run, run_stack

GOLDEN = ROOT / "tests/unit/stack/dev_stack.txt"
JOB = "kubernetes:batch/v1:Job"
CLUSTER_WIDE = {
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleBinding",
    "ValidatingWebhookConfiguration",
    "Namespace",
}


@pytest.fixture(scope="module")
def dev(config: dict[str, str], workplace: Path) -> Run:  # noqa: ARG001  the program runs in it
    """One run for all tests that only look at it."""
    return run_stack(config)


def serving_config(run: Run) -> dict[str, object]:
    config_map = run.one("kubernetes:core/v1:ConfigMap", "model-serving-config")
    parsed: dict[str, object] = yaml.safe_load(config_map.inputs["data"]["config.yaml"])
    return parsed


def webhook_certificate(run: Run) -> Resource:
    (found,) = [secret for secret in run.of("kubernetes:core/v1:Secret") if secret.name.startswith("modelmesh-webhook")]
    return found


def test_the_stack_is_made_of_these_resources(dev: Run) -> None:
    names = sorted(f"{resource.token}  {resource.name}\n" for resource in dev.resources)
    found = re.sub(r"-\d{4}h[12]\b", "-<half-year>", "".join(names))  # certificates are renewed by the calendar
    assert found == GOLDEN.read_text(), f"if that is meant, change {GOLDEN.name}"


def test_every_object_is_in_the_stacks_namespace(dev: Run) -> None:
    for resource in dev.resources:
        kind = resource.token.split(":")[-1]
        if resource.token.startswith("kubernetes:") and kind not in CLUSTER_WIDE:
            assert resource.inputs["metadata"]["namespace"] == "modelmesh-serving", resource.urn


def test_every_bound_service_account_is_in_the_stacks_namespace(dev: Run) -> None:
    for token in ("RoleBinding", "ClusterRoleBinding"):
        for binding in dev.of(f"kubernetes:rbac.authorization.k8s.io/v1:{token}"):
            assert {subject["namespace"] for subject in binding.inputs["subjects"]} == {"modelmesh-serving"}
            assert binding.inputs["roleRef"]["name"]


def test_everything_is_below_a_component_and_on_an_explicit_provider(dev: Run) -> None:
    for resource in dev.resources:
        if resource.token.startswith(("kubernetes:", "docker-build:")):
            assert "$" in resource.urn, f"{resource.urn} has no component as its parent"
            package = resource.token.split(":")[0]
            assert f"pulumi:providers:{package}::" in resource.provider, resource.urn


def test_the_provider_names_its_cluster_and_keeps_fixed_names_mutable(dev: Run) -> None:
    provider = dev.one("pulumi:providers:kubernetes").inputs
    assert (provider["kubeconfig"], provider["context"]) == ("/nowhere/kubeconfig", "modelmesh-dev")
    assert provider["clusterIdentifier"] == "modelmesh/dev"
    assert provider["enableConfigMapMutable"] == provider["enableSecretMutable"] == "true"


def test_the_webhook_still_fails_closed_and_trusts_the_certificate_that_is_mounted(dev: Run) -> None:
    token = "kubernetes:admissionregistration.k8s.io/v1:ValidatingWebhookConfiguration"  # noqa: S105
    (webhook,) = dev.one(token).inputs["webhooks"]
    kept = webhook_certificate(dev)
    assert webhook["failurePolicy"] == "Fail"
    assert webhook["clientConfig"]["service"]["namespace"] == "modelmesh-serving"
    assert webhook["clientConfig"]["caBundle"] == kept.inputs["data"]["ca.crt"]
    assert base64.b64decode(kept.inputs["data"]["ca.crt"]).startswith(b"-----BEGIN CERTIFICATE")


def test_generated_values_are_kept_and_secret(dev: Run) -> None:
    for kept in (dev.one("kubernetes:core/v1:Secret", "minio-root"), webhook_certificate(dev)):
        (stash,) = [found for found in dev.of("pulumi:index:Stash") if found.name == kept.name]
        assert stash.ignore_changes == ("input",)
        assert set(stash.inputs["input"].values()) <= set(stash.secrets)
        assert set(kept.inputs["data"].values()) <= set(kept.secrets)


def test_every_object_is_applied_under_the_stacks_own_field_manager_and_overrides_others(dev: Run) -> None:
    objects = [resource for resource in dev.resources if resource.token.startswith("kubernetes:")]
    assert len(objects) > 20
    for resource in objects:
        annotations = resource.inputs["metadata"]["annotations"]
        if not resource.token.endswith(":CustomResourceDefinition"):
            assert annotations["pulumi.com/patchFieldManager"] == "pulumi/organization/modelmesh/dev", resource.urn
        assert annotations["pulumi.com/patchForce"] == "true", resource.urn


def test_no_secret_is_in_plain_text_anywhere(dev: Run) -> None:
    minio = dev.one("kubernetes:core/v1:Secret", "minio-root").inputs["data"]
    certificate = webhook_certificate(dev).inputs["data"]
    secrets = [minio["user"], minio["password"], certificate["tls.key"]]
    secrets += [base64.b64decode(value).decode() for value in secrets]
    for resource in dev.resources:
        for text in resource.plain:
            assert not any(secret in text for secret in secrets), resource.urn
    assert not any(secret in json.dumps(dev.outputs) for secret in secrets)


def test_storage_and_etcd_are_told_in_secrets_of_the_form_that_modelmesh_reads(dev: Run) -> None:
    storage = dev.one("kubernetes:core/v1:Secret", "storage-config")
    entry = json.loads(base64.b64decode(storage.inputs["data"]["localMinIO"]))
    assert entry["type"] == "s3"
    assert entry["endpoint_url"] == "http://minio.modelmesh-serving.svc:9000"
    assert all(isinstance(value, str) for value in entry.values())
    assert storage.inputs["data"]["localMinIO"] in storage.secrets
    (secret,) = [secret for secret in dev.of("kubernetes:core/v1:Secret") if secret.name == "model-serving-etcd"]
    etcd = secret.inputs["data"]["etcd_connection"]
    connection = json.loads(base64.b64decode(etcd))
    assert connection["endpoints"] == "https://etcd.modelmesh-serving.svc:2379"
    assert connection["root_prefix"] == "modelmesh-serving"
    assert connection.keys() >= {"certificate", "client_certificate", "client_key"}
    assert "userid" not in connection


def test_the_mesh_image_is_upstreams_unless_it_is_named(dev: Run, config: dict[str, str]) -> None:
    assert serving_config(dev)["modelMeshImage"] == {"name": "kserve/modelmesh", "tag": "v0.12.0"}
    images = json.loads(config["modelmesh:images"]) | {"modelmesh": f"mirror.example/mesh@sha256:{'d' * 64}"}
    named = run_stack(config | {"modelmesh:images": json.dumps(images)})
    assert serving_config(named)["modelMeshImage"] == {"name": "mirror.example/mesh", "digest": f"sha256:{'d' * 64}"}
    assert named.outputs["meshImage"] == f"mirror.example/mesh@sha256:{'d' * 64}"
    assert "meshNote" not in named.outputs
    assert "runtimePodLabels" not in serving_config(named)


def test_a_stand_in_for_the_mesh_is_called_one(config: dict[str, str], workplace: Path) -> None:  # noqa: ARG001
    images = json.loads(config["modelmesh:images"]) | {"modelmesh": f"registry.example/solo-mesh@sha256:{'e' * 64}"}
    stack = run_stack(config | {"modelmesh:images": json.dumps(images)})
    assert "stands in" in stack.outputs["meshNote"]
    assert serving_config(stack)["runtimePodLabels"] == {"modelmesh-server": "solo-mesh"}


def test_the_stack_files_settings_reach_the_controller(dev: Run) -> None:
    told = serving_config(dev)
    assert told["podsPerRuntime"] == 1
    assert told["scaleToZero"] == {"enabled": False, "gracePeriodSeconds": 60}
    assert told["storageSecretName"] == "storage-config"
    assert told["restProxy"]["enabled"] is False  # type: ignore[index]


def test_the_runtime_runs_the_built_image_by_digest(dev: Run) -> None:
    runtime = dev.one("kubernetes:serving.kserve.io/v1alpha1:ServingRuntime").inputs
    (container,) = runtime["spec"]["containers"]
    assert container["image"] == f"registry.example:5000/custom-runtime-0.x@{DIGEST}" == dev.outputs["image"]
    assert container["name"] == runtime["spec"]["builtInAdapter"]["serverType"] == "mlserver"
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108


def test_images_are_pushed_by_export_and_never_deleted(dev: Run) -> None:
    for image in dev.of("docker-build:index:Image"):
        assert image.inputs["push"] is False
        assert image.inputs["exports"][0]["registry"]["insecure"] is True
        assert image.inputs["buildOnPreview"] is False
        assert image.inputs["context"]["location"].startswith(".build/context/")
        assert image.retained


def test_the_service_asks_for_the_model_that_was_published(dev: Run) -> None:
    spec = dev.one("kubernetes:serving.kserve.io/v1beta1:InferenceService").inputs["spec"]["predictor"]["model"]
    digest = dev.outputs["modelDigest"].removeprefix("sha256:")
    assert spec["storage"] == {"key": "localMinIO", "path": f"sentiment/{digest}"}
    job = publisher(dev).inputs
    environment = {entry["name"]: entry["value"] for entry in job["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert environment["S3_PREFIX"] == f"sentiment/{digest}/"
    assert job["metadata"]["name"] == f"publish-sentiment-{digest[:12]}"


def publisher(dev: Run) -> Resource:
    (job,) = [job for job in dev.of(JOB) if job.name == "model"]
    return job


def test_runtimes_come_after_all_of_the_installation_and_services_after_runtime_and_model(dev: Run) -> None:
    runtime = dev.one("kubernetes:serving.kserve.io/v1alpha1:ServingRuntime")
    service = dev.one("kubernetes:serving.kserve.io/v1beta1:InferenceService")
    controller = dev.one("kubernetes:apps/v1:Deployment", "modelmesh-controller")
    definitions = dev.of("kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition")
    assert len(definitions) == 4
    assert {controller.urn, *(definition.urn for definition in definitions)} <= runtime.dependencies
    assert {runtime.urn, publisher(dev).urn} <= service.dependencies
    (shown,) = [job for job in dev.of(JOB) if job.name == "runtime-constraints"]
    assert runtime.urn in shown.dependencies
    assert shown.urn in service.dependencies
    assert {dev.one("kubernetes:core/v1:ConfigMap", "model-serving-config").urn} <= controller.dependencies


def test_the_controller_needs_no_root_and_carries_the_labels_of_the_network_policies(dev: Run) -> None:
    controller = dev.one("kubernetes:apps/v1:Deployment", "modelmesh-controller").inputs["spec"]["template"]
    (container,) = controller["spec"]["containers"]
    assert controller["spec"]["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert controller["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "modelmesh-controller"


def test_nothing_waits_for_what_comes_later(dev: Run) -> None:
    """The webhook's Service has no endpoint before the controller runs, and the controller comes after the Service."""
    service = dev.one("kubernetes:core/v1:Service", "modelmesh-webhook-server-service")
    assert service.inputs["metadata"]["annotations"]["pulumi.com/skipAwait"] == "true"
    definitions = dev.of("kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition")
    assert definitions
    for definition in definitions:
        assert definition.inputs["metadata"]["annotations"]["pulumi.com/waitFor"] == "condition=Established"


def test_the_stores_start_while_the_api_server_is_busy_with_definitions(dev: Run) -> None:
    (etcd_secret,) = [each for each in dev.of("kubernetes:core/v1:Secret") if each.name == "model-serving-etcd"]
    stores = {store.urn for store in dev.of("kubernetes:apps/v1:StatefulSet")}
    definitions = dev.of("kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition")
    assert definitions
    assert stores
    for definition in definitions:
        assert etcd_secret.urn in definition.dependencies
        assert not stores & definition.dependencies


def test_outputs_name_the_endpoint(dev: Run) -> None:
    assert dev.outputs["grpcUrl"] == "grpc://modelmesh-serving.modelmesh-serving:8033"
    assert dev.outputs["namespace"] == "modelmesh-serving"
    assert dev.outputs["inferenceService"] == dev.outputs["modelNames"] == "sentiment-analyzer"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"models": [{"name": "one", "path": "/a"}]},
            "models[0].path: '/a', expected a path from the top of",
        ),
        ({"models": [{"name": "One"}]}, "models[0].name: 'One', expected"),
        ({"modelSource": "absent"}, "modelSource: absent is not a folder, expected"),
        ({"modelSource": "empty"}, "modelSource.weights: empty, expected"),
        ({"runtimeSource": "absent"}, "runtimeSource: absent is not a folder, expected"),
        ({"readyTimeoutSeconds": -1}, "readyTimeoutSeconds: '-1', expected"),
        ({"inferenceService": "x" * 239}, "expected at most 238 characters, not 239"),
        ({"storageKey": "default_gcs"}, "storageKey: 'default_gcs', expected another key"),
    ],
)
def test_an_update_without_a_preview_registers_nothing_if_any_value_cannot_work(
    config: dict[str, str], workplace: Path, changes: dict[str, object], message: str
) -> None:
    (workplace / "empty").mkdir(exist_ok=True)
    (workplace / "empty/weights").touch()
    texts = {f"modelmesh:{k}": v if isinstance(v, str) else json.dumps(v) for k, v in changes.items()}

    def program() -> None:
        with pytest.raises(ConfigurationError) as raised:
            runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")
        assert message in str(raised.value)

    assert run(program, config=config | texts, preview=False).resources == []


def test_the_program_collects_no_garbage(config: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    disabled: list[bool] = []
    monkeypatch.setattr(gc, "disable", lambda: disabled.append(True))
    run_stack(config)
    assert disabled
