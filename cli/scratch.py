"""A temporary stack with the config of a real one, for previews if the real one's state or secrets are not available.

It is in a temporary folder outside the checkout and cannot be deployed. Stacks of the embedded node can be previewed
before its first start: placeholders replace the node's values.
"""

import json
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from cli.engine import CONFIG_FILE
from cli.stack import Stack, create, tracked
from project.stack_file import UNREADABLE, with_node

# Variables by which the engine finds and decrypts the real state.
_REAL = ("PULUMI_ACCESS_TOKEN", "PULUMI_CREDENTIALS_PATH", "PULUMI_CONFIG_PASSPHRASE_FILE")

# The context may lead to a cluster with other stacks, and images cannot be built with placeholders.
APART = {"modelmesh:kubeconfig": "/not-asked-in-a-scratch-preview", "modelmesh:buildOnPreview": False}

# Config of the node without defaults.
NODE_NOT_STARTED = {
    "modelmesh:context": "embedded-node-not-started",
    "modelmesh:registry": "registry.invalid:5000",
    "modelmesh:images": {"minio": "registry.invalid:5000/minio:embedded-node-not-started"},
    "modelmesh:restProxy": False,
}


@contextmanager
def scratch(stack: Stack, node: dict[str, Any] | None = None) -> Iterator[Stack]:
    """Provide `stack` without its state, and with a placeholder for each of its secrets, while the block runs.

    Args:
        stack: One that names its cluster, or one of an embedded node.
        node: Config that the node would provide.
    """
    with tempfile.TemporaryDirectory(prefix="modelmesh-preview-") as name:
        folder = Path(name)
        environment = {variable: value for variable, value in stack.environment.items() if variable not in _REAL} | {
            "PULUMI_HOME": str(_home(folder / "home", stack.environment)),
            "PULUMI_BACKEND_URL": f"file://{_made(folder / 'state')}",
            "PULUMI_CONFIG_PASSPHRASE": secrets.token_urlsafe(32),
            CONFIG_FILE: str(file := folder / f"Pulumi.{stack.name}.yaml"),
        }
        made = replace(stack, config_file=file, environment=environment)
        create(made)
        config = tracked(stack.name, stack.root).get("config") or {}
        plain, secret = without_secrets(with_node(config, node or {}) | APART)
        salt = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
        file.write_text(yaml.safe_dump(salt | {"config": plain}), encoding="utf-8")
        if secret:
            made.pulumi("config", "set-all", "--json", json.dumps(secret), quiet=True)
        yield made


def without_secrets(config: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Entries of a stack file without secrets, and those with secrets in the format of `pulumi config set-all --json`.

    The engine encrypts an entry with a nested secret as a whole; its program can't tell the difference.
    """
    readable = {key: _readable(value) for key, value in config.items()}
    secret = {
        key: {"value": value if isinstance(value, str) else json.dumps(value, default=str), "secret": True}
        for key, value in readable.items()
        if value != config[key]
    }
    return {key: value for key, value in readable.items() if key not in secret}, secret


def _home(home: Path, environment: Mapping[str, str]) -> Path:
    """A temporary Pulumi home with the plugins of the real one, which keeps no trace of the temporary stack."""
    real = Path(environment.get("PULUMI_HOME") or Path.home() / ".pulumi")
    _made(home)
    (home / "plugins").symlink_to(_made(real / "plugins"))
    # The engine logs every value of every resource, which doubles its time, unless it finds no folder for that.
    (home / "logs").touch()
    return home


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _readable(value: Any) -> Any:
    """Config value with placeholders instead of secrets."""
    if isinstance(value, dict):
        if value.keys() == {"secure"}:
            return UNREADABLE
        return {key: _readable(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_readable(entry) for entry in value]
    return value
