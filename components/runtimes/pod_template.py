"""Comparison of the pod template by ModelMesh Serving's controller with the current configuration.

The controller updates the Deployments of all runtimes some time after a change of the ConfigMap
`model-serving-config`, which their status does not show.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ..core.names_and_quantities import quantity

_MESH, _REST_PROXY, _TLS_VOLUME = "mm", "rest-proxy", "tls-certs"


def differences(template: Mapping[str, Any], images: Mapping[str, str], config: Mapping[str, Any]) -> list[str]:
    """Differences between the pod template and the requested images and configuration.

    Args:
        template: Pod template of a Deployment.
        images: Images of the runtime's containers, by container name.
        config: Content of `config.yaml` in the ConfigMap.
    """
    spec = template["spec"]
    containers = {container["name"]: container for container in spec["containers"]}
    found = [
        f"container {name} has not the image {image}"
        for name, image in images.items()
        if containers.get(name, {}).get("image") != image
    ]
    found += _container_differences(containers, _MESH, config.get("modelMeshImage"), config.get("modelMeshResources"))
    proxy = config.get("restProxy", {})
    if _REST_PROXY in containers:
        found += _container_differences(containers, _REST_PROXY, proxy.get("image"), proxy.get("resources"))
    for name in containers.keys() & _helpers(config) - images.keys():
        image, resources = config.get("storageHelperImage"), config.get("storageHelperResources")
        found += _container_differences(containers, name, image, resources)
    found += _mesh_environment_differences(containers.get(_MESH, {}), config)
    secret = config.get("tls", {}).get("secretName")
    mounted = {volume["name"]: volume.get("secret", {}).get("secretName") for volume in spec.get("volumes", [])}
    if mounted.get(_TLS_VOLUME) != secret:
        found.append(f"the TLS Secret {secret} is not mounted" if secret else "a TLS Secret is still mounted")
    return found


def _helpers(config: Mapping[str, Any]) -> set[str]:
    """Names of the container that fetches models: a built-in adapter, or the puller of a runtime with its own one."""
    return {"puller", *(f"{server_type}-adapter" for server_type in config.get("builtInServerTypes") or [])}


def _container_differences(
    containers: Mapping[str, Any], name: str, image: Mapping[str, str] | None, resources: Mapping[str, Any] | None
) -> Iterator[str]:
    container = containers.get(name, {})
    if image and container.get("image") != (ref := _reference(image)):
        yield f"container {name} has not the image {ref}"
    for kind in ("requests", "limits"):
        given = container.get("resources", {}).get(kind, {})
        for resource, value in ((resources or {}).get(kind) or {}).items():
            if quantity(given.get(resource)) != quantity(value):
                yield f"container {name} has not the {resource} {kind} of {value}"


def _mesh_environment_differences(mesh: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[str]:
    given = {entry["name"]: entry.get("value") for entry in mesh.get("env", [])}
    asked = {entry["name"]: entry["value"] for entry in config.get("internalModelMeshEnvVars") or []}
    if client_auth := config.get("tls", {}).get("clientAuth"):
        asked["MM_TLS_CLIENT_AUTH"] = client_auth
    for name, value in asked.items():
        if given.get(name) != value:
            yield f"the mesh has not {name}={value}"


def _reference(image: Mapping[str, str]) -> str:
    return f"{image['name']}@{image['digest']}" if "digest" in image else f"{image['name']}:{image.get('tag', '')}"
