"""How names are compared, said once in Python.

What belongs here: what the macro ``as_match_name`` does to a name, for names that people write in
settings, sheets of targets and assignments. What does not: headers of files (ingest.contracts).
"""

from __future__ import annotations


def match_name(text: str) -> str:
    """Return a name as names are compared: without case, needless spaces and the letter yo."""
    return " ".join(text.lower().replace("ё", "е").split())
