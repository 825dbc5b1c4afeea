"""What of an environment the image leaves out, since serving does not need it."""

from importlib.metadata import Distribution, distributions
from pathlib import Path

import pytest
from pip._vendor.packaging.requirements import Requirement

from runtime_src.image.left_out import left_out

REQUIRED = {
    "mlserver": ["tritonclient[http]>=2", "gevent", "NumPy", 'winloop; sys_platform == "win32"'],
    "tritonclient": ["numpy", 'aiohttp>=3; extra == "http"', 'cuda; extra == "cuda"'],
    "aiohttp": ["attrs"],
    "fsspec": ['aiohttp; extra == "http"'],
    **{name: [] for name in ("gevent", "numpy", "winloop", "cuda", "attrs", "pytest")},
}


@pytest.fixture
def installed(tmp_path: Path) -> list[Distribution]:
    for name, requirements in REQUIRED.items():
        metadata = tmp_path / f"{name}-1.dist-info/METADATA"
        metadata.parent.mkdir()
        lines = [f"Name: {name}", *(f"Requires-Dist: {requirement}" for requirement in requirements)]
        metadata.write_text("\n".join(lines))
    return [*distributions(path=[str(tmp_path)])]


@pytest.mark.parametrize(
    ("direct", "kept"),
    [
        (["mlserver"], {"mlserver", "numpy"}),
        (["mlserver", "modelmesh-runtime"], {"mlserver", "numpy"}),
        (["mlserver", "attrs"], {"mlserver", "numpy", "attrs"}),
        (["mlserver", "fsspec"], {"mlserver", "numpy", "fsspec"}),
        (["mlserver", "fsspec[http]"], {"mlserver", "numpy", "fsspec", "aiohttp", "attrs"}),
        (["TritonClient[http]"], {"tritonclient", "numpy", "aiohttp", "attrs"}),
        (["fsspec", "fsspec[http]"], {"fsspec", "aiohttp", "attrs"}),
    ],
)
def test_only_what_a_requirement_leads_to_is_kept(
    installed: list[Distribution], direct: list[str], kept: set[str]
) -> None:
    assert left_out(installed, map(Requirement, direct)) == sorted(REQUIRED.keys() - kept)
