"""What a run imports and sets up once a process; `tests.command` forks the process that did so."""

import dagster_project.cli
import dagster_project.definitions  # noqa: F401
from dagster_project.quality.process import import_lean
from dagster_project.settings import set_dbt_environment, silence_telemetry
from dagster_project.transform import _folders, _runner

silence_telemetry()
set_dbt_environment(None)
quiet = ["--log-level", "none", "--log-level-file", "none"]
_runner().invoke([*quiet, "list", "--select", "tag:marts", *_folders(None)])  # opens no database
import_lean()
