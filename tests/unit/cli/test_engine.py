"""A stack of one's own cluster takes the engine on PATH, and else the one that this project has built."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cli import engine
from cli.errors import CommandError
from cli.stack import Stack
from tests.unit.cli.conftest import Programs


@pytest.fixture
def built(programs: Programs, tmp_path: Path) -> Path:
    """The toolchain, as a run of `make up` has left it."""
    assert programs
    current = tmp_path / "cache/toolchain/current"
    (current / "pulumi-home").mkdir(parents=True)
    (current / "bin").mkdir()
    (current / "bin/pulumi").write_text('#!/bin/sh\nprintf \'{"engine": "built"}\'\n')
    (current / "bin/pulumi").chmod(0o755)
    return current


def test_the_engine_on_path_is_taken_with_its_own_home(programs: Programs, built: Path) -> None:
    assert built
    programs.add("pulumi", "")
    assert engine.environment(os.environ) == dict(os.environ)


def test_without_it_the_built_one_is_taken_with_its_plugins(prod: Callable[[], Stack], built: Path) -> None:
    stack = prod()
    assert stack.outputs() == {"engine": "built"}
    assert stack.environment["PULUMI_HOME"] == str(built / "pulumi-home")
    assert stack.environment["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] == "true"
    assert stack.environment["PATH"].endswith(f"{os.pathsep}{built / 'bin'}"), "nothing of it hides the user's own"


def test_a_login_stays_the_user_s_whichever_engine_runs(built: Path, tmp_path: Path) -> None:
    assert built
    home = str(tmp_path / "home/.pulumi")
    assert engine.environment(os.environ)["PULUMI_CREDENTIALS_PATH"] == home
    assert engine.environment({**os.environ, "PULUMI_HOME": "/h"})["PULUMI_CREDENTIALS_PATH"] == "/h"
    assert engine.environment({**os.environ, "PULUMI_CREDENTIALS_PATH": "/c"})["PULUMI_CREDENTIALS_PATH"] == "/c"


def test_with_neither_the_error_says_what_to_install(prod: Callable[[], Stack]) -> None:
    with pytest.raises(
        CommandError, match=r"install Pulumi 3, in the version that requirements\.txt pins or a newer one"
    ):
        prod().outputs()


def test_a_toolchain_that_was_built_beside_an_official_engine_has_none(built: Path, prod: Callable[[], Stack]) -> None:
    (built / "bin/pulumi").unlink()
    with pytest.raises(CommandError, match="install Pulumi"):
        prod().outputs()


def test_the_engine_reaches_the_node_and_loopback_without_a_proxy(programs: Programs) -> None:
    programs.add("pulumi", "")
    given = {**os.environ, "HTTPS_PROXY": "http://proxy.example:3128", "no_proxy": "intranet.example"}
    listed = "intranet.example,localhost,127.0.0.1,::1,10.213.0.2"
    environment = engine.environment(given, direct=("10.213.0.2",))
    assert environment == {**given, "no_proxy": listed, "NO_PROXY": listed}
