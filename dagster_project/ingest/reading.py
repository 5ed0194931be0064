"""How one delivered file is read: a mapping with everything that was found out about the file.

What belongs here: the recipe that readers and landing follow. What does not: how it is found
(recognition) or what the user may write (configuration).
"""

from __future__ import annotations

from dagster_project.configuration import EntityMapping


class Reading(EntityMapping):
    """A mapping whose columns are headers or column numbers that the file has.

    ``record_paths, flatten, custom_fields, escape, drop_any, drop_without`` are a contract's (see
    ``contracts.shape.Table``); ``needed`` are the columns without which a row may be a total line;
    ``asks_micros``: nobody said whether money stands in millionths.
    """

    record_paths: tuple[str, ...] = ()
    flatten: bool = False
    custom_fields: str | None = None
    escape: str | None = None
    drop_any: str | None = None
    drop_without: str | None = None
    needed: tuple[str, ...] = ()
    money_divisor: int = 1
    asks_micros: bool = False
    is_utc: bool = False

    @property
    def has_total_rules(self) -> bool:
        """Tell whether some row may be a total line by a rule of a contract."""
        return bool(self.stop_at or self.drop or self.drop_any or self.drop_without)
