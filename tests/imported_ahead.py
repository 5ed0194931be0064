"""What a run imports, imported; `tests.command` forks the process that did so."""

import dagster_project.cli
import dagster_project.definitions  # noqa: F401
from dagster_project.quality.process import import_lean
from dagster_project.settings import silence_telemetry
from dagster_project.transform import _runner

silence_telemetry()
_runner()
import_lean()
