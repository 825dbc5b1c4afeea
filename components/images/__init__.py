"""Container images: how they are built, the references of those that others publish, and registry credentials."""

from .images import ImageRef
from .pull_secret import ImagePullSecret, RegistryCredentials
from .runtime_image import PromotedImage

__all__ = [
    "ImagePullSecret",
    "ImageRef",
    "PromotedImage",
    "RegistryCredentials",
]
