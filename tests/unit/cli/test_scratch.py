"""A throwaway stack has the real one's config, a placeholder for each secret, and nothing that leads to its state."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from cli.errors import CommandError
from cli.scratch import scratch, without_secrets
from cli.stack import Stack
from project.stack_file import UNREADABLE
from tests.unit.cli.conftest import PROD, Programs

# As the engine does: the salt of a new stack goes into the file beside its Pulumi.yaml.
INIT = 'if [ "$3" = stack ]; then echo "encryptionsalt: v1:throwaway" >"$2/Pulumi.prod.yaml"; fi'


def test_each_secret_becomes_the_placeholder_wherever_it_stands() -> None:
    plain, secret = without_secrets(
        {
            "a:whole": {"secure": "v1:x"},
            "a:nested": {"user": "me", "password": {"secure": "v1:x"}},
            "a:listed": [{"name": "one"}, {"name": "two", "password": {"secure": "v1:x"}}],
            "a:text": "secure",
            "a:object": {"secure": "v1:x", "other": 1},
            "a:number": 3,
        }
    )
    assert plain == {"a:text": "secure", "a:object": {"secure": "v1:x", "other": 1}, "a:number": 3}
    assert {key: entry["secret"] for key, entry in secret.items()} == {
        "a:whole": True,
        "a:nested": True,
        "a:listed": True,
    }
    assert secret["a:whole"]["value"] == UNREADABLE
    assert json.loads(secret["a:nested"]["value"]) == {"user": "me", "password": UNREADABLE}
    assert json.loads(secret["a:listed"]["value"]) == [{"name": "one"}, {"name": "two", "password": UNREADABLE}]


def test_it_has_the_config_under_an_encryption_of_its_own(programs: Programs, prod: Callable[[], Stack]) -> None:
    programs.add("pulumi", INIT)
    with scratch(prod()) as made:
        assert yaml.safe_load(made.config_file.read_text()) == {
            "encryptionsalt": "v1:throwaway",
            "config": {
                "modelmesh:kubeconfig": "/not-asked-in-a-scratch-preview",  # the objects there would look foreign
                "modelmesh:context": "prod",
                "modelmesh:buildOnPreview": False,
            },
        }
        (_, set_all) = programs.calls("pulumi")
        expected = {
            "modelmesh:s3": {"value": json.dumps({"region": "eu", "secretAccessKey": UNREADABLE}), "secret": True}
        }
        assert set_all == (f"config set-all --json {json.dumps(expected)} --stack prod")


def test_nothing_leads_to_the_real_state(
    programs: Programs, prod: Callable[[], Stack], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs.add("pulumi", INIT)
    monkeypatch.setenv("PULUMI_ACCESS_TOKEN", "mine")
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://mine")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE_FILE", "/mine")
    monkeypatch.setenv("PULUMI_CREDENTIALS_PATH", "/mine")
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "mine"))
    (tmp_path / "mine/plugins/resource-x").mkdir(parents=True)
    with scratch(prod()) as made:
        environment, folder = made.environment, made.config_file.parent
        assert "mine" not in "".join(value for name, value in environment.items() if name.startswith("PULUMI"))
        assert environment["PULUMI_BACKEND_URL"].removeprefix("file://").startswith(str(folder))
        assert len(environment["PULUMI_CONFIG_PASSPHRASE"]) > 30
        home = Path(environment["PULUMI_HOME"])
        assert [entry.name for entry in (home / "plugins").iterdir()] == ["resource-x"]
        assert (home / "logs").is_file(), "a folder would be filled with every value of every resource"
    assert not folder.exists()
    assert (tmp_path / "mine/plugins/resource-x").exists(), "what a link leads to stays"


def test_the_checkout_stays_as_it_is(programs: Programs, prod: Callable[[], Stack], checkout: Path) -> None:
    programs.add("pulumi", INIT)
    before = {file.name: file.read_bytes() for file in checkout.iterdir()}
    with pytest.raises(ZeroDivisionError), scratch(prod()):
        raise ZeroDivisionError
    assert {file.name: file.read_bytes() for file in checkout.iterdir()} == before
    assert before["Pulumi.prod.yaml"].decode() == PROD


def test_a_stack_without_secrets_needs_no_second_call(
    programs: Programs, prod: Callable[[], Stack], checkout: Path
) -> None:
    programs.add("pulumi", INIT)
    (checkout / "Pulumi.prod.yaml").write_text("config:\n  modelmesh:kubeconfig: /k\n")
    with scratch(prod()):
        assert len(programs.calls("pulumi")) == 1


def test_an_engine_that_cannot_make_it_is_an_error(programs: Programs, prod: Callable[[], Stack]) -> None:
    programs.add("pulumi", "echo 'error: no room' >&2; exit 1")
    with pytest.raises(CommandError, match="can't be made:\nerror: no room"), scratch(prod()):
        pass
