"""Which system each file of a folder is an export of, told by the columns that only it has.

What belongs here: weighing what contracts understand of a file. What does not: which table of one
system a file holds (recognition), what a user's own tables mean.

A column that many systems spell alike (`id`, `name`, `status`) says little, one that a single
system spells says much: each counts one divided by the number of systems that know it. A file whose
columns leave doubt goes to the only system that claims it and surely wrote other files of the
folder; else to none.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from pathlib import Path

from dagster_project.configuration import SourceConfig
from dagster_project.errors import SourceFileError
from dagster_project.ingest.contracts import CONTRACTS, tight
from dagster_project.ingest.contracts.shape import Field
from dagster_project.ingest.recognition import Recognised, recognise

_SURE = 1.0
_CLEAR = 1.5


def systems_of(files: dict[str, Path], brands: dict[str, list[str]]) -> dict[str, str]:
    """Return the system of each file that is an export of one; the others are left out.

    Args:
        files: Path within the folder -> file.
        brands: System -> words; a file whose name holds a word of one is never taken for another's.
    """
    claims = {within: _claims(path, within, brands) for within, path in files.items()}
    told = {within: _surest(weights) for within, weights in claims.items()}
    present = {system for system in told.values() if system}
    for within, weights in claims.items():
        among = present & set(weights)
        if not told[within] and len(among) == 1:
            told[within] = among.pop()
    return {within: system for within, system in told.items() if system}


def _claims(path: Path, within: str, brands: dict[str, list[str]]) -> dict[str, float]:
    """Return how much of a file each system understands, by what only it would spell so."""
    name = within.rsplit("/", 1)[-1].casefold()
    branded = {system for system, words in brands.items() if any(word in name for word in words)}
    weights: dict[str, float] = {}
    for system, contract in CONTRACTS.items():
        if system == "files" or (branded and system not in branded):
            continue
        try:
            seen = recognise(path, within, SourceConfig(system=system), contract, within)
        except SourceFileError:
            continue
        if seen:
            weights[system] = _weight(seen)
    return weights


def _surest(weights: dict[str, float]) -> str | None:
    ranked = sorted(weights, key=lambda system: -weights[system])
    if not ranked or weights[ranked[0]] < _SURE:
        return None
    is_clear = len(ranked) == 1 or weights[ranked[0]] >= _CLEAR * weights[ranked[1]]
    return ranked[0] if is_clear else None


def _weight(seen: Recognised) -> float:
    told = (seen.table.columns.get(column) for column in seen.reading.columns)
    return sum(_distinction(column) for column in told if column)


def _distinction(column: Field) -> float:
    """One divided by the number of systems that know the column's commonest spelling."""
    known = _spelled_by()
    counts = [len(known[tight(name)]) for name in column.names if tight(name) in known]
    return 1 / max(counts, default=1)


@cache
def _spelled_by() -> dict[str, set[str]]:
    """Return each spelling of a header -> the systems that know it."""
    known: dict[str, set[str]] = defaultdict(set)
    for system, contract in CONTRACTS.items():
        if system == "files":
            continue
        for table in contract.tables:
            for own, column in table.columns.items():
                for name in (own, *column.names):
                    if not name.startswith("~"):
                        known[tight(name)].add(system)
    return dict(known)
