"""Environment of the container as one frozen record; no other module reads the environment.

The names are those that the controller sets on the `mm` container. All problems are reported together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


class SettingsError(Exception):
    """Missing or malformed variables, one per line."""


@dataclass(frozen=True, kw_only=True)
class MetricsSettings:
    """Port and protocol of the metrics endpoint."""

    port: int
    https: bool


@dataclass(frozen=True, kw_only=True)
class TlsSettings:
    """Certificate of the gRPC port, and the authorities that it trusts."""

    certificate: Path
    key: Path
    trust: tuple[Path, ...]
    client_auth: bool


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of the process."""

    service: str
    pod: str
    address: str
    host: str
    labels: frozenset[str]
    default_owner: str
    grpc_port: int
    max_message_bytes: int
    management_target: str
    serving_target: str
    etcd_connection: Path
    key_prefix: str
    type_constraints: Path
    dataplane_config: Path
    metrics: MetricsSettings | None
    tls: TlsSettings | None
    shutdown_seconds: float
    log_each_call: bool
    # The controller's Deployment fixes the ports of the probes; only tests change them.
    probe_port: int
    prestop_port: int

    @property
    def instance(self) -> str:
        """Id of this pod among its peers: the end of the pod's name, as the controller expects in `location`."""
        return self.pod[-12:]

    @property
    def message_limits(self) -> list[tuple[str, int | str]]:
        """Options of every gRPC channel and server that inference passes through."""
        names = ("grpc.max_receive_message_length", "grpc.max_send_message_length")
        return [(name, self.max_message_bytes) for name in names]


def load(environ: Mapping[str, str]) -> Settings:
    """Read the settings; a SettingsError lists every variable that is missing or malformed."""
    problems: list[str] = []

    def text(name: str, default: str | None = None) -> str:
        value = environ.get(name, "").strip() or default
        if value is None:
            problems.append(f"{name} is not set; the controller sets it on the mm container")
        return value or ""

    def number(name: str, default: int) -> int:
        value = text(name, str(default))
        if not value.isdigit():
            problems.append(f"{name}={value!r} is not a whole number")
            return default
        return int(value)

    def target(prefix: str, fallback: str | None) -> str:
        if path := environ.get(f"{prefix}_SOCKET_PATH"):
            return f"unix:{path}"
        if port := environ.get(f"{prefix}_PORT"):
            return f"127.0.0.1:{port}"
        if fallback is None:
            problems.append(f"{prefix}_PORT or {prefix}_SOCKET_PATH has to be set: where the runtime's adapter listens")
        return fallback or ""

    kind, _, connection = text("KV_STORE").partition(":")
    if kind not in ("etcd", ""):
        problems.append(f"KV_STORE={kind}:… is not supported; only etcd:<path of the connection file> is")
    management = target("INTERNAL_GRPC", None)
    settings = Settings(
        service=text("MM_SERVICE_NAME"),
        pod=text("WKUBE_POD_NAME"),
        address=text("WKUBE_POD_IPADDR"),
        host=text("MM_LOCATION", "unknown"),
        labels=frozenset(filter(None, text("MM_LABELS", "").split(","))),
        default_owner=text("MM_DEFAULT_VMODEL_OWNER", "ksp"),
        grpc_port=number("MM_SVC_GRPC_PORT", 8033),
        max_message_bytes=number("MM_SVC_GRPC_MAX_MSG_SIZE", 16 * 1024 * 1024),
        management_target=management,
        serving_target=target("INTERNAL_SERVING_GRPC", management),
        etcd_connection=Path(connection),
        key_prefix=text("MM_KVSTORE_PREFIX", "mm"),
        type_constraints=Path(text("MM_TYPE_CONSTRAINTS_PATH")),
        dataplane_config=Path(text("MM_DATAPLANE_CONFIG_PATH")),
        metrics=_metrics(text("MM_METRICS", "disabled"), problems),
        tls=_tls(environ),
        shutdown_seconds=number("SHUTDOWN_TIMEOUT_MS", 90_000) / 1000,
        log_each_call=environ.get("MM_LOG_EACH_INVOKE", "") == "true",
        probe_port=number("SOLO_MESH_PROBE_PORT", 8089),
        prestop_port=number("SOLO_MESH_PRESTOP_PORT", 8090),
    )
    if problems:
        raise SettingsError("\n".join(problems))
    return settings


def _metrics(value: str, problems: list[str]) -> MetricsSettings | None:
    """Parse `prometheus:port=2112;scheme=https` or `disabled`."""
    kind, _, rest = value.partition(":")
    if kind == "disabled":
        return None
    options = dict(part.partition("=")[::2] for part in rest.split(";") if part)
    port = options.get("port", "2112")
    if kind != "prometheus" or not port.isdigit():
        problems.append(f"MM_METRICS={value!r}: expected prometheus:port=<number>;scheme=<http|https> or disabled")
        return None
    return MetricsSettings(port=int(port), https=options.get("scheme", "https") == "https")


def _tls(environ: Mapping[str, str]) -> TlsSettings | None:
    certificate, key = environ.get("MM_TLS_KEY_CERT_PATH"), environ.get("MM_TLS_PRIVATE_KEY_PATH")
    if not certificate or not key:
        return None
    trust = environ.get("MM_TLS_TRUST_CERT_PATH", "")
    return TlsSettings(
        certificate=Path(certificate),
        key=Path(key),
        trust=tuple(Path(path) for path in trust.split(",") if path),
        # Python's gRPC only has "require" and "none"; "optional" becomes the latter, so that no client is refused.
        client_auth=environ.get("MM_TLS_CLIENT_AUTH", "").lower() == "require",
    )
