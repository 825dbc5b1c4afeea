"""How etcd is reached: all that the Secret can say, and what either of its two readers would not take."""

import functools
import json
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from components.core.problem import Problem
from components.stores.etcd_connection import EtcdConnection
from tests.certificates import issued
from tests.unit.stack.engine import run

URL = "https://etcd.example.com:2379"


@functools.cache
def pair(number: int) -> tuple[str, PrivateKeyTypes]:
    """A certificate and its key."""
    texts = issued(f"client-{number}")
    return texts["tls.crt"], load_pem_private_key(texts["tls.key"].encode(), password=None)


def pem(key: PrivateKeyTypes, form: str = "PKCS8", password: str | None = None) -> str:
    hidden = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
    shape: serialization.PrivateFormat = getattr(serialization.PrivateFormat, form)
    return key.private_bytes(serialization.Encoding.PEM, shape, hidden).decode()


def connection(**changes: Any) -> EtcdConnection:
    return EtcdConnection(**({"endpoints": [URL], "root_prefix": "dev"} | changes))


CERTIFICATE, KEY = pair(1)
COMPLETE = connection(
    endpoints=[URL, "https://10.0.0.7:2379"],
    user="mesh",
    password="hush",  # noqa: S106
    certificate=CERTIFICATE,
    client_certificate=CERTIFICATE,
    client_key=pem(KEY),
    override_authority="etcd.internal",
)


def text(told: EtcdConnection) -> tuple[str, bool]:
    """What the Secret would say, and whether that is secret."""

    def program() -> None:
        kubernetes.core.v1.ConfigMap("told", data={"text": told.text()})

    (resource,) = run(program).resources
    found: str = resource.inputs["data"]["text"]
    return found, found in resource.secrets


def test_every_key_of_upstream_is_told_and_the_whole_is_secret() -> None:
    found, secret = text(COMPLETE)
    assert json.loads(found) == {
        "endpoints": "https://etcd.example.com:2379,https://10.0.0.7:2379",
        "userid": "mesh",
        "password": "hush",
        "root_prefix": "dev",
        "certificate": CERTIFICATE,
        "client_key": pem(KEY),
        "client_certificate": CERTIFICATE,
        "override_authority": "etcd.internal",
    }
    assert secret


def test_what_is_not_given_is_not_told() -> None:
    found, secret = text(connection())
    assert found == '{"endpoints": "https://etcd.example.com:2379", "root_prefix": "dev"}'
    assert secret


@pytest.mark.parametrize(
    "good",
    [
        COMPLETE,
        connection(),
        connection(endpoints=["http://etcd.models.svc:2379"]),
        connection(endpoints=["http://127.0.0.1:2379"]),
        connection(endpoints=["https://etcd.example.com:1", "https://etcd.example.com:65535"]),
        connection(root_prefix="team/dev"),
        connection(certificate=CERTIFICATE + pair(2)[0]),
    ],
)
def test_a_good_connection_has_no_problem(good: EtcdConnection) -> None:
    assert not list(good.problems())


