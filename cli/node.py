"""The embedded node, for stacks without a cluster; the only module here that imports `embedded`.

Every import is inside a function, so that stacks on other clusters work without that folder.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from project.errors import UserError

if TYPE_CHECKING:
    from embedded.handover import Facts
    from embedded.instance import Instance


def named(name: str) -> "Instance":
    """Instance of that name."""
    from embedded.instance import instance

    return instance(name)


def start(name: str, given: Mapping[str, Any]) -> str:
    """Start the node with the mesh that the stack configuration `given` wants; the result says which one and why."""
    from embedded import lifecycle

    if image := (given.get("modelmesh:images") or {}).get("modelmesh"):
        lifecycle.up(named(name), "solo")
        return f"mesh: {image}, as modelmesh:images says"
    return lifecycle.up(named(name), _mesh(given), str(given.get("modelmesh:imageRegistry", "")))


def reset(name: str) -> None:
    """Stop the node and delete its data."""
    from embedded import lifecycle

    lifecycle.reset(named(name))


def facts(instance: "Instance") -> "Facts":
    """Facts about the node."""
    from embedded import handover

    return handover.read(instance)


def has_started(name: str) -> bool:
    """Whether the node was ever started."""
    try:
        facts(named(name))
    except UserError:
        return False
    return True


def config(facts: "Facts", given: Mapping[str, Any]) -> dict[str, Any]:
    """Stack configuration for a node with these facts, and for the stack's own configuration `given`."""
    images = {**facts.images, **({} if _mesh(given) == "solo" else facts.mesh)}
    return {
        "modelmesh:kubeconfig": facts.kubeconfig,
        "modelmesh:context": facts.context,
        "modelmesh:registry": facts.registry,
        "modelmesh:registryInsecure": True,
        "modelmesh:builder": facts.builder,
        "modelmesh:buildArgs": {"BASE_IMAGE": facts.base_image},
        "modelmesh:images": images,
        "modelmesh:restProxy": given.get("modelmesh:restProxy", "rest-proxy" in images),
    }


def _mesh(given: Mapping[str, Any]) -> str:
    return str(given.get("modelmesh:mesh", "auto"))
