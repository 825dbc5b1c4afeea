"""Variables by which programs reach the embedded node and this machine's loopback without a proxy."""

from collections.abc import Mapping

LOOPBACK = ("localhost", "127.0.0.1", "::1")
_PROXIES = {"http_proxy", "https_proxy", "all_proxy", "grpc_proxy"}
_EXCEPTIONS = ("no_proxy", "NO_PROXY")  # some programs read the one, some the other


def exceptions(environ: Mapping[str, str], *hosts: str) -> dict[str, str]:
    """Both spellings of `no_proxy` with all exceptions in `environ`, loopback and `hosts`; empty without a proxy."""
    if not any(name.lower() in _PROXIES and value for name, value in environ.items()):
        return {}
    given = [host.strip() for name in _EXCEPTIONS for host in environ.get(name, "").split(",") if host.strip()]
    # Some programs take a star for all hosts only if it is alone.
    listed = "*" if "*" in given else ",".join(dict.fromkeys([*given, *LOOPBACK, *hosts]))
    return dict.fromkeys(_EXCEPTIONS, listed)
