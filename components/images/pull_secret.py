"""Credentials of private registries, and the Secrets that hold them in a namespace."""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as kubernetes

from ..core.names_and_quantities import duplicate_problems, subdomain_problems
from ..core.problem import FieldPath, Problem
from ..core.rendering import encoded

_KEY = ".dockerconfigjson"
_DOCKER_HUB = "https://index.docker.io/v1/"
"""Key under which kubelets look up credentials of Docker Hub, whichever of its names an image uses."""
_DOCKER_HUB_NAMES = ("docker.io", "index.docker.io")


@dataclass(frozen=True, kw_only=True)
class RegistryCredentials:
    """A user of a registry and the password."""

    registry: str
    """Host and optional port of the registry, and a path if the user may read only that."""
    username: pulumi.Input[str] = field(repr=False)
    password: pulumi.Input[str] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class ImagePullSecret:
    """A Secret for pulling images: an existing one, or one with the given credentials."""

    name: str
    credentials: Sequence[RegistryCredentials] = ()
    """Credentials to store in the Secret; empty if the Secret exists already."""

    def problems(self, path: FieldPath) -> Iterator[Problem]:
        """Checks the Secret's name and its credentials."""
        credentials = path / "credentials"
        yield from subdomain_problems(path / "name", self.name)
        yield from duplicate_problems(credentials, [entry.registry for entry in self.credentials], "registry")
        for index, entry in enumerate(self.credentials):
            if not entry.registry or "://" in entry.registry:
                yield Problem(credentials / index / "registry", entry.registry, "<host>[:<port>] without a scheme")
            for name in ("username", "password"):
                if getattr(entry, name) == "":
                    yield Problem(credentials / index / name, "", "some text")

    def text(self) -> pulumi.Output[str]:
        """The Secret's content in Docker's JSON format, as a Pulumi secret."""
        users = [pulumi.Output.all(entry.username, entry.password) for entry in self.credentials]
        registries = [entry.registry for entry in self.credentials]
        known = pulumi.Output.all(*users)
        return pulumi.Output.secret(
            known.apply(lambda pairs: _docker_config(dict(zip(registries, pairs, strict=True))))
        )


def pull_secrets(
    name: str, secrets: Sequence[ImagePullSecret], namespace: pulumi.Input[str], child: pulumi.ResourceOptions
) -> list[kubernetes.core.v1.Secret]:
    """Creates the Secrets that have credentials in a namespace; the others exist already."""
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
