"""Where each second of a run goes, and how far it is from a hand-written script.

    make bench                    1 M deals
    make bench BENCH="--deals 10000000 --memory-limit 4GiB"
    make bench BENCH="--deals 200000 --history"      with the stages that each deal went through
    make bench BENCH=--fixed      the demonstration company in a fresh process

Stages are measured in a process of their own; peak memory is of that process.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.company import write_company
from benchmarks.kpi_step import kpi_step, kpi_step_told

WORK = Path(__file__).parent / "made"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deals", type=int, default=1_000_000)
    parser.add_argument("--memory-limit")
    parser.add_argument("--history", action="store_true", help="four to five stages per deal")
    parser.add_argument("--fixed", action="store_true", help="the demonstration company")
    parser.add_argument("--stage", help=argparse.SUPPRESS)
    parser.add_argument("--directory", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stage == "limit":
        from benchmarks.limit import run

        tell("limit", run(options.directory, options.memory_limit))
    elif options.stage == "run":
        run_stages(options.directory)
    elif options.fixed:
        fixed_cost()
    else:
        against_the_limit(options)


def tell(stage: str, wall: float, **more: object) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    told = {"stage": stage, "wall": wall, "cpu": used.ru_utime + used.ru_stime}
    told |= {"peak_gib": used.ru_maxrss / 1024**2} | more
    print(json.dumps(told), flush=True)


def run_stages(directory: Path) -> None:
    """Take a workspace through every stage, telling what each cost."""
    began = time.monotonic()
    from dagster_project.settings import load_workspace, silence_telemetry

    silence_telemetry()
    from dagster_project import transform
    from dagster_project.quality import gates
    from dagster_project.quality.process import expectations
    from dagster_project.session import open_session

    expectations()
    transform.parsed_project()
    tell("fixed: imports", time.monotonic() - began)
    with open_session(load_workspace(directory), "benchmark") as session:
        stages = [("ingest", session.ingest)]
        stages += [("gate raw", lambda: gates.raise_if_failed(session.gate("raw")))]
        stages += [("staging", lambda: session.build("staging"))]
        stages += [("intermediate", lambda: session.build("intermediate"))]
        stages += [("gate refined", lambda: gates.raise_if_failed(session.gate("refined")))]
        stages += [("marts", lambda: session.build("marts"))]
        stages += [("pay", lambda: (session.pay(), session.build("pay"))[1])]
        stages += [("gate kpi", lambda: gates.raise_if_failed(session.gate("kpi")))]
        stages += [("publish", session.publish)]
        for name, work in stages:
            start = time.monotonic()
            done = work()
            slowest = sorted(done, key=lambda n: -n.seconds)[:4] if isinstance(done, list) else []
            told = {n.name: round(n.seconds, 2) for n in slowest}
            wall = time.monotonic() - start
            tell(name, wall, slowest=told, **kpi_step(name, done, session.connection))
    tell("all", time.monotonic() - began)


def child(*arguments: str) -> list[dict]:
    command = [sys.executable, "-m", "benchmarks.bench", *arguments]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    if found.returncode:
        sys.exit(found.stdout + found.stderr)
    return [json.loads(line) for line in found.stdout.splitlines() if line.startswith("{")]


def against_the_limit(options: argparse.Namespace) -> None:
    directory = WORK / f"{options.deals}{'_history' if options.history else ''}"
    how = {"memory_limit": options.memory_limit, "history": options.history}
    rows = write_company(directory, options.deals, **how)
    for name in ("warehouse", "state", "published", ".releases", "reports", "quarantine"):
        path = directory / name
        path.unlink() if path.is_symlink() else shutil.rmtree(path, ignore_errors=True)
    memory = ["--memory-limit", options.memory_limit] if options.memory_limit else []
    limit = child("--stage", "limit", "--directory", str(directory), *memory)[0]
    stages = child("--stage", "run", "--directory", str(directory))
    count = max(options.deals // 100, 1)
    second = write_company(directory, count, first=options.deals, part="2", **how)
    again = child("--stage", "run", "--directory", str(directory))
    for path in (directory / "raw" / "crm").glob("*_2.csv"):
        path.unlink()
    print(f"{rows:,} rows; the limit: {limit['wall']:.1f} s, {limit['peak_gib']:.2f} GiB")
    table(stages, rows)
    whole = next(s for s in stages if s["stage"] == "all")
    print(f"against the limit: {whole['wall'] / limit['wall']:.2f}x")
    more = next(s for s in again if s["stage"] == "all")
    print(f"second run with {second:,} new rows: {more['wall'] / whole['wall']:.0%} of the first")
    table(again, rows)


def table(stages: list[dict], rows: int) -> None:
    print(f"{'stage':16} {'wall s':>8} {'cpu s':>8} {'peak GiB':>9} {'rows/s':>12}  slowest")
    cpu = 0.0
    for s in stages:
        spent, cpu = s["cpu"] - cpu, s["cpu"]
        if s["stage"] == "all":
            spent = s["cpu"]
        speed = rows / max(s["wall"], 1e-9)
        slow = ", ".join(f"{k} {v}" for k, v in s.get("slowest", {}).items())
        told = f"{s['stage']:16} {s['wall']:8.2f} {spent:8.2f} {s['peak_gib']:9.2f} {speed:12,.0f}"
        print(f"{told}  {slow}")
    print(kpi_step_told(stages))


def fixed_cost() -> None:
    """Time `kpi run` on the demonstration company: fresh, nothing new, and again when warm."""
    from dagster_project.demo.company import write_company as write_demo
    from dagster_project.settings import default_workspace

    directory = WORK / "demo"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    shutil.copy(default_workspace() / "workspace.yml", directory)
    write_demo(directory)
    run = [sys.executable, "-m", "dagster_project.cli", "run", "-w", str(directory)]
    for name in ("fresh process", "nothing new"):
        start = time.monotonic()
        subprocess.run(run, capture_output=True, check=True)
        print(f"{name:16} {time.monotonic() - start:6.2f} s")
    stages = child("--stage", "run", "--directory", str(directory))
    table(stages, 90_000)
    code = (
        "import time\nfrom pathlib import Path\nfrom benchmarks.bench import run_stages\n"
        f"d = Path({str(directory)!r})\nrun_stages(d)\nt = time.monotonic()\nrun_stages(d)\n"
        "print('warm', time.monotonic() - t)"
    )
    warm = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    print(f"{'warm process':16} {float(warm.stdout.split('warm')[-1]):6.2f} s")


if __name__ == "__main__":
    main()
