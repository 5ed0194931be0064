"""Cells of a workbook that hold an error (``#N/A``, ``#DIV/0!``) or a formula that nobody computed.

What belongs here: finding such cells in a sheet's XML, which the reader of workbooks gives as empty
ones, and their text. What does not: every other cell (readers). Read as a stream: no sheet is held
in memory.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from pathlib import Path
from typing import IO
from xml.parsers import expat

_ERROR_CELL = re.compile(
    rb"""\st\s*=\s*["']e["']|"""
    rb"""(?:</(?:\w+:)?f>|<(?:\w+:)?f\b[^<>]*/>)\s*"""
    rb"""(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>|</(?:\w+:)?c>)"""
)
_CHUNK = 1 << 18


class Uncomputed(str):
    """A formula without its value, as programs leave it that compute nothing."""

    __slots__ = ()


def error_cells(path: Path, sheet: str, at_most: int | None) -> dict[tuple[int, int], str]:
    """Return (row, column), both from 0, -> text of each error and each formula without a value.

    A file that is no XLSX (XLS, XLSB, ODS) has none here; of ``at_most`` rows, where given, all
    errors are among those returned.

    Raises:
        zipfile.BadZipFile: The workbook is cut off.
        ValueError: A part of it is missing or no XML.
    """
    if not zipfile.is_zipfile(path):
        return {}
    with zipfile.ZipFile(path) as book:
        parts = {name.replace("\\", "/").lower(): name for name in book.namelist()}
        if "xl/workbook.xml" not in parts:
            return {}
        try:
            part = parts[_part_of(book, parts, sheet).lower()]
            if at_most is None:
                with book.open(part) as stream:
                    if not _has_errors(stream):
                        return {}
            with book.open(part) as stream:
                return _Errors().found_in(stream, at_most)
        except (KeyError, expat.ExpatError) as error:
            raise ValueError(f"the sheet {sheet!r}: {error}") from error


def _part_of(book: zipfile.ZipFile, parts: dict[str, str], sheet: str) -> str:
    """Return the name of the part that holds a sheet."""
    ids = {
        told["name"]: told["id"] for told in _elements(book.read(parts["xl/workbook.xml"]), "sheet")
    }
    targets = {
        told["Id"]: told["Target"]
        for told in _elements(book.read(parts["xl/_rels/workbook.xml.rels"]), "Relationship")
    }
    return posixpath.normpath(posixpath.join("/xl", targets[ids[sheet]])).lstrip("/")


def _elements(document: bytes, name: str) -> list[dict[str, str]]:
    """Return the attributes of every element of a name, without prefixes."""
    found: list[dict[str, str]] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        if _local(tag) == name:
            found.append({_local(key): value for key, value in attributes.items()})

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.Parse(document, True)
    return found


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _has_errors(stream: IO[bytes]) -> bool:
    """Tell whether some cell may be one of these, without taking the XML apart."""
    tail = b""
    while chunk := stream.read(_CHUNK):
        if _ERROR_CELL.search(tail + chunk):
            return True
        tail = chunk[-128:]
    return False


class _Errors:
    """A parser that keeps such cells only; a cell without a place stands after the one before."""

    def __init__(self) -> None:
        self.found: dict[tuple[int, int], str] = {}
        self._row = self._column = -1
        self._kind: str | None = None
        self._formula: list[str] | None = None
        self._value: list[str] = []
        self._text: list[str] | None = None

    def found_in(self, stream: IO[bytes], at_most: int | None) -> dict[tuple[int, int], str]:
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        while chunk := stream.read(_CHUNK):
            parser.Parse(chunk, False)
            if at_most is not None and self._row >= at_most:
                return self.found
        parser.Parse(b"", True)
        return self.found

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = _local(tag)
        if name == "row":
            self._row = int(attributes["r"]) - 1 if "r" in attributes else self._row + 1
            self._column = -1
        elif name == "c":
            place = attributes.get("r", "")
            letters = place.rstrip("0123456789")
            self._column = _number_of(letters) if letters else self._column + 1
            self._kind, self._formula, self._value = attributes.get("t"), None, []
        elif name == "v":
            self._text = self._value
        elif name == "f":
            self._text = self._formula = []

    def _data(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)

    def _end(self, tag: str) -> None:
        name = _local(tag)
        if name in ("v", "f"):
            self._text = None
        elif name == "c":
            value = "".join(self._value).strip()
            if self._kind == "e" and value:
                self.found[self._row, self._column] = value
            elif self._formula is not None and not value and self._kind in (None, "n", "b", "d"):
                self.found[self._row, self._column] = Uncomputed("=" + "".join(self._formula))


def _number_of(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number - 1
