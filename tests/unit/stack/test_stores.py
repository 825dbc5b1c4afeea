"""etcd and MinIO inside the cluster: what their pods are, and on which disks they keep what they hold."""

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from components.core.problem import InvalidSpecError
from components.stores.etcd import Etcd, EtcdArgs
from components.stores.minio import Minio, MinioArgs
from components.stores.stateful_set import Persistence
from tests.unit.stack.engine import Run, run

Make = Callable[..., object]

STATEFUL_SET = "kubernetes:apps/v1:StatefulSet"
CLAIM = "kubernetes:core/v1:PersistentVolumeClaim"
SERVICE = "kubernetes:core/v1:Service"
IMAGE = "registry.example/store@sha256:0"
MIB = 1 << 20


def make_etcd(persistence: Persistence | None = None, root_prefix: str = "dev", **arguments: Any) -> Etcd:
    args = EtcdArgs(namespace="models", image=IMAGE, root_prefix=root_prefix, persistence=persistence, **arguments)
    return Etcd("etcd", args)


def make_minio(persistence: Persistence | None = None, **arguments: Any) -> Minio:
    args = MinioArgs(namespace="models", image=IMAGE, bucket="models", persistence=persistence, **arguments)
    return Minio("minio", args)


@dataclass(frozen=True)
class Store:
    """One of the two, and the port at which its clients look for it."""

    name: str
    make: Make
    port: tuple[str, int]


BOTH = [Store("etcd", make_etcd, ("client", 2379)), Store("minio", make_minio, ("s3", 9000))]


def made(make: Make, persistence: Persistence | None = None) -> Run:
    return run(lambda: make(persistence))


def pod(found: Run) -> dict[str, Any]:
    spec: dict[str, Any] = found.one(STATEFUL_SET).inputs["spec"]["template"]["spec"]
    return spec


def flags(found: Run) -> dict[str, str]:
    (container,) = pod(found)["containers"]
    told = (flag.partition("=") for flag in (*container["command"], *container["args"]))
    return {name: value for name, _, value in told}


