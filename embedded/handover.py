"""Handover to a stack: the configuration values and environment variables that it gets from the node.

The command `up` writes them when everything runs; `config` and `env` only read them. KUBECONFIG is not among them: a
stack names its cluster in its configuration, so that no command reaches a cluster by accident.
"""

import json
import secrets
import shlex
from pathlib import Path
from typing import Any

from embedded import builder, files
from embedded.errors import EmbeddedError
from embedded.images import Images
from embedded.instance import Instance


def write(instance: Instance, images: Images, *, bin_folder: Path, pulumi_home: Path) -> None:
    """Record the handover, and make what it points at: state folder, passphrase, builder file."""
    passphrase = instance.data / "passphrase"
    if not passphrase.exists():
        files.write(passphrase, secrets.token_urlsafe(32))
    state = instance.data / "pulumi"
    state.mkdir(exist_ok=True, mode=0o700)
    document = {
        "config": {
            "modelmesh:kubeconfig": str(instance.kubeconfig),
            "modelmesh:context": instance.context,
            "modelmesh:registry": instance.registry,
            "modelmesh:registryInsecure": True,
            "modelmesh:builder": instance.builder_name,
            "modelmesh:buildArgs": {"BASE_IMAGE": images.base},
            "modelmesh:images": dict(images.parts),
        },
        "path": str(bin_folder),
        "env": {
            "PULUMI_HOME": str(pulumi_home),
            "PULUMI_BACKEND_URL": f"file://{state}",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(passphrase),
            "DOCKER_CONFIG": str(builder.docker_config(instance)),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        },
    }
    files.write(_path(instance), json.dumps(document, indent=2))


def config(instance: Instance) -> str:
    """The stack configuration as JSON."""
    return json.dumps(_read(instance)["config"], indent=2)


def environment(instance: Instance) -> str:
    """Lines for a shell to evaluate."""
    lines = [f'export PATH={shlex.quote(programs(instance))}"${{PATH:+:$PATH}}"']
    lines += [f"export {name}={shlex.quote(value)}" for name, value in variables(instance).items()]
    return "\n".join(lines)


def programs(instance: Instance) -> str:
    """The folder that has to come first on PATH."""
    return str(_read(instance)["path"])


def variables(instance: Instance) -> dict[str, str]:
    """The environment's other variables by name."""
    return dict(_read(instance)["env"])


def _read(instance: Instance) -> dict[str, Any]:
    path = _path(instance)
    if not path.exists():
        raise EmbeddedError(
            f"the node {instance.name} has not been started yet: run `python -m embedded up --instance {instance.name}`"
        )
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def _path(instance: Instance) -> Path:
    return instance.data / "handover.json"
