"""Comparison of the pod template by ModelMesh Serving's controller with the current configuration.

The controller updates the Deployments of all runtimes some time after a change of the ConfigMap
`model-serving-config`, which their status does not show.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..core.names_and_quantities import quantity

_MESH, _REST_PROXY, _TLS_VOLUME = "mm", "rest-proxy", "tls-certs"


def differences(template: Mapping[str, Any], own: Sequence[Mapping[str, Any]], config: Mapping[str, Any]) -> list[str]:
    """Differences between the pod template and the requested containers and configuration.

    Args:
        template: Pod template of a Deployment.
        own: The runtime's own containers.
        config: Content of `config.yaml` in the ConfigMap.
    """
    spec = template["spec"]
    containers = {container["name"]: container for container in spec["containers"]}
    found: list[str] = []
    for each in own:
        found += _container_differences(containers, each["name"], each["image"], each.get("resources"))
        found += _environment_differences(containers, each["name"], each.get("env") or [])
        given = containers.get(each["name"], {})
        found += [
            f"container {each['name']} has not the {field} of its spec"
            for field in ("command", "args")
            if (each.get(field) or []) != (given.get(field) or [])
        ]
    found += _container_differences(
        containers, _MESH, _ref(config.get("modelMeshImage")), config.get("modelMeshResources")
    )
    proxy = config.get("restProxy", {})
    if _REST_PROXY in containers:
        found += _container_differences(containers, _REST_PROXY, _ref(proxy.get("image")), proxy.get("resources"))
    for name in containers.keys() & _helpers(config) - {each["name"] for each in own}:
        image, resources = _ref(config.get("storageHelperImage")), config.get("storageHelperResources")
        found += _container_differences(containers, name, image, resources)
    tls = config.get("tls", {})
    client_auth = {"name": "MM_TLS_CLIENT_AUTH", "value": tls.get("clientAuth")}
    environment = [*(config.get("internalModelMeshEnvVars") or []), client_auth]
    found += _environment_differences(containers, _MESH, environment)
    secret = tls.get("secretName")
    mounted = {volume["name"]: volume.get("secret", {}).get("secretName") for volume in spec.get("volumes", [])}
    if mounted.get(_TLS_VOLUME) != secret:
        found.append(f"the TLS Secret {secret} is not mounted" if secret else "a TLS Secret is still mounted")
    return found


def _helpers(config: Mapping[str, Any]) -> set[str]:
    """Names of the container that fetches models: a built-in adapter, or the puller of a runtime with its own one."""
    return {"puller", *(f"{server_type}-adapter" for server_type in config.get("builtInServerTypes") or [])}


def _container_differences(
    containers: Mapping[str, Any], name: str, image: str | None, resources: Mapping[str, Any] | None
) -> Iterator[str]:
    container = containers.get(name, {})
    if image and container.get("image") != image:
        yield f"container {name} has not the image {image}"
    for kind in ("requests", "limits"):
        given = container.get("resources", {}).get(kind, {})
        for resource, value in ((resources or {}).get(kind) or {}).items():
            if quantity(given.get(resource)) != quantity(value):
                yield f"container {name} has not the {resource} {kind} of {value}"


def _environment_differences(
    containers: Mapping[str, Any], name: str, variables: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    given = {entry["name"]: entry.get("value") for entry in containers.get(name, {}).get("env", [])}
    for each in variables:
        if (value := each.get("value")) and given.get(each["name"]) != value:
            yield f"container {name} has not the requested {each['name']}"  # without the value, which may be secret


def _ref(image: Mapping[str, str] | None) -> str | None:
    if not image:
        return None
    return f"{image['name']}@{image['digest']}" if "digest" in image else f"{image['name']}:{image.get('tag', '')}"
