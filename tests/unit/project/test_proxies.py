"""Programs reach the node and loopback without the user's proxy, and everything else as the user says."""

import pytest

from project.proxies import exceptions

PROXY = {"HTTPS_PROXY": "http://proxy.example:3128"}


@pytest.mark.parametrize("environ", [{}, {"HTTP_PROXY": ""}, {"NO_PROXY": "intranet.example"}])
def test_without_a_proxy_there_are_no_exceptions(environ: dict[str, str]) -> None:
    assert exceptions(environ, "10.213.0.2") == {}


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "grpc_proxy"])
def test_either_spelling_excepts_loopback_and_the_hosts(name: str) -> None:
    listed = "localhost,127.0.0.1,::1,10.213.0.2"
    assert exceptions({name: "http://proxy.example"}, "10.213.0.2") == {"no_proxy": listed, "NO_PROXY": listed}


def test_the_user_s_exceptions_stay_whichever_spelling_has_them() -> None:
    given = {**PROXY, "no_proxy": "a.example, 127.0.0.1", "NO_PROXY": "b.example"}
    assert exceptions(given)["NO_PROXY"] == "a.example,127.0.0.1,b.example,localhost,::1"


def test_an_exception_of_all_hosts_stays_alone() -> None:
    assert exceptions({**PROXY, "NO_PROXY": "*"}, "10.213.0.2") == {"no_proxy": "*", "NO_PROXY": "*"}
