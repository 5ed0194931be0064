"""What the keys of workspace.yml must agree on with each other, with entities and with the folder.

What belongs here: refusing settings that are each possible and together mean nothing, or something
else than they say. What does not: what a single value may be (configuration).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dagster_project.configuration import WorkspaceConfig
from dagster_project.errors import WorkspaceError
from dagster_project.names import match_name


def check_configuration(config: WorkspaceConfig, path: Path, doing: str) -> None:
    """Refuse mappings, folders and rules that cannot be meant.

    Args:
        config: What the file says.
        path: The file.
        doing: What is being done, for the message.

    Raises:
        WorkspaceError: With the key, what was found and what was expected.
    """
    _check_columns(config, path, doing)
    _check_folders(config, path, doing)
    _check_rules(config, path, doing)


_OWN_FOLDERS = [
    "warehouse",
    "quarantine",
    "reports",
    "state",
    "published",
    "published_asof",
    ".releases",
]


def _check_folders(config: WorkspaceConfig, path: Path, doing: str) -> None:
    """Refuse a source whose folder lies outside the workspace, or holds what the program writes."""
    inside = path.parent.resolve()
    for name, source in config.sources.items():
        folder = path.parent / (f"raw/{name}" if source.path is None else source.path)
        leads_to = folder.resolve()
        is_own = leads_to == inside or any(
            leads_to.is_relative_to(inside / own) for own in _OWN_FOLDERS
        )
        if is_own or not leads_to.is_relative_to(inside):
            told = "" if source.path is None else f"`{source.path}`, which is "
            raise WorkspaceError(
                doing,
                found=f"the folder {told}{leads_to}",
                expected=f"a folder of delivered files inside the workspace, such as raw/{name}",
                where=f"{path}: sources.{name}.path" if told else str(folder),
                remedy="put the files below raw/ of the workspace, or mount their folder there "
                "instead of linking to it",
            )


def _check_rules(config: WorkspaceConfig, path: Path, doing: str) -> None:
    """Refuse two rules for one stage, status, type or reason that say different things."""
    for key, words in (
        ("stages", ("source", "pipeline", "stage")),
        ("lead_statuses", ("source", "status")),
        ("activity_types", ("source", "type")),
        ("loss_reasons", ("reason",)),
    ):
        told: dict[tuple[str, ...], Any] = {}
        for rule in getattr(config, key):
            spelled = tuple(match_name(getattr(rule, word)) for word in words)
            said = rule.model_dump(exclude=set(words))
            if told.setdefault(spelled, said) != said:
                raise WorkspaceError(
                    doing,
                    found=f"two rules for `{getattr(rule, words[-1])}` that differ: "
                    f"{_shown_rule(told[spelled])} and {_shown_rule(said)}",
                    expected="one rule (case and spaces tell no two apart)",
                    where=f"{path}: {key}",
                    remedy="remove the rule that is wrong",
                )


def _shown_rule(said: dict[str, Any]) -> str:
    given = {word: value for word, value in said.items() if value is not None}
    return ", ".join(f"{word}: {str(value).lower()}" for word, value in given.items())


def _check_columns(config: WorkspaceConfig, path: Path, doing: str) -> None:
    """Refuse mappings of columns that an entity does not have, or without its required ones."""
    from dagster_project.canonical import ENTITIES, missing_required

    own_tables = {n: s for n, s in config.sources.items() if s.system == "files"}
    for source_name, source in own_tables.items():
        for entity, mapping in source.entities.items():
            where = f"{path}: sources.{source_name}.entities.{entity}"
            known = ENTITIES[entity]
            given = {**mapping.columns, **mapping.constants}
            if mapping.unpivot:
                given |= {mapping.unpivot.name_to: "", mapping.unpivot.value_to: ""}
            for column in given:
                if column not in known:
                    raise WorkspaceError(
                        doing,
                        found=f"unknown column `{column}` of {entity}",
                        expected=f"one of: {', '.join(known)}",
                        where=where,
                        remedy="correct the name on the left of the colon",
                    )
            doubled = sorted(set(mapping.columns) & set(mapping.constants))
            if doubled:
                raise WorkspaceError(
                    doing,
                    found=f"`{doubled[0]}` both as a column and as a constant",
                    expected="one of the two",
                    where=where,
                )
            lacking = missing_required(entity, set(given))
            if lacking and (entity != "targets" or mapping.columns):
                raise WorkspaceError(
                    doing,
                    found=f"no {' and no '.join(lacking)}",
                    expected=f"{entity} need it, as a column or as a constant",
                    where=where,
                    remedy=f'add a line such as {lacking[0].split(" or ")[0]}: "Its header"',
                )
