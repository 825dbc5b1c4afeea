"""Credentials of private registries, and the Secret that carries them into a namespace."""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as kubernetes

from ..core.names_and_quantities import duplicate_problems, shown, subdomain_problems
from ..core.rendering import encoded

_KEY = ".dockerconfigjson"
_DOCKER_HUB = "https://index.docker.io/v1/"  # under which its credentials are looked up, whatever images call it
_DOCKER_HUB_NAMES = ("docker.io", "index.docker.io")


@dataclass(frozen=True, kw_only=True)
class RegistryCredentials:
    """A user of one registry."""

    registry: str
    """Its host, with a port where needed, and with a path where the user may see only that."""
    username: pulumi.Input[str] = field(repr=False)
    password: pulumi.Input[str] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class ImagePullSecret:
    """A Secret for pulling images, by its name."""

    name: str
    credentials: Sequence[RegistryCredentials] = ()
    """Empty where the Secret is there already."""

    def problems(self, path: str) -> Iterator[str]:
        """What no image could be pulled with."""
        yield from subdomain_problems(f"{path}.name", self.name)
        yield from duplicate_problems(f"{path}.credentials", [entry.registry for entry in self.credentials], "registry")
        for index, entry in enumerate(self.credentials):
            where = f"{path}.credentials[{index}]"
            if not entry.registry or "://" in entry.registry:
                yield f"{where}.registry: {shown(entry.registry)}, expected <host>[:<port>] without a scheme"
            for name in ("username", "password"):
                if getattr(entry, name) == "":
                    yield f"{where}.{name}: empty, expected some text"

    def text(self) -> pulumi.Output[str]:
        """The JSON text in which kubelets look credentials up, as a secret."""
        users = [pulumi.Output.all(entry.username, entry.password) for entry in self.credentials]
        registries = [entry.registry for entry in self.credentials]
        known = pulumi.Output.all(*users)
        return pulumi.Output.secret(
            known.apply(lambda pairs: _docker_config(dict(zip(registries, pairs, strict=True))))
        )


def pull_secrets(
    name: str, secrets: Sequence[ImagePullSecret], namespace: pulumi.Input[str], child: pulumi.ResourceOptions
) -> list[kubernetes.core.v1.Secret]:
    """Makes those of the Secrets that are not there already in one namespace."""
    return [
        kubernetes.core.v1.Secret(
            f"{name}-pull-{secret.name}",
            metadata={"name": secret.name, "namespace": namespace},
            type="kubernetes.io/dockerconfigjson",
            data=secret.text().apply(lambda text: encoded({_KEY: text})),
            opts=child,
        )
        for secret in secrets
        if secret.credentials
    ]


def _docker_config(users: Mapping[str, Sequence[str]]) -> str:
    auths = {
        _DOCKER_HUB if registry in _DOCKER_HUB_NAMES else registry: {
            "username": username,
            "password": password,
            "auth": base64.b64encode(f"{username}:{password}".encode()).decode(),
        }
        for registry, (username, password) in users.items()
    }
    return json.dumps({"auths": auths}, sort_keys=True)
