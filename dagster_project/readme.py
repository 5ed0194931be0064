"""The KPI table of the READMEs, generated from the registry: ``python -m dagster_project.readme``.

What belongs here: the table and where it stands in the files. What does not: prose.
"""

from __future__ import annotations

import csv

from dagster_project.settings import project_root

_HEADERS = {
    "en": ("KPI", "Name", "Formula", "Period by", "Scopes"),
    "ru": ("Код", "Показатель", "Формула", "Период по", "Разрезы"),
}
_LATER = {"en": "Registered, not computed yet", "ru": "В реестре, пока не считаются"}
_MARKS = "<!-- kpis:begin -->", "<!-- kpis:end -->"


def kpi_table(language: str) -> str:
    """Return the table of computed KPIs in Markdown, and the codes of those that are to come."""
    path = project_root() / "dbt" / "seeds" / "kpi_registry.csv"
    with path.open(encoding="utf-8", newline="") as handle:
        kpis = list(csv.DictReader(handle))
    headers = _HEADERS[language]
    lines = ["| " + " | ".join(headers) + " |", "|" + "---|" * len(headers)]
    for kpi in kpis:
        if kpi["is_computed"] == "true":
            cells = (
                f"`{kpi['kpi_code']}`",
                kpi[f"name_{language}"],
                kpi[f"formula_{language}"],
                kpi["date_rule"],
                kpi["scopes"].replace(";", ", "),
            )
            lines.append("| " + " | ".join(cells) + " |")
    later = ", ".join(f"`{k['kpi_code']}`" for k in kpis if k["is_computed"] != "true")
    return "\n".join([*lines, "", f"{_LATER[language]}: {later}."] if later else lines)


def write_tables() -> None:
    """Put the table between its marks in both READMEs."""
    begin, end = _MARKS
    for name, language in (("README.md", "en"), ("README.ru.md", "ru")):
        path = project_root() / name
        before, rest = path.read_text(encoding="utf-8").split(begin)
        after = rest.split(end)[1]
        told = f"{before}{begin}\n{kpi_table(language)}\n{end}{after}"
        path.write_text(told, encoding="utf-8")


if __name__ == "__main__":
    write_tables()
