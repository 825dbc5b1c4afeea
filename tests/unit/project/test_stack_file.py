"""A stack file says to these checks what it says to the engine, or it is refused."""

import pytest

from project.stack_file import parsed, with_node


def test_yes_and_no_are_texts_as_they_are_to_the_engine() -> None:
    text = "config:\n  a:b: yes\n  a:c: off\n  a:d: true\n  a:e: False\n  a:f: 3\n"
    assert parsed(text)["config"] == {"a:b": "yes", "a:c": "off", "a:d": True, "a:e": False, "a:f": 3}


@pytest.mark.parametrize("text", ["a: 1\na: 2\n", "config:\n  a:b: 1\n  a:b: 1\n", "config:\n  a:b: {c: 1, c: 2}\n"])
def test_what_is_said_twice_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no YAML: .* is duplicate"):
        parsed(text)


@pytest.mark.parametrize("key", ["kubeconfig", "modelmesh:config:kubeconfig"])
def test_a_cluster_that_is_named_by_another_form_of_the_key_is_not_overlooked(key: str) -> None:
    with pytest.raises(ValueError, match=rf"expected modelmesh:kubeconfig say: \['{key}'\]"):
        parsed(f"config:\n  {key}: /k\n")


@pytest.mark.parametrize("text", ["- 1\n", "text\n", "config: text\n", "config:\n  - a:b\n"])
def test_what_is_no_stack_file_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no stack file"):
        parsed(text)


def test_an_empty_file_says_nothing() -> None:
    assert parsed("") == {}


def test_a_node_s_values_go_over_a_file_s_but_not_over_entries_that_it_names() -> None:
    config = {"a:images": {"mesh": "mine"}, "a:context": "old", "a:kept": 1, "a:args": None}
    node = {"a:images": {"mesh": "node's", "minio": "node's"}, "a:context": "node", "a:args": {"b": "c"}}
    assert with_node(config, node) == {
        "a:images": {"mesh": "mine", "minio": "node's"},
        "a:context": "node",
        "a:kept": 1,
        "a:args": {"b": "c"},
    }
