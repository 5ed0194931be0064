"""The verb of runs: ``kpi run``. Wiring only, like ``cli``.

What belongs here: options, printing, how a run in this process is asked of Dagster. What does not:
what its steps do (defs, session).
"""

from __future__ import annotations

import contextlib
import gc
import json
import sys
import time
import warnings
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from dagster_project.cli_options import DebugOption, JsonOption, WorkspaceOption
from dagster_project.cli_tables import print_rows
from dagster_project.errors import WorkspaceError
from dagster_project.failures import raise_what_failed, raise_what_failed_after_publishing
from dagster_project.interruption import ending_when_asked
from dagster_project.settings import Workspace, load_workspace, set_debug, use_dagster_home


def add_run_verb(app: typer.Typer) -> None:
    """Add the verb of runs to the command line."""
    app.command("run")(run)


def run(
    workspace: WorkspaceOption = None,
    as_of: Annotated[
        str | None, typer.Option(help="Look from this day (2026-10-31): nothing later exists.")
    ] = None,
    known_by: Annotated[
        str | None,
        typer.Option(help="Leave out files first seen after this instant (2026-10-31T18:00:00Z)."),
    ] = None,
    select: Annotated[
        str | None, typer.Option(help="Only these assets, in Dagster's selection syntax.")
    ] = None,
    full_refresh: Annotated[
        bool, typer.Option("--full-refresh", help="Read every file and build every table anew.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 4 where files or rows went to quarantine.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for another run to end instead of refusing.")
    ] = False,
    rekey: Annotated[
        bool, typer.Option("--rekey", help="Accept a new key of personal data; hash all anew.")
    ] = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Bring delivered files to published KPIs: ingest, three layers, three gates, one release."""
    if debug:
        set_debug()
    settings = load_workspace(workspace, as_of=_day(as_of), known_by=_instant(known_by))
    if rekey:
        from dagster_project.settings import forget_hash_key_fingerprint

        forget_hash_key_fingerprint(settings)
        full_refresh = True
    began = time.monotonic()
    if not (full_refresh or select) and is_nothing_new(settings):
        from dagster_project.ingest.discovery import discover

        published = settings.published.resolve()
        _say_summary(settings, published, True, as_json, "nothing new: ")
        _say_unclaimed(discover(settings).unclaimed)
        _exit_as_quarantine_says(published, strict)
        return
    with ending_when_asked():
        session = _execute(settings, select, full_refresh, wait, began, as_json)
    if session.release is None:
        if as_json:
            print(json.dumps({"nothing_new": False, "folder": None, "swapped": False}))
        else:
            print("done; nothing was published, as the selection did not ask for it")
        return
    _say_summary(settings, session.release.folder, session.release.is_swapped, as_json, "")
    if session.ingested:
        _say_unclaimed(session.ingested.unclaimed)
    _exit_as_quarantine_says(session.release.folder, strict)


def _execute(
    settings: Workspace,
    select: str | None,
    full_refresh: bool,
    wait: bool,
    began: float,
    as_json: bool,
) -> Any:
    """Run Dagster's job in this process, with the record that its page shows."""
    from dagster_project.quality.process import expectations

    expectations()  # its imports pass while this process does its own
    use_dagster_home(settings)
    import dagster as dg

    from dagster_project.definitions import defs
    from dagster_project.defs.resources import watched
    from dagster_project.lock import writing

    gc.freeze()  # what was imported stays
    with writing(settings, "refresh the KPIs", wait=wait):
        pass  # say at once who holds the warehouse, before Dagster wraps the answer
    config = {
        "workspace": str(settings.directory),
        "full_refresh": full_refresh,
        "wait": wait,
        "as_of": settings.as_of.isoformat() if settings.is_as_of_given else "",
        "known_by": settings.known_by.isoformat() + "+00:00" if settings.known_by else "",
    }
    sessions: list[Any] = []
    try:
        with (
            progress(began, as_json) as listener,
            dg.DagsterInstance.get() as instance,  # at its end the record's logs are folded in
            watched(listener, sessions),
        ):
            result = defs.resolve_job_def("refresh_kpis").execute_in_process(
                instance=instance,
                raise_on_error=False,
                asset_selection=assets_selected(settings, defs, select),
                run_config={
                    "resources": {"warehouse": {"config": config}},
                    "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
                },
            )
    except Exception as error:
        raise_what_failed_after_publishing(error, sessions)
        raise
    session = sessions[0] if sessions else None
    if not result.success:
        raise_what_failed(result, session)
    return session


def assets_selected(settings: Workspace, defs: Any, select: str | None) -> list[Any]:
    """Return the keys of the assets that `--select` names; of all that a run needs without it."""
    import dagster as dg

    from dagster_project.defs.raw import assets_of_unused_systems

    if not select:
        everything = defs.resolve_asset_graph().materializable_asset_keys
        return sorted(everything - assets_of_unused_systems(settings))
    graph = defs.resolve_asset_graph()
    try:
        with warnings.catch_warnings():  # Dagster's parser itself calls what Dagster calls beta
            warnings.simplefilter("ignore", dg.BetaWarning)
            found = dg.AssetSelection.from_string(select).resolve(graph)
    except (dg.DagsterError, NotImplementedError):
        found = set()  # a name that is no asset's, brackets that do not close, an unknown word
    found = found & graph.materializable_asset_keys
    if not found:
        raise _nothing_selected(graph, select)
    return sorted(found)


def _nothing_selected(graph: Any, select: str) -> WorkspaceError:
    """Say which groups there are, and which assets are called much like what was asked for."""
    from collections import Counter
    from difflib import get_close_matches

    keys = graph.materializable_asset_keys
    groups = sorted(Counter(graph.get(key).group_name for key in keys).items())
    paths = {key.path[-1]: key.to_user_string() for key in sorted(keys)}
    asked = select.removeprefix("key:").strip("\"'").rsplit("/", 1)[-1]
    near = ", ".join(f"key:{paths[name]}" for name in get_close_matches(asked, paths))
    told = ", ".join(f"group:{name} ({count} assets)" for name, count in groups)
    return WorkspaceError(
        "reading --select",
        found=f"`{select}`, which selects nothing",
        expected=f"one of {told}; or one asset, such as key:marts/kpi_values",
        remedy=(f"did you mean {near}? " if near else "")
        + "`kpi ui` shows every asset by its name; + before or after it takes its neighbours "
        "along; `and`, `or`, `not` join selections",
    )


@contextlib.contextmanager
def progress(began: float, as_json: bool) -> Iterator[Any]:
    """Yield a listener of steps: a line that changes on a terminal, plain lines otherwise."""
    if as_json:
        yield lambda step, what: None
        return
    if not sys.stderr.isatty():
        yield lambda step, what: print(
            f"{time.monotonic() - began:6.1f} s  {what}", file=sys.stderr, flush=True
        )
        return
    from rich.console import Console

    with Console(stderr=True).status("starting") as spinner:
        yield lambda step, what: spinner.update(f"{time.monotonic() - began:5.1f} s  {what}")


_NAMED = 10
"""Left out files that are named after a run."""


def _say_unclaimed(unclaimed: list[tuple[str, str]]) -> None:
    """Name the files in the sources' folders that nobody reads; those under `ignore:` aside."""
    names = [name for _, name in unclaimed]
    for name in names[:_NAMED]:
        print(f"left out: {name}: no pattern under `files:` names it", file=sys.stderr)
    if more := len(names[_NAMED:]):
        print(f"left out: {more} more, told by `kpi check --sources`", file=sys.stderr)


def _exit_as_quarantine_says(folder: Path, strict: bool) -> None:
    """End with 4 where the release leaves files out, or rows under --strict, old or new alike.

    Raises:
        typer.Exit: With code 4; what is left out was named on standard error.
    """
    from dagster_project.publish.reader import opened_folder

    with opened_folder(folder) as release:
        files = release.execute(
            "select distinct file_name, reason from ops.files where status = 'rejected' "
            "order by file_name, reason"
        ).fetchall()
        (rows,) = release.execute(
            "select count(*) from ops.quarantine where is_row_rejected"
        ).fetchone()
    for name, reason in files:
        print(f"rejected: {name}: {reason}", file=sys.stderr)
    if strict and not files and rows:
        print(f"{rows} rows are in ops.quarantine (--strict)", file=sys.stderr)
    if files or (strict and rows):
        raise typer.Exit(4)


def is_nothing_new(settings: Workspace) -> bool:
    """Tell whether all that a run would make stands as the last run left it."""
    from dagster_project.ingest.run import inputs_signature
    from dagster_project.publish.reader import is_published
    from dagster_project.publish.release import published_manifest

    if not (is_published(settings) and settings.warehouse_file.exists()):
        return False
    before = published_manifest(settings)
    return before is not None and before.get("signature") == inputs_signature(settings)


def _say_summary(
    settings: Workspace, folder: Path, is_swapped: bool, as_json: bool, prefix: str
) -> None:
    from dagster_project.summary import headline

    told = headline(settings, folder, is_swapped=is_swapped)
    if as_json:
        answer = {"nothing_new": bool(prefix), **told.data}
        print(json.dumps(answer, ensure_ascii=False, default=str))
        return
    print(f"{prefix}{settings.config.company}, {settings.as_of}")
    print_rows(["", *told.columns], [[name, *cells] for name, cells in told.rows])
    for line in told.lines:
        print(line)


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise WorkspaceError(
            "reading --as-of", found=text or "", expected="a day such as 2026-10-31"
        ) from None


def _instant(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise WorkspaceError(
            "reading --known-by", found=text, expected="an instant such as 2026-10-31T18:00:00Z"
        ) from None
    from datetime import UTC

    return value if value.tzinfo else value.replace(tzinfo=UTC)
