"""``kpi``: the verbs a person types. Wiring only: reading options, printing, exit codes.

What belongs here: how things are said. What does not: how they are done.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from dagster_project import __version__
from dagster_project.cli_explain import add_explain_verb
from dagster_project.cli_goals import add_goal_verbs
from dagster_project.cli_options import DebugOption, JsonOption, WorkspaceOption
from dagster_project.cli_pay import add_pay_verbs
from dagster_project.cli_run import add_run_verb, progress
from dagster_project.cli_tables import print_table
from dagster_project.errors import PipelineError, WorkspaceError
from dagster_project.failures import known_failure
from dagster_project.settings import (
    Workspace,
    is_debug,
    load_workspace,
    set_debug,
    silence_telemetry,
    use_dagster_home,
)

app = typer.Typer(
    help="Sales KPIs from delivered files: `kpi init DIR`, put files under DIR/raw, "
    "`kpi run --workspace DIR`. Without --workspace: KPI_WORKSPACE, else the demonstration "
    "company. Exit codes: 0 done, 1 unexpected, 2 usage or settings, 3 a gate refused, "
    "4 files in quarantine that are tolerated, under --strict also rows.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def start() -> NoReturn:
    """Be the command ``kpi``: run it and leave the process."""
    gc.set_threshold(100_000, 50, 100)  # imports leave little to collect; looking costs a second
    try:
        main()
    except SystemExit as end:
        _leave(end.code)


def _leave(code: str | int | None) -> NoReturn:
    """End the process at once: taking apart what libraries have built would cost two seconds."""
    if isinstance(code, str):
        print(code, file=sys.stderr)
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


def main() -> None:
    """Run ``kpi`` and turn errors into sentences and exit codes."""
    silence_telemetry()
    try:
        answer = app(standalone_mode=False)
        sys.exit(answer if isinstance(answer, int) else 0)
    except PipelineError as error:
        _fail(error, error.exit_code)
    except typer.Exit as error:
        sys.exit(error.exit_code)
    except typer.Abort:
        sys.exit(130)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if hasattr(error, "format_message"):
            if told := error.format_message():  # without arguments the help has said it
                _end(f"kpi: {told}", 2)
            sys.exit(2)
        if is_debug():
            raise
        known = known_failure(error)
        if known is None:
            raise
        _fail(known, 1)


def _fail(error: PipelineError, code: int) -> None:
    if is_debug():
        raise error
    _end(error.render(), code)


def _end(told: str, code: int) -> NoReturn:
    """Say why nothing came of it: to a person, and under --json to the program that asked."""
    print(told, file=sys.stderr)
    if "--json" in sys.argv:
        print(json.dumps({"exit_code": code, "error": told}, ensure_ascii=False))
    sys.exit(code)


@app.command()
def init(
    directory: Annotated[Path, typer.Argument(help="A folder that is new or empty.")],
    language: Annotated[str, typer.Option(help="ru or en: comments and labels.")] = "ru",
    exports: Annotated[
        Path | None,
        typer.Option("--from", help="A folder of exports: propose settings and copy its files."),
    ] = None,
) -> None:
    """Make a workspace: commented templates that run as they are, or settings read off exports."""
    from dagster_project.settings import option_of, today_in

    if exports is not None:
        from dagster_project.proposal import propose_workspace

        told = propose_workspace(exports, directory)
        for name, files in told.sources.items():
            print(f"{name}: {len(files)} files")
        for name, why in told.left_out.items():
            print(f"left out: {name}: {why}")
        if told.reading is not None:
            for name, why in told.reading.refused.items():
                print(f"refused: {name}: {why}")
            counted = ", ".join(f"{e} {rows}" for e, rows in sorted(told.reading.facts.items()))
            print(f"rows that can be counted: {counted or 'none'}")
        for question in told.questions:
            print(f"TODO {question}")
        next_ = f"kpi run{option_of(told.folder.resolve())}"
        print(f"{told.folder / 'workspace.yml'}: look at the lines marked TODO, then {next_}")
        return
    from dagster_project.templates import make_workspace

    made = make_workspace(directory, language, today_in("UTC"))
    print(f"{made} is ready. Next: kpi run{option_of(made.resolve())}")


@app.command()
def demo(
    directory: Annotated[Path | None, typer.Argument(help="Default: the demo workspace.")] = None,
) -> None:
    """Write the demonstration company's raw files: the same seed gives the same bytes."""
    from dagster_project.demo.company import require_own_folder, write_company
    from dagster_project.settings import default_workspace, option_of, require_usable_path

    folder = directory or default_workspace()
    require_usable_path(folder.resolve())
    require_own_folder(folder)
    counts = write_company(folder)
    told = ", ".join(f"{name} {count}" for name, count in counts.items())
    print(f"demonstration company in {folder}: {told}")
    print(f"Next: kpi run{option_of(folder.resolve())}")


