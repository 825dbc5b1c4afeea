"""Reads YAML documents together with the line of each of their fields."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

Path = tuple[str | int, ...]
"""Keys and indices from the top of a document to a field."""

# The C parser, if PyYAML has it, is ten times faster.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_RESOLVERS = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
"""Patterns of values that are not texts; unlike in YAML 1.1, and like in JSON, dates are texts."""


@dataclass(frozen=True)
class MarkedDocument:
    """A document and the places of its fields in the text."""

    value: Any
    repeated: tuple[Path, ...]
    """Keys that a mapping has more than once; the last one counts."""
    _root: yaml.Node = field(repr=False)

    def line(self, path: Sequence[str | int] = ()) -> int:
        """Line of a field, or of the field above it that exists; a block of text is read as YAML too."""
        node, line = self._root, self._root.start_mark.line
        for depth, part in enumerate(path):
            if isinstance(node, yaml.ScalarNode):
                inner = next(documents(node.value), None) if node.style == "|" else None
                return line + 1 + (inner.line(path[depth:]) if isinstance(inner, MarkedDocument) else 0)
            if (found := _child(node, part)) is None:
                break
            line, node = found
        return line + 1


def documents(text: str) -> Iterator[MarkedDocument | yaml.YAMLError]:
    """Documents of a text, with an error in place of one that cannot be read; a syntax error is the last item."""
    loader = _Loader(text)
    loader.yaml_implicit_resolvers = _RESOLVERS
    try:
        while loader.check_node() and (root := loader.get_node()):
            repeated = tuple(_repeated(root, (), set()))  # before construction, which merges `<<` into the nodes
            try:
                yield MarkedDocument(loader.construct_document(root), repeated, root)
            except yaml.YAMLError as error:
                yield error
    except yaml.YAMLError as error:
        yield error
    finally:
        loader.dispose()


def _child(node: yaml.Node, part: str | int) -> tuple[int, yaml.Node] | None:
    """Line and node of a mapping's value or of a list's entry."""
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part].start_mark.line, node.value[part]
    if isinstance(node, yaml.MappingNode):
        for key, value in reversed(node.value):
            if key.value == str(part):
                return key.start_mark.line, value
    return None


def _repeated(node: yaml.Node, path: Path, seen: set[yaml.Node]) -> Iterator[Path]:
    if node in seen:  # an alias
        return
    seen.add(node)
    if isinstance(node, yaml.SequenceNode):
        for index, entry in enumerate(node.value):
            yield from _repeated(entry, (*path, index), seen)
    elif isinstance(node, yaml.MappingNode):
        keys: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in keys and name != "<<":
                yield (*path, name)
            keys.add(name)
            yield from _repeated(value, (*path, name), seen)
