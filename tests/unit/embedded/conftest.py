"""An instance whose folders are a test's own."""

from pathlib import Path

import pytest

from embedded.instance import Instance, instance


@pytest.fixture
def node(tmp_path: Path) -> Instance:
    found = instance("test", {"MODELMESH_DATA": str(tmp_path / "data"), "MODELMESH_CACHE": str(tmp_path / "cache")})
    found.data.mkdir(parents=True)
    return found