add_run_verb(app)


@app.command()
def pull(
    source: Annotated[str, typer.Argument(help="A source with `pull:` in workspace.yml.")],
    workspace: WorkspaceOption = None,
    full: Annotated[
        bool, typer.Option("--full", help="Read everything, not only what changed.")
    ] = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Ask a CRM's API for what changed and lay it under raw/ as files. Needs the extra `pull`."""
    if debug:
        set_debug()
    settings = load_workspace(workspace)
    try:
        from dagster_project.pull.run import pull_source
    except ModuleNotFoundError as error:
        if error.name not in {"httpx", "tenacity"}:
            raise
        raise WorkspaceError(
            "pulling from an API",
            found=f"no library {error.name}: pulling is an extra that is not installed",
            expected="the extra `pull`",
            remedy='pip install "sales-kpi-warehouse[pull]"',
        ) from None
    with progress(time.monotonic(), as_json) as listener:
        told = pull_source(
            settings, source, is_full=full, tell=lambda text: listener("pull", text)
        ).told()
    if as_json:
        print(json.dumps(told, ensure_ascii=False))
        return
    print_table(f"{told['system']} at {told['account']}", told["objects"])
    print(f"{told['records']} records in {told['files']} files: {told['folder']}")


@app.command()
def check(
    workspace: WorkspaceOption = None,
    sources: Annotated[
        bool,
        typer.Option(
            "--sources",
            help="What each file was taken for, columns and sheets nobody reads, and wins per "
            "month to lay beside the CRM.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Hold what the warehouse holds against the gates anew, and write the reports."""
    settings = load_workspace(workspace)
    if sources:
        _say_sources(settings, as_json)
        return
    from dagster_project.quality.gates import GATES, raise_if_failed, write_pages
    from dagster_project.session import open_session

    if not settings.warehouse_file.exists():
        raise WorkspaceError(
            "checking the gates",
            found="no warehouse",
            expected="a run before",
            where=str(settings.warehouse_file),
            remedy="run `kpi run` first",
        )
    with open_session(settings, "check the gates") as session:
        verdicts = [session.gate(name) for name in GATES]
        write_pages(settings, verdicts)
    if as_json:
        told = [
            {
                "gate": verdict.gate,
                "passed": verdict.passed,
                "checks": len(verdict.checks),
                "failed": [failed.code for failed in verdict.failures],
            }
            for verdict in verdicts
        ]
        print(json.dumps(told, ensure_ascii=False))
        raise typer.Exit(0 if all(verdict.passed for verdict in verdicts) else 3)
    for verdict in verdicts:
        word = "passed" if verdict.passed else "FAILED"
        print(f"gate of {verdict.gate}: {word}, {len(verdict.checks)} checks")
    print(f"reports: {settings.reports / 'data_docs' / 'index.html'}")
    _say_likenesses(settings)
    for verdict in verdicts:
        raise_if_failed(verdict)


def _say_likenesses(settings: Workspace) -> None:
    from dagster_project.likenesses import likely_pairs

    for pair in likely_pairs(settings):
        print(f"likely one {pair['subject']}: {pair['first']} | {pair['second']}")
        print(f"    {pair['because']}; if so: {pair['line']}")


def _say_sources(settings: Workspace, as_json: bool) -> None:
    from dagster_project.source_check import recognised_files, wins_by_month

    files, wins = recognised_files(settings), wins_by_month(settings)
    if as_json:
        from dagster_project.likenesses import likely_pairs

        told = {"files": files, "wins": wins, "likely_pairs": likely_pairs(settings)}
        print(json.dumps(told, ensure_ascii=False, default=str))
        return
    for row in files:
        print(f"{row['file']}")
        if row["status"] == "rejected":
            print(f"    rejected, {row['reason_code']}: {row['reason']}")
        elif row["status"] == "empty":
            print("    an empty page: no record")
        elif row["status"] == "unclaimed":
            print("    left out: no pattern names it, or `ignore:` does")
        else:
            means = ", ".join(row["entities"]) or "read for reference"
            print(f"    {row['table']} -> {means}")
        if "columns" in row:
            share = f"{row['columns_read']} of {row['columns']} columns read"
            print(f"    {share} ({row['share_read']:.0%})")
            if row["unread"]:
                print(f"    not read: {', '.join(row['unread'])}")
        if "sheets_unread" in row:
            print(f"    sheets not read: {', '.join(row['sheets_unread'])}")
    if not wins:
        print("no wins to compare: nothing is published yet, or no deal is won")
    for row in wins:
        amount = "-" if row["amount"] is None else f"{row['amount']:,.2f}"
        print(
            f"{row['source']}  {row['month']}  won {row['won']:>6}  {amount:>18} {row['currency']}"
        )


@app.command()
def status(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Show what is published, what a gate refused since, runs, files, quarantine, freshness."""
    from dagster_project.quality.gates import refusals
    from dagster_project.settings import option_of
    from dagster_project.summary import last_run
    from dagster_project.summary import status as read_status

    settings = load_workspace(workspace)
    told = read_status(settings)
    if as_json:
        print(json.dumps(told, ensure_ascii=False, default=str, indent=2))
        return
    if told is None:
        print(f"nothing is published yet: kpi run{option_of(settings.directory)}")
        _say_last_run(last_run(settings))
        _say_refusals(refusals(settings))
        return
    release = told["release"]
    print(f"published: run {release['run_id']}, as of {release['as_of']}")
    _say_last_run(told["last_run"])
    _say_refusals(told["refused"])
    for name in ("runs", "files", "quarantine", "freshness", "closed"):
        print_table(name, told[name])


def _say_last_run(run: dict[str, Any] | None) -> None:
    if run is not None:
        became = {
            "running": "is at work",
            "failed": "failed",
            "died": "died; the next one takes up from there",
        }
        print(f"run {run['run_id']}, begun at {run['started_at']} UTC, {became[run['status']]}")


def _say_refusals(refused: list[dict[str, Any]]) -> None:
    for row in refused:
        print(
            f"\nrefused since by the gate of {row['gate']} at {row['checked_at']}: "
            f"{row['check']}: {row['observed']}"
        )
        print(f"  do next: {row['remedy']}\n  see: {row['report']}")


@app.command()
def docs(workspace: WorkspaceOption = None) -> None:
    """Name the pages about data quality and the tables that outsiders may rely on."""
    settings = load_workspace(workspace)
    print(f"quality reports: {settings.reports / 'data_docs' / 'index.html'}")
    from dagster_project.publish.reader import is_published, opened_release

    if not is_published(settings):
        print("nothing is published yet: kpi run")
        return
    with opened_release(settings, "listing the tables") as release:
        rows = release.execute(
            "select table_schema || '.' || table_name, string_agg(column_name, ', ' "
            "order by ordinal_position) from information_schema.columns group by 1 order by 1"
        ).fetchall()
    for name, columns in rows:
        print(f"\n{name}\n    {columns}")


@app.command()
def ui(
    workspace: WorkspaceOption = None,
    port: Annotated[int, typer.Option(help="Port on this machine.")] = 3000,
) -> None:
    """Open Dagster's page: the asset graph, runs, schedule and sensor. Ends with Ctrl-C."""
    from dagster_project.settings import child_environment

    settings = load_workspace(workspace)
    home = use_dagster_home(settings)
    _require_page(home, port)
    os.chdir(home)  # Dagster looks for modules where it is started
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # `&` ignores what Dagster ends its parts by
    print(f"http://127.0.0.1:{port}  (Ctrl-C ends it)", flush=True)
    command = [sys.executable, "-m", "dagster", "dev", "-m", "dagster_project.definitions"]
    command += ["-h", "127.0.0.1", "-p", str(port)]
    os.execve(sys.executable, command, child_environment())  # who stops this stops the page


def _require_page(home: Path, port: int) -> None:
    """Refuse what would leave the page half started: no folder to write, a port that is taken."""
    if not os.access(home, os.W_OK):
        raise PipelineError(
            "opening Dagster's page",
            found="a folder that may not be written",
            expected="a folder for the record of runs that this user may write",
            where=str(home),
            remedy="give the right to write; `kpi status` tells the state without it",
        )
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            raise WorkspaceError(
                "opening Dagster's page",
                found=f"port {port} cannot be had: {error}",
                expected="a free port of this machine",
                remedy="end the page that is open there, or take another: "
                f"kpi ui --port {port + 1 if port < 65535 else 3000}",
            ) from None


@app.command()
def version() -> None:
    """Print the version."""
    print(__version__)


add_explain_verb(app)
add_goal_verbs(app)
add_pay_verbs(app)


if __name__ == "__main__":
    start()
