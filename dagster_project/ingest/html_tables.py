"""An HTML page with a table, as some systems write it under the name of a workbook -> rows.

What belongs here: cells of the first table, as text. What does not: real workbooks (readers).
"""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path


def is_html(head: bytes) -> bool:
    """Tell whether a file's first bytes begin a page of HTML."""
    return head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")


def html_rows(path: Path, at_most: int | None) -> list[list[str]]:
    """Return the rows of the first table of a page; a cell over several columns stands in each.

    Args:
        path: The page, in UTF-8 or else cp1251.
        at_most: How many rows are wanted; None: all.
    """
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1251")
    table = _FirstTable(at_most)
    table.feed(text)
    table.close()
    table.end_row()
    return table.rows


class _FirstTable(HTMLParser):
    def __init__(self, at_most: int | None) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[list[str]] = []
        self._at_most = at_most
        self._row: list[str] | None = None
        self._cell: list[str] | None = None
        self._width = 1
        self._is_over = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._is_over:
            return
        if tag == "tr":
            self.end_row()
            self._row = []
        elif tag in ("td", "th") and self._row is not None:
            self._end_cell()
            span = dict(attrs).get("colspan") or "1"
            self._cell, self._width = [], int(span) if span.isdigit() else 1
        elif tag == "br" and self._cell is not None:
            self._cell.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._end_cell()
        elif tag == "tr":
            self.end_row()
        elif tag == "table" and self.rows:
            self.end_row()
            self._is_over = True

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)

    def _end_cell(self) -> None:
        if self._cell is not None and self._row is not None:
            self._row += ["".join(self._cell).strip()] * self._width
        self._cell = None

    def end_row(self) -> None:
        """Keep the row that was begun; called at the end of the page too."""
        self._end_cell()
        if self._row is not None:
            self.rows.append(self._row)
            self._is_over = self._at_most is not None and len(self.rows) >= self._at_most
        self._row = None