@pytest.mark.parametrize("store", BOTH, ids=lambda store: store.name)
class TestBothStores:
    def test_run_one_pod_at_a_time_and_let_a_mended_one_take_the_place_of_one_that_never_got_ready(
        self, store: Store
    ) -> None:
        stateful_set = made(store.make).one(STATEFUL_SET, store.name).inputs["spec"]
        assert stateful_set["replicas"] == 1
        assert stateful_set["podManagementPolicy"] == "Parallel"
        assert stateful_set["serviceName"] == store.name

    def test_and_their_service_do_not_wait_for_each_other(self, store: Store) -> None:
        found = made(store.make)
        service, pods = found.one(SERVICE, store.name), found.one(STATEFUL_SET, store.name)
        assert service.urn not in pods.dependencies
        assert pods.urn not in service.dependencies
        assert service.inputs["metadata"]["annotations"]["pulumi.com/skipAwait"] == "true"

    def test_are_found_under_the_names_labels_and_ports_that_their_clients_know(self, store: Store) -> None:
        found = made(store.make)
        service = found.one(SERVICE, store.name).inputs
        assert service["metadata"].items() >= {"name": store.name, "namespace": "models"}.items()
        assert service["metadata"]["labels"] == {"app": store.name}
        port, number = store.port
        assert service["spec"]["selector"] == {"app": store.name}
        assert service["spec"]["ports"] == [{"name": port, "port": number, "targetPort": port}]
        assert found.one(STATEFUL_SET).inputs["spec"]["template"]["metadata"]["labels"] == {"app": store.name}
        assert pod(found)["containers"][0]["ports"][0] == {"name": port, "containerPort": number}

    def test_run_the_named_image_without_root_or_a_writable_file_system(self, store: Store) -> None:
        spec = pod(made(store.make))
        (container,) = spec["containers"]
        assert (container["name"], container["image"]) == (store.name, IMAGE)
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["fsGroup"] == spec["securityContext"]["runAsUser"]
        assert spec["automountServiceAccountToken"] is False

    def test_are_restarted_when_they_hang_but_later_than_they_are_called_unready(self, store: Store) -> None:
        (container,) = pod(made(store.make))["containers"]
        assert container["readinessProbe"]["httpGet"]["port"] == container["livenessProbe"]["httpGet"]["port"]
        assert container["readinessProbe"]["periodSeconds"] == 1
        liveness = container["livenessProbe"]
        assert liveness["timeoutSeconds"] == 5
        assert liveness["periodSeconds"] * liveness["failureThreshold"] == 60
        assert liveness["periodSeconds"] > liveness["timeoutSeconds"]

    def test_keep_nothing_without_persistence(self, store: Store) -> None:
        found = made(store.make)
        assert not found.of(CLAIM)
        assert {"name": "data", "emptyDir": {}} in pod(found)["volumes"]

    def test_are_on_the_claim_with_persistence_and_on_no_other_disk(self, store: Store) -> None:
        found = made(store.make, Persistence(size="5Gi"))
        claim = found.one(CLAIM, f"{store.name}-data")
        assert claim.inputs["spec"] == {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "5Gi"}},
        }
        (data,) = [volume for volume in pod(found)["volumes"] if volume["name"] == "data"]
        assert data == {"name": "data", "persistentVolumeClaim": {"claimName": f"{store.name}-data"}}
        assert claim.urn in found.one(STATEFUL_SET).dependencies

    def test_write_to_a_folder_of_the_disk(self, store: Store) -> None:
        (container,) = pod(made(store.make))["containers"]
        assert {"name": "data", "mountPath": "/data"} in container["volumeMounts"]
        told = [*container.get("command", ()), *container["args"]]
        assert any(text.endswith(f"/data/{store.name}") for text in told)

    def test_do_not_wait_for_a_claim_that_waits_for_their_pod(self, store: Store) -> None:
        claim = made(store.make, Persistence()).one(CLAIM)
        assert claim.inputs["metadata"]["annotations"]["pulumi.com/skipAwait"] == "true"

    def test_move_to_another_claim_for_another_class(self, store: Store) -> None:
        found = made(store.make, Persistence(storage_class="fast.ssd"))
        assert found.one(CLAIM, f"{store.name}-data-fast.ssd").inputs["spec"]["storageClassName"] == "fast.ssd"

    def test_are_refused_on_a_disk_that_cannot_be_before_anything_is_registered(self, store: Store) -> None:
        seen: list[InvalidSpecError] = []

        def program() -> None:
            with pytest.raises(InvalidSpecError) as raised:
                store.make(Persistence(size="much", storage_class="Fast"))
            seen.append(raised.value)

        assert not run(program).resources
        assert [str(problem).partition(",")[0] for problem in seen[0].problems] == [
            "persistence.size: 'much'",
            "persistence.storage_class: 'Fast'",
        ]

    def test_lose_no_claim_that_is_protected(self, store: Store) -> None:
        found = made(store.make, Persistence(protect=True))
        assert [resource.token for resource in found.resources if resource.protected] == [CLAIM]
        assert not [resource for resource in made(store.make, Persistence()).resources if resource.protected]

    def test_pull_their_image_with_the_credentials_that_are_named(self, store: Store) -> None:
        found = run(lambda: store.make(image_pull_secrets=["mirror", "hub"]))
        assert pod(found)["imagePullSecrets"] == [{"name": "mirror"}, {"name": "hub"}]
        assert "imagePullSecrets" not in pod(made(store.make))

    def test_are_refused_with_credentials_that_cannot_be(self, store: Store) -> None:
        with pytest.raises(InvalidSpecError) as raised:
            run(lambda: store.make(image_pull_secrets=["Mirror", "hub", "hub"]))
        assert [str(problem).partition(",")[0] for problem in raised.value.problems] == [
            "image_pull_secrets[0]: 'Mirror'",
            "image_pull_secrets[2]: 'hub'",
        ]

    def test_are_below_their_component(self, store: Store) -> None:
        component, *parts = made(store.make, Persistence()).resources
        assert component.name == store.name
        assert parts
        assert all("$" in part.urn for part in parts)


def test_etcd_forgets_old_revisions_and_raises_an_alarm_before_its_disk_is_full() -> None:
    found = flags(made(make_etcd))
    assert found["--auto-compaction-mode"] == "periodic"
    assert found["--auto-compaction-retention"] == "1h"
    assert int(found["--quota-backend-bytes"]) == 256 * MIB


