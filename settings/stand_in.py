"""Solo mesh, which replaces ModelMesh if its image is not available."""

from collections.abc import Mapping

import components as mm

NAME = "solo-mesh"


def stands_in(images: mm.Images) -> bool:
    """Whether the mesh's image is solo mesh."""
    return NAME in images.modelmesh.name


def stand_in_labels(images: mm.Images) -> Mapping[str, str]:
    """Pod labels that distinguish runtime pods with solo mesh from those with ModelMesh."""
    return {"modelmesh-server": NAME} if stands_in(images) else {}
