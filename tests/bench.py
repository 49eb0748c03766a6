"""`make bench`: what the product costs, as ratios to a floor or a peer measured in the same run; times are for orientation."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
HOSPITAL = ROOT / "sample_data" / "hospital"
AUDIT = [sys.executable, "-c", "from auditor.cli import main; main()"]
BARE = """
import typer
app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
@app.command()
def one(config: str = "x") -> None: "One."
@app.command()
def two() -> None: "Two."
app()
"""
COPIES = 14
"""The sample hospital, 14 times: 100,000 enabled accounts."""


class Cost:
    """Seconds of wall clock and of processor, and peak memory in MB, of one finished process."""

    def __init__(self, command: Sequence[object], env: dict[str, str] | None = None) -> None:
        with tempfile.TemporaryFile() as out:
            start = os.times()
            process = subprocess.Popen([str(part) for part in command], stdout=out, stderr=out, env={**os.environ, **(env or {})}, cwd=ROOT)
            _, status, usage = os.wait4(process.pid, 0)
            end = os.times()
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode not in (0, 1):
                out.seek(0)
                raise SystemExit(f"{command[:4]} ended with {process.returncode}: {out.read()[-500:]!r}")
        self.wall = end.elapsed - start.elapsed
        self.cpu = usage.ru_utime + usage.ru_stime
        self.memory = usage.ru_maxrss / 1024


def pairs(one: Callable[[], Cost], other: Callable[[], Cost], runs: int) -> tuple[float, list[Cost], list[Cost]]:
    """Run both in turn; the median of the CPU ratios, and the costs."""
    first, second = [], []
    for _ in range(runs):
        first.append(one())
        second.append(other())
    return statistics.median(a.cpu / b.cpu for a, b in zip(first, second, strict=True)), first, second


def told(what: str, ratio: float, against: str, cost: Cost, goal: str = "") -> None:
    print(f"{what:<46} {ratio:7.2f} × {against:<44} ({cost.wall:.2f} s, {cost.cpu:.2f} CPU s, {cost.memory:.0f} MB) {goal}")


def help_screen() -> None:
    ratio, costs, _ = pairs(lambda: Cost([*AUDIT, "--help"]), lambda: Cost([sys.executable, "-c", BARE, "--help"]), 9)
    told("audit --help", ratio, "a bare typer application", costs[-1], "goal ≤ 2")


def sample(folder: Path) -> None:
    sources = [path for path in sorted(HOSPITAL.rglob("*")) if path.suffix in (".ldif", ".txt", ".csv")]
    floor = f"import base64\nfor p in {[str(p) for p in sources]!r}:\n    for line in open(p, 'rb'):\n        line.split(b':')\n"
    command = [*AUDIT, "run", "--config", HOSPITAL / "audit.yaml", "--output", folder / "sample", "--quiet"]
    ratio, costs, _ = pairs(lambda: Cost(command), lambda: Cost([sys.executable, "-c", floor]), 3)
    told("audit run on the sample hospital", ratio, "reading its files line by line", costs[-1])


def large(folder: Path) -> None:
    source, target = folder / "sample" / "snapshot", folder / "large"
    # In a process of its own: the peak memory of a child counts what its parent held when it was started.
    Cost([sys.executable, "-c", f"from tests import bench; bench.multiply({str(source)!r}, {str(target / 'snapshot')!r})"])
    command = [*AUDIT, "assess", "--config", HOSPITAL / "audit.yaml", "--output", target, "--quiet"]
    scan = (
        f"import duckdb, glob\nfor p in glob.glob({str(target / 'snapshot' / '*.parquet')!r}):\n"
        "    duckdb.sql(f\"select hash(columns(*)) from '{p}'\").fetchall()\n"
    )
    ratio, costs, _ = pairs(lambda: Cost(command), lambda: Cost([sys.executable, "-c", scan]), 1)
    told(f"all rules on {COPIES} × the sample hospital", ratio, "fetching every cell of its tables", costs[-1])


def multiply(sample: str, target: str) -> None:
    """A snapshot with every account, group and membership COPIES times under other keys; what a forest has once stays single."""
    import duckdb

    from auditor import snapshot
    from auditor.tables import COLLECTED

    source = snapshot.read(Path(sample))
    single = {"domain", "password_settings", "security_descriptor", "access_entry"}
    single |= {"registry_release", "registry_person", "registry_activity"}
    with snapshot.create(Path(target), source.as_of) as writer:
        for name, table in COLLECTED.items():
            if name in single:
                columns = ", ".join(table.column_names)
            else:
                columns = ", ".join(
                    f"{column} || '-' || n AS {column}" if column.endswith("_key") or column == "source" else column
                    for column in table.column_names
                )
            copies = 1 if name in single else COPIES
            query = f"SELECT {columns} FROM '{source.path(name)}', range({copies}) AS copies(n)"
            relation = duckdb.sql(query)
            assert relation is not None
            for row in relation.to_arrow_table().to_pylist():
                writer.add(name, row)
        writer.add_coverage(source.coverage)


def live(folder: Path) -> None:
    """Reading the sample hospital from a real domain controller, against the tool everybody has."""
    from tests.lab import conftest, samba

    with conftest.restored(conftest.snapshot_of(conftest.HOSPITAL)) as lab:
        lab.start()
        secret = folder / "secret"
        secret.touch(mode=0o600)
        secret.write_text(samba.READER_PASSWORD, encoding="utf-8")
        user = f"{samba.READER}@{lab.domain.dns}"
        config = folder / "live.yaml"
        config.write_text(
            "establishment: {name: bench}\nsources:\n"
            f"  - {{type: active_directory, name: live, server: {lab.ip}, ca_file: {lab.ca_file},\n"
            f"     user: {user}, password: {{file: {secret}}}}}\n",
            encoding="utf-8",
        )
        collect = [*AUDIT, "collect", "--config", config, "--output", folder / "live", "--no-progress"]
        peer = [
            "ldapsearch", "-x", "-LLL", "-H", f"ldaps://{lab.ip}", "-D", user, "-y", secret, "-b", lab.domain.dn,
            "-E", "pr=500/noprompt", "-E", "!1.2.840.113556.1.4.801=::MAMCAQU=", "(objectClass=*)", "*", "nTSecurityDescriptor",
        ]  # fmt: skip
        ratio, costs, _ = pairs(lambda: Cost(collect), lambda: Cost(peer, {"LDAPTLS_CACERT": str(lab.ca_file)}), 3)
        told("audit collect from a Samba controller", ratio, "ldapsearch of the same objects, to a file", costs[-1])


def opening(folder: Path) -> None:
    """Opening a report of many findings in Chromium, and searching in it, against one of 1,000."""
    from auditor.model import Language
    from auditor.report import html_report
    from tests.report import chromium, large

    search = """(() => { const field = document.querySelector(".filters input"), start = performance.now();
        field.value = %r; field.dispatchEvent(new Event("input")); document.querySelector(".box").getBoundingClientRect();
        return performance.now() - start; })()"""
    first: list[float] = []
    file = folder / "report.html"
    with chromium.tab(folder) as tab:
        for findings in (1_000, 10_000, 50_000):
            file.write_text(html_report.render(large.run(findings), Language.FR), encoding="utf-8")
            rounds = []
            for _ in range(3):
                tab.go(file)
                rounds.append([tab.run(chromium.READY), tab.run(search % "lefevre imagerie"), tab.run(search % "")])
            cost = [statistics.median(times) for times in zip(*rounds, strict=True)]
            first = first or cost
            nodes, size = tab.run("document.querySelectorAll('*').length"), file.stat().st_size / 1e6
            for what, taken, floor in zip(("opening", "searching", "clearing the search of"), cost, first, strict=True):
                report = f"{what} a report of {findings} findings"
                print(f"{report:<46} {taken / floor:7.2f} × {'one of 1000':<44} ({taken:.0f} ms, {nodes} nodes, {size:.2f} MB)")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="audit-bench-") as name:
        folder = Path(name)
        help_screen()
        sample(folder)
        large(folder)
        opening(folder)
        live(folder)


if __name__ == "__main__":
    main()
