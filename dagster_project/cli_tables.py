"""How tables are printed on a terminal.

What belongs here: laying out rows and values. What does not: what is printed (the verbs).
"""

from __future__ import annotations

from typing import Any


def print_table(title: str, rows: list[dict[str, Any]], *, none: str = "none") -> None:
    """Print up to 60 rows under a title; ``none`` stands for no rows."""
    print(f"\n{title}" + ("" if rows else f": {none}"))
    if rows:
        print_rows(list(rows[0]), [[plain(v) for v in row.values()] for row in rows[:60]])
        if len(rows) > 60:
            print(f"... and {len(rows) - 60} more (--json shows all)")


def print_rows(header: list[str], rows: list[list[str]]) -> None:
    """Print cells under a header, each column as wide as its widest cell."""
    widths = [max(len(str(r[i])) for r in [header, *rows]) for i in range(len(header))]
    for row in [header, *rows]:
        cells = (str(c).ljust(w) for c, w in zip(row, widths, strict=True))
        print("  " + "  ".join(cells).rstrip())


def plain(value: Any) -> str:
    """Return a value as people read it: a dash for nothing, thousands apart."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.6g}" if abs(value) < 1000 else f"{value:,.2f}"
    if hasattr(value, "normalize"):
        return f"{value:,.2f}"
    return str(value)
