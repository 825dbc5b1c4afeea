"""An instance whose folders are a test's own."""

from pathlib import Path

import pytest

from embedded.instance import Instance, instance


@pytest.fixture
def node(tmp_path: Path) -> Instance:
    """An instance in folders with blanks, quotes and letters outside ASCII."""
    folder = tmp_path / "ü \"a' b"
    found = instance("test", {"MODELMESH_DATA": str(folder / "data"), "MODELMESH_CACHE": str(folder / "cache")})
    found.data.mkdir(parents=True)
    return found