def test_what_is_not_known_yet_is_not_looked_at_but_told_in_the_end() -> None:
    found: list[list[Problem]] = []

    def program() -> None:
        later: pulumi.Output[Any] = pulumi.Output.from_input("later")
        fields = ("user", "password", "certificate", "client_certificate", "client_key", "override_authority")
        unknown = connection(endpoints=later.apply(lambda _: [URL]), **dict.fromkeys(fields, later))
        found.append(list(unknown.problems()))
        kubernetes.core.v1.ConfigMap("told", data={"text": unknown.text()})

    (resource,) = run(program).resources
    assert found == [[]]
    assert json.loads(resource.inputs["data"]["text"])["client_key"] == "later"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"endpoints": []}, "endpoints: [], expected one or more URLs"),
        ({"endpoints": URL}, "endpoints: one text, expected a list of URLs"),
        ({"endpoints": ["etcd.example.com:2379"]}, "endpoints[0]: 'etcd.example.com:2379', expected http(s)://<host"),
        ({"endpoints": [f"{URL}/"]}, "endpoints[0]: 'https://etcd.example.com:2379/', expected http(s)://<host"),
        ({"endpoints": [f"{URL},{URL}"]}, "expected http(s)://<host"),
        ({"endpoints": ["https://etcd.example.com"]}, "expected http(s)://<host"),
        ({"endpoints": ["https://etcd.example.com:0"]}, "expected http(s)://<host"),
        ({"endpoints": ["https://etcd.example.com:65536"]}, "expected http(s)://<host"),
        ({"endpoints": ["https://[::1]:2379"]}, "endpoints[0]: 'https://[::1]:2379', expected http(s)://<host"),
        ({"endpoints": ["https://10.0.0.999:2379"]}, "expected an IPv4 address of four numbers up to 255"),
        (
            {"endpoints": [URL, "https://etcd:2379"]},
            "endpoints[1]: 'https://etcd:2379', expected a name that resolves in every",
        ),
        ({"endpoints": ["https://localhost:2379"]}, "like localhost.<namespace>.svc"),
        ({"endpoints": [URL, "http://etcd.models.svc:2379"]}, "endpoints: http and https, expected one scheme"),
        ({"root_prefix": ""}, "root_prefix: '', expected a prefix for this installation"),
        ({"root_prefix": "/dev"}, "root_prefix: '/dev', expected"),
        ({"root_prefix": "dev/"}, "root_prefix: 'dev/', expected"),
        ({"user": "mesh"}, "password: missing, expected both fields of the pair user and password, or neither"),
        ({"password": "hush"}, "user: missing, expected both fields of the pair user and password, or neither"),
        ({"user": "", "password": "hush"}, "user: '', expected some text"),
        (
            {"client_key": pem(KEY)},
            "client_certificate: missing, expected both fields of the pair client_certificate and client_key",
        ),
        (
            {"client_certificate": CERTIFICATE},
            "client_key: missing, expected both fields of the pair client_certificate and client_key",
        ),
        ({"certificate": "/etc/ca.crt"}, "certificate: not a certificate, expected the PEM text"),
        ({"certificate": pem(KEY)}, "certificate: not a certificate, expected the PEM text"),
        (
            {"client_certificate": CERTIFICATE, "client_key": pem(KEY, "TraditionalOpenSSL")},
            "client_key: not PKCS8, expected PKCS8 for the mesh",
        ),
        (
            {"client_certificate": CERTIFICATE, "client_key": pem(KEY, password="hush")},  # noqa: S106
            "client_key: not a private key without a password",
        ),
        (
            {"client_certificate": pair(2)[0], "client_key": pem(KEY)},
            "client_key: the key of another certificate, expected the key of the client's",
        ),
        (
            {"endpoints": ["http://etcd.models.svc:2379"], "certificate": CERTIFICATE},
            "certificate: set, expected none with http endpoints",
        ),
        ({"override_authority": "https://etcd"}, "override_authority: 'https://etcd', expected a host name"),
    ],
)
def test_what_etcds_clients_would_not_take(changes: dict[str, Any], expected: str) -> None:
    (problem,) = connection(**changes).problems()
    assert expected in str(problem)


def test_all_problems_come_at_once_and_none_tells_a_secret() -> None:
    secret = {"endpoints": ["https://mesh:hush@etcd.example.com:2379"], "password": "hush", "client_key": "hush"}
    found = [str(problem) for problem in connection(root_prefix="", **secret).problems()]
    assert len(found) == 5
    assert "endpoints[0]: (not shown), expected a URL without a user; use the fields user and password" in found
    assert "hush" not in "".join(found)


def test_its_text_for_people_tells_no_secret() -> None:
    secret = {"endpoints": ["https://mesh:hush@etcd.example.com:2379"], "user": "hush", "password": "hush"}
    shown = repr(connection(**secret, client_certificate="cert", client_key="hush"))
    assert "cert" in shown
    assert "hush" not in shown
