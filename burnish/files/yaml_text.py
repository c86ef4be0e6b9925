"""YAML as settings need it: mappings, lists, texts and numbers, each with its line.

Anchors and `<<` work, but what they unfold to is counted before it is built, so a file of a few
lines cannot fill the memory. Keys are texts and stand once. Dates stay texts; other tags, which
could ask for objects, are refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

import yaml
from yaml.constructor import SafeConstructor
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.reader import ReaderError

from burnish.types import Json

MOST_BYTES = 250_000
"""Of a file, which the parser reads in seconds; a recipe has a few thousand."""
_MOST_NODES = 100_000
_MOST_LEVELS = 60
_LARGEST = 2**63 - 1
"""What computers count with; no setting is larger."""
_TAG = "tag:yaml.org,2002:"
_TEXTS = frozenset(f"{_TAG}{name}" for name in ("str", "timestamp", "value", "merge"))
_SECTIONS = frozenset((f"{_TAG}map", f"{_TAG}seq"))
_MERGE = f"{_TAG}merge"


class YamlTextError(ValueError):
    """A text is not the YAML that settings are written in.

    Attributes:
        line: counted from 1; 0 where it is about no line.
    """

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line

    def at(self, source: str) -> str:
        """`recipe.yaml:3`, or only the source."""
        return f"{source}:{self.line}" if self.line else source


@dataclass(frozen=True, slots=True)
class Document:
    """What a text says.

    Attributes:
        tree: mappings, lists and values.
        lines: of each key or place in a list, by its dotted name (`method.epochs`).
    """

    tree: Json
    lines: dict[str, int] = field(default_factory=dict)


def parse_yaml(text: str) -> Document:
    """Read one document. Raises YamlTextError."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        line = _line_of(error, text)
        raise YamlTextError(f"not valid YAML: {_paragraph(error)}", line) from error
    except RecursionError as error:
        raise YamlTextError("nested too deeply to be settings") from error
    except (ValueError, OverflowError) as error:  # an escape that is no character
        raise YamlTextError(f"not valid YAML: {_paragraph(error)}") from error
    if root is None:
        return Document(None)
    _require_few(root)
    lines: dict[str, int] = {}
    return Document(_value(root, "", lines), lines)


def _require_few(root: Node) -> None:
    """Raise YamlTextError where aliases unfold without end or to too much."""
    if _num_nodes(root, {}, ()) > _MOST_NODES:
        raise YamlTextError(
            f"with aliases unfolded it has more than {_MOST_NODES} values; write out what is meant"
        )


def _num_nodes(node: Node, known: dict[int, int], above: tuple[int, ...]) -> int:
    if id(node) in above:
        raise YamlTextError("an alias stands inside what it is an alias of", _line(node))
    if len(above) > _MOST_LEVELS:
        raise YamlTextError(f"nested past {_MOST_LEVELS} levels", _line(node))
    if id(node) not in known:
        inside = (_num_nodes(inner, known, (*above, id(node))) for inner in _inside(node))
        known[id(node)] = 1 + sum(inside)
    return known[id(node)]


def _inside(node: Node) -> Iterator[Node]:
    if isinstance(node, MappingNode):
        for pair in node.value:
            yield from pair
    elif isinstance(node, SequenceNode):
        yield from node.value


def _value(node: Node, name: str, lines: dict[str, int]) -> Json:
    lines.setdefault(name, _line(node))
    if not isinstance(node, ScalarNode) and node.tag not in _SECTIONS:
        raise _foreign(node)
    if isinstance(node, MappingNode):
        return _mapping(node, name, lines)
    if isinstance(node, SequenceNode):
        return [_value(inner, _named(name, str(i)), lines) for i, inner in enumerate(node.value)]
    return _scalar(cast("ScalarNode", node))


def _mapping(node: MappingNode, name: str, lines: dict[str, int]) -> dict[str, Json]:
    own: dict[str, Json] = {}
    merged: dict[str, Json] = {}
    for key_node, value_node in node.value:
        if key_node.tag == _MERGE:
            merged = {**_merged(value_node, lines), **merged}
            continue
        key = _key(key_node)
        if key in own:
            raise YamlTextError(f"the key {key!r:.60} stands twice; keep one", _line(key_node))
        inner = _named(name, key)
        lines[inner] = _line(key_node)
        own[key] = _value(value_node, inner, lines)
    return {**merged, **own}


def _merged(node: Node, lines: dict[str, int]) -> dict[str, Json]:
    """What `<<` brings; of a list, the first mapping with a key wins."""
    sources = node.value if isinstance(node, SequenceNode) else [node]
    merged: dict[str, Json] = {}
    for source in reversed(sources):
        if not isinstance(source, MappingNode):
            raise YamlTextError("`<<` takes a mapping or a list of them", _line(node))
        merged |= _mapping(source, "<<", lines)
    return merged


def _key(node: Node) -> str:
    if not isinstance(node, ScalarNode):
        raise YamlTextError("a key is a text, found a list or a mapping", _line(node))
    return _text(node)


def _scalar(node: ScalarNode) -> Json:
    if node.tag in _TEXTS:
        return _text(node)
    reader = _READERS.get(node.tag)
    if reader is None:
        raise _foreign(node)
    try:
        value = reader(_CONSTRUCTOR, node)
    except (ValueError, KeyError, IndexError, OverflowError) as error:
        raise _unreadable(node) from error
    if isinstance(value, int) and abs(value) > _LARGEST:
        raise _unreadable(node)
    return value


def _foreign(node: Node) -> YamlTextError:
    return YamlTextError(
        f"the tag {node.tag.replace(_TAG, '!!')!r:.60} is not read; settings are texts, numbers, "
        "true, false and null",
        _line(node),
    )


def _unreadable(node: ScalarNode) -> YamlTextError:
    kind = node.tag.removeprefix(_TAG)
    return YamlTextError(f"{node.value!r:.60} cannot be read as {kind}", _line(node))


def _text(node: ScalarNode) -> str:
    try:
        node.value.encode()
    except UnicodeEncodeError as error:
        raise YamlTextError(
            "half of a surrogate pair, which is no character", _line(node)
        ) from error
    return node.value


def _named(section: str, key: str) -> str:
    return f"{section}.{key}" if section else key


def _line(node: Node) -> int:
    return node.start_mark.line + 1


def _line_of(error: yaml.YAMLError, text: str) -> int:
    if isinstance(error, ReaderError):
        return text[: error.position].count("\n") + 1
    mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
    return mark.line + 1 if mark is not None else 0


def _paragraph(error: Exception) -> str:
    return " ".join(str(error).split())[:400]


_CONSTRUCTOR = SafeConstructor()
_READERS = {
    f"{_TAG}null": SafeConstructor.construct_yaml_null,
    f"{_TAG}bool": SafeConstructor.construct_yaml_bool,
    f"{_TAG}int": SafeConstructor.construct_yaml_int,
    f"{_TAG}float": SafeConstructor.construct_yaml_float,
}
