import ssl
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.x509.oid import NameOID

from embedded import identities
from embedded.certificates import Authority
from embedded.instance import Instance


def load(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_identities_are_kept_over_restarts(node: Instance) -> None:
    first = identities.ensure(node)
    contents = {path: path.read_bytes() for path in (node.data / "pki").iterdir()}
    again = identities.ensure(node)
    assert first.admin == again.admin
    assert contents == {path: path.read_bytes() for path in (node.data / "pki").iterdir()}


def test_a_changed_address_makes_a_new_certificate(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "ca")
    before = load(authority.issue("s", "server", hosts=["10.0.0.2"]).certificate)
    after = load(authority.issue("s", "server", hosts=["10.0.0.6"]).certificate)
    assert before.serial_number != after.serial_number


def test_a_leaf_of_another_authority_is_replaced(tmp_path: Path) -> None:
    leaf = Authority(tmp_path, "ca").issue("c", "client")
    (tmp_path / "ca.key").unlink()
    authority = Authority(tmp_path, "ca")
    authority.issue("c", "client")
    load(leaf.certificate).verify_directly_issued_by(load(authority.pair.certificate))


def test_users_and_groups_are_those_that_kubernetes_knows(node: Instance) -> None:
    subject = load(identities.ensure(node).kubelet.certificate).subject
    (name,), (group,) = (
        subject.get_attributes_for_oid(oid) for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME)
    )
    assert (name.value, group.value) == ("system:node:modelmesh-test", "system:nodes")


def test_the_store_trusts_another_authority_than_the_cluster(node: Instance) -> None:
    ids = identities.ensure(node)
    assert load(ids.etcd_client.certificate).issuer != load(ids.admin.certificate).issuer


def test_the_kubeconfig_is_private_complete_and_has_the_promised_context(node: Instance) -> None:
    identities.ensure(node)
    assert node.kubeconfig.stat().st_mode & 0o777 == 0o600
    config = yaml.safe_load(node.kubeconfig.read_text())
    assert config["current-context"] == config["contexts"][0]["name"] == "modelmesh-test"
    assert config["clusters"][0]["cluster"]["server"] == "https://10.213.0.6:6443"


def test_keys_are_private_and_of_a_form_that_tls_loads(node: Instance) -> None:
    ids = identities.ensure(node)
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in (node.data / "pki").glob("*.key"))
    ssl.create_default_context(cafile=str(ids.cluster.pair.certificate)).load_cert_chain(
        ids.api_server.certificate, ids.api_server.key
    )


def test_the_encryption_secret_is_made_once(node: Instance) -> None:
    assert identities.encryption_secret(node) == identities.encryption_secret(node)
