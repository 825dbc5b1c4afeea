"""Handover to stacks: facts about the node, and environment variables for Pulumi's engine.

The command `up` writes them when everything runs; all others only read them. KUBECONFIG is not among the variables: a
stack names its cluster in its configuration, so that no command reaches a cluster by accident.
"""

import json
import secrets
import shlex
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from embedded import builder, files
from embedded.errors import EmbeddedError
from embedded.images import Images
from embedded.instance import Instance
from project import COMMANDS, DEFAULT_STACK


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Facts about a started node."""

    kubeconfig: str
    context: str
    registry: str
    """Address of the registry, the same for the builder and the node; it speaks plain http."""
    builder: str
    """Name of the buildx builder."""
    base_image: str
    """Base image with Python, by digest."""
    images: Mapping[str, str]
    """Images by the name of the component that runs them, by digest; the one of ModelMesh is solo mesh."""
    mesh: Mapping[str, str]
    """Images of ModelMesh itself in the same form; none if no container registry served them."""
    programs: str
    """Folder of the programs that were built."""
    variables: Mapping[str, str]
    """Environment variables of Pulumi's engine: backend, passphrase, plugins, and where it finds the builder."""


def write(instance: Instance, images: Images, mesh: Mapping[str, str], *, bin_folder: Path, pulumi_home: Path) -> None:
    """Record the facts, and make what they refer to: state folder, passphrase, builder file."""
    passphrase = instance.data / "passphrase"
    if not passphrase.exists():
        files.write(passphrase, secrets.token_urlsafe(32))
    state = instance.data / "pulumi"
    state.mkdir(exist_ok=True, mode=0o700)
    facts = Facts(
        kubeconfig=str(instance.kubeconfig),
        context=instance.context,
        registry=instance.registry,
        builder=instance.builder_name,
        base_image=images.base,
        images=dict(images.parts),
        mesh=dict(mesh),
        programs=str(bin_folder),
        variables={
            "PULUMI_HOME": str(pulumi_home),
            "PULUMI_BACKEND_URL": state.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(passphrase),
            "DOCKER_CONFIG": str(builder.docker_config(instance)),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        },
    )
    files.write(instance.handover, text(facts))


def read(instance: Instance) -> Facts:
    """Facts that `write` has recorded; it is an error if the node was never started, or by another version."""
    try:
        return Facts(**json.loads(instance.handover.read_text()))
    except (FileNotFoundError, TypeError):
        raise EmbeddedError(
            f"the node {instance.name} has not been started yet: run `python -m embedded up --instance {instance.name}`"
        ) from None


def text(facts: Facts) -> str:
    """The facts as JSON."""
    return json.dumps(asdict(facts), indent=2)


def environment(instance: Instance) -> str:
    """Lines for a shell to evaluate, after which `pulumi` works on this checkout's stacks.

    The engine's own variables are not among them: they are for stacks of this node alone, and a shell may also be used
    for stacks on other clusters.
    """
    folders = [COMMANDS, Path(sys.executable).parent, read(instance).programs]
    variables = {"INSTANCE": instance.name, "PULUMI_STACK": DEFAULT_STACK}
    lines = [f'export PATH={shlex.quote(":".join(map(str, folders)))}"${{PATH:+:$PATH}}"']
    lines += [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    return "\n".join(lines)
