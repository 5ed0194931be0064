"""Contracts: what each system delivers, one module per system, each with a ``CONTRACT``.

What belongs here: finding them. A module dropped into this folder is a system from then on: its
name is accepted as ``system:`` in workspace.yml, its raw tables exist in every warehouse, and files
of its sources are recognised. Beside the module a system has its staging models
(``dbt/models/staging/<system>/stg_<system>__<entities>.sql``), its raw tables in
``dbt/models/sources/<system>.yml``, and one line in the macro ``staged_systems``.
"""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil

from dagster_project.ingest.contracts.shape import Contract, Field, Table, col, fold, tight


def _read_contracts() -> dict[str, Contract]:
    found = {}
    for module in sorted(m.name for m in pkgutil.iter_modules(__path__) if m.name != "shape"):
        contract: Contract = importlib.import_module(f"{__name__}.{module}").CONTRACT
        tables = tuple(dataclasses.replace(t, system=contract.system) for t in contract.tables)
        found[contract.system] = dataclasses.replace(contract, tables=tables)
    return found


CONTRACTS: dict[str, Contract] = _read_contracts()
"""Every system by its name; ``files`` is the user's own tables in canonical columns."""

TABLES: dict[str, Table] = {t.relation: t for c in CONTRACTS.values() for t in c.tables}
"""Every raw table by its name."""

__all__ = ["CONTRACTS", "TABLES", "Contract", "Field", "Table", "col", "fold", "tight"]
