"""Small tables as Dagster's page shows them.

What belongs here: Markdown. What does not: what is shown (the assets beside).
"""

from collections.abc import Iterable, Sequence
from typing import Any


def table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table of Markdown; what is not known is an empty cell."""
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return " ".join(text.split()).replace("|", "\\|")
