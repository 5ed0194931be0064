"""YAML read with the line of every key, so that a fault can be shown where it stands.

What belongs here: text to values and lines. What does not: what the keys mean (plans).

Numbers with a point become ``Decimal``: 0.1 in a plan is exactly one tenth.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import yaml

Path = tuple[str | int, ...]
_FLOAT, _INT = "tag:yaml.org,2002:float", "tag:yaml.org,2002:int"


class DocumentError(Exception):
    """Say that a text is no YAML that can be read, and at which line."""

    def __init__(self, line: int | None, found: str) -> None:
        self.line, self.found = line, found
        super().__init__(found)


@dataclass(frozen=True)
class Document:
    """The values of a YAML text and the line (counted from 1) of every key and list item."""

    values: Any
    lines: dict[Path, int]

    def line_of(self, path: Path) -> int:
        """Return the line of a path, or of the nearest thing above it that stands in the text.

        Parts of the path that name nothing in the text (a type, a whole) are passed over.
        """
        known: Path = ()
        for part in path:
            if (*known, part) in self.lines:
                known = (*known, part)
        return self.lines.get(known, 1)


def read_document(text: str) -> Document:
    """Read one YAML document.

    Raises:
        DocumentError: It is no YAML, a key stands twice, or a number has a form that YAML would
            silently read as another one.
    """
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        lines: dict[Path, int] = {}
        values = None if node is None else _value(loader, node, (), lines, set())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        raise DocumentError(line, error.problem or "no YAML") from error
    except yaml.YAMLError as error:
        raise DocumentError(None, " ".join(str(error).split())) from error
    finally:
        loader.dispose()
    return Document(values, lines)


def _value(
    loader: yaml.SafeLoader, node: yaml.Node, path: Path, lines: dict[Path, int], above: set[int]
) -> Any:
    line = node.start_mark.line + 1
    lines.setdefault(path, line)
    if id(node) in above:
        raise DocumentError(line, "an alias that contains itself")
    inside = above | {id(node)}
    if isinstance(node, yaml.SequenceNode):
        return [_value(loader, n, (*path, i), lines, inside) for i, n in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        told: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = loader.construct_object(key_node, deep=True)
            where = key_node.start_mark.line + 1
            if not isinstance(key, str):
                raise DocumentError(where, f"the key `{key}`, which is no word")
            if key in told:
                raise DocumentError(where, f"the key `{key}` stands twice")
            lines[(*path, key)] = where
            told[key] = _value(loader, value_node, (*path, key), lines, inside)
        return told
    return _scalar(loader, node, line)


def _scalar(loader: yaml.SafeLoader, node: yaml.Node, line: int) -> Any:
    if node.tag in (_FLOAT, _INT):
        text = node.value.replace("_", "")
        try:
            number = Decimal(text)
        except InvalidOperation:
            raise DocumentError(line, f"`{node.value}` is no plain decimal number") from None
        if not number.is_finite():
            raise DocumentError(line, f"`{node.value}` is no plain decimal number")
        is_octal = node.tag == _INT and len(text.lstrip("+-")) > 1 and text.lstrip("+-")[0] == "0"
        if is_octal:
            raise DocumentError(line, f"`{node.value}`: a number that begins with 0")
        return int(number) if node.tag == _INT else number
    try:
        return loader.construct_object(node, deep=True)
    except ValueError as error:  # 2026-13-01 has the form of a date
        raise DocumentError(line, f"`{node.value}`: {error}") from None