@pytest.mark.parametrize("size", ["1Gi", "3Gi", "10Gi", "1Ti"])
def test_etcds_data_a_copy_of_it_and_the_logs_fit_on_its_disk(size: str) -> None:
    gib = {"1Gi": 1, "3Gi": 3, "10Gi": 10, "1Ti": 1024}[size]
    quota = int(flags(made(make_etcd, Persistence(size=size)))["--quota-backend-bytes"])
    assert 2 * quota + 5 * 64 * MIB <= gib * 1024 * MIB
    assert quota == min(gib * 1024 * MIB // 3, 8192 * MIB)


def test_etcd_with_a_full_quota_is_not_restarted_for_it() -> None:
    (container,) = pod(made(make_etcd))["containers"]
    assert container["livenessProbe"]["httpGet"]["path"] == "/health?exclude=NOSPACE"
    assert container["readinessProbe"]["httpGet"]["path"] == "/health"


def test_etcds_own_needs_of_disk_and_prefix_are_told_at_once() -> None:
    with pytest.raises(InvalidSpecError) as raised:
        run(lambda: make_etcd(Persistence(size="512Mi"), root_prefix="/dev/"))
    prefix, size = map(str, raised.value.problems)
    assert prefix.startswith("root_prefix: '/dev/', expected")
    assert size.startswith("persistence.size: '512Mi', expected 1Gi or more")


def test_etcd_is_named_so_that_every_namespace_finds_it_and_its_clients_get_a_certificate_of_their_own() -> None:
    texts: list[str] = []

    def program() -> None:
        make_etcd().connection.text().apply(texts.append)

    kept = run(program).one("kubernetes:core/v1:Secret", "etcd-certificates")
    files = {key: base64.b64decode(value).decode() for key, value in kept.inputs["data"].items()}
    assert json.loads(texts[0]) == {
        "endpoints": "https://etcd.models.svc:2379",
        "root_prefix": "dev",
        "certificate": files["ca.crt"],
        "client_certificate": files["client.crt"],
        "client_key": files["client.key"],
    }
    authority, server, client = (
        x509.load_pem_x509_certificate(files[key].encode()) for key in ("ca.crt", "tls.crt", "client.crt")
    )
    for issued in (server, client):
        issued.verify_directly_issued_by(authority)
        assert issued.not_valid_after_utc == authority.not_valid_after_utc
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName)[0] == "etcd.models.svc"
    purposes = client.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    with pytest.raises(x509.ExtensionNotFound):
        client.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert set(kept.inputs["data"].values()) <= set(kept.secrets)


def test_etcd_serves_keys_only_to_clients_with_a_certificate_and_mounts_no_key_of_theirs() -> None:
    found = made(make_etcd)
    assert flags(found)["--listen-client-urls"] == "https://0.0.0.0:2379"
    assert "--client-cert-auth" in flags(found)
    assert flags(found)["--trusted-ca-file"] == "/etc/etcd/ca.crt"
    (volume,) = [volume for volume in pod(found)["volumes"] if volume["name"] == "certificates"]
    assert [item["key"] for item in volume["secret"]["items"]] == ["tls.crt", "tls.key", "ca.crt"]


def test_etcd_is_restarted_by_other_certificates_which_it_reads_only_then() -> None:
    found = made(make_etcd)
    files = found.one("kubernetes:core/v1:Secret", "etcd-certificates").inputs["data"]
    template = found.one("kubernetes:apps/v1:StatefulSet").inputs["spec"]["template"]
    fingerprint = hashlib.sha256(base64.b64decode(files["ca.crt"])).hexdigest()[:16]
    assert template["metadata"]["annotations"] == {"checksum/configuration": fingerprint}
    assert fingerprint not in found.one("kubernetes:apps/v1:StatefulSet").secrets


def test_minios_credentials_are_generated_kept_and_nowhere_plain() -> None:
    found = made(make_minio)
    kept = found.one("kubernetes:core/v1:Secret", "minio-root")
    assert set(kept.secrets) == set(kept.inputs["data"].values())
    values = {key: base64.b64decode(value).decode() for key, value in kept.inputs["data"].items()}
    assert re.fullmatch(r"modelmesh-[0-9a-f]{12}", values["user"])
    assert re.fullmatch(r"[-_0-9A-Za-z]{40}", values["password"])
    (container,) = pod(found)["containers"]
    references = {entry["name"]: entry["valueFrom"] for entry in container["env"] if "valueFrom" in entry}
    assert references["MINIO_ROOT_PASSWORD"] == {"secretKeyRef": {"name": "minio-root", "key": "password"}}
    assert {"name": "tmp", "mountPath": "/tmp"} in container["volumeMounts"]  # noqa: S108
    assert {"name": "tmp", "emptyDir": {}} in pod(found)["volumes"]


def test_a_change_of_the_namespace_gives_etcd_certificates_for_its_new_name() -> None:
    (kept,) = made(make_etcd).of("pulumi:index:Stash")
    assert kept.replacement_trigger == "etcd.models.svc"
