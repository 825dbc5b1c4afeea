"""Imports the server and the implementation class in the finished image, and explains what is missing if that fails.

The Dockerfile runs it as the image's user, with the image's variables, before the image is complete.
"""

import importlib
import re
import sys
import traceback
from fnmatch import fnmatch

NODE_LIBRARIES = ("libcuda.so*", "libnvidia-*.so*", "libnvcuvid.so*", "libnvoptix.so*")
"""Libraries of a GPU's driver, which nodes with one add to the container."""


def package_of(library: str) -> str:
    """Debian's usual name for the package with a library: libgomp1 for libgomp.so.1."""
    name, _, version = library.lower().partition(".so")
    return f"{name}{'-' if name[-1].isdigit() else ''}{version.removeprefix('.')}"


def advice(error: BaseException) -> str:
    """Advice about a failed import; empty if only nodes have the missing library."""
    if library := re.match(r"(\S+\.so\S*): cannot open shared object file", str(error)):
        if any(fnmatch(library[1], pattern) for pattern in NODE_LIBRARIES):
            return ""
        return (
            f"the library {library[1]} is missing: add the Debian package that has it, usually {package_of(library[1])}"
            ", to the build argument DEBIAN_PACKAGES"
        )
    if isinstance(error, ModuleNotFoundError):
        return (
            f"the module {error.name} is missing: put it beside the class, or add its distribution to the dependencies "
            "in pyproject.toml and run `make lock` for the runtime"
        )
    return "the import failed with the error above"


def main() -> None:
    """Import the class that the server would use."""
    of_the_base = importlib.import_module("modelmesh_runtime.implementation")
    try:
        name = of_the_base.implementation()
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.exit(f"✗ {of_the_base.SETTINGS_FILE}: expected JSON with the class as implementation, got {error!r}")
    module, _, class_name = name.rpartition(".")
    try:
        importlib.import_module("modelmesh_runtime.__main__")
        getattr(importlib.import_module(module), class_name)
    except Exception as error:  # noqa: BLE001  what modules raise
        traceback.print_exc()
        if found := advice(error):
            sys.exit(f"✗ {name} cannot be imported in the image: {found}")
        print(f"{name} was not checked, since it needs the driver of a GPU")


if __name__ == "__main__":
    main()
