"""Reads a stack file like the engine, so that checks here do not accept a file that the engine rejects or misreads.

The engine rejects duplicate keys, treats `yes` and `no` as strings, and accepts keys without a namespace, by which a
stack could name its cluster without being recognised here.
"""

import re
from typing import Any

import yaml

UNREADABLE = "(a secret that cannot be read here)"
"""Stands in a preview for a secret that only those who run updates can decrypt; no check looks at it."""
_KEY = re.compile(r"[^:]+:[^:]+")
_BOOLEAN = "tag:yaml.org,2002:bool"


class _Loader(yaml.SafeLoader):
    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"{key.value} is duplicate", problem_mark=key.start_mark)
            seen.add(key.value)
        return node


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _BOOLEAN]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_BOOLEAN, re.compile("true|True|TRUE|false|False|FALSE"), list("tTfF"))


def parsed(text: str) -> dict[str, Any]:
    """Content of a stack file.

    Raises:
        ValueError: It is not YAML or not a stack file; the message has the expected form.
    """
    try:
        content = yaml.load(text, _Loader) or {}  # noqa: S506  a safe loader
    except yaml.YAMLError as error:
        raise ValueError(f"is no YAML: {error}") from None
    config = content.get("config") or {} if isinstance(content, dict) else None
    if not isinstance(config, dict):
        raise ValueError("is no stack file: expected `config:` with keys and values below it")
    if odd := [str(key) for key in config if not _KEY.fullmatch(str(key))]:
        raise ValueError(f"has keys in another form than project:name, expected modelmesh:kubeconfig say: {odd}")
    return content


def with_node(config: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """Config of an embedded `node`, overridden by `config`; objects are merged."""
    return config | {key: _merged(value, config.get(key)) for key, value in node.items()}


def _merged(handed: Any, said: Any) -> Any:
    return handed | said if isinstance(handed, dict) and isinstance(said, dict) else handed
