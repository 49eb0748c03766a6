"""A real browser opens the report from disk: nothing of the data runs, nothing leaves, nothing is logged, page 1 is one page."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from auditor import facts, safe
from auditor.model import Finding, Language, Run
from auditor.report import exit_code, explorer, html_report
from auditor.report.i18n import NBSP
from tests.report import chromium, examples, large

pytestmark = [pytest.mark.slow, pytest.mark.skipif(chromium.PROGRAM is None, reason="no Chromium on this machine")]


@dataclass
class Listener:
    """A server on the loopback address that remembers what was asked of it."""

    address: str
    hits: list[str] = field(default_factory=list)


@pytest.fixture
def listener() -> Iterator[Listener]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.hits.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    heard = Listener(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield heard
    server.shutdown()
    thread.join()
    server.server_close()


def browse(file: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    assert chromium.PROGRAM
    return subprocess.run(
        [chromium.PROGRAM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--enable-logging=stderr", "--v=0", f"--user-data-dir={file.parent / 'profile'}",
         *arguments, file.as_uri()],
        capture_output=True, text=True, encoding="utf-8", timeout=120, check=True,
    )  # fmt: skip


def attacks(address: str) -> tuple[str, ...]:
    return (
        *examples.HOSTILE[:-1],
        f'<img src="{address}/image">',
        f"<script>fetch('{address}/fetch')</script>",
        f'<link rel="stylesheet" href="{address}/style">',
        f"<style>body{{background:url({address}/background)}}</style>",
        f'<svg onload="document.title=\'breached\'"><image href="{address}/svg"/></svg>',
        "<iframe srcdoc=\"<script>parent.document.title='breached'</script>\"></iframe>",
    )


@pytest.mark.parametrize("language", Language)
def test_hostile_report_opens_silently(tmp_path: Path, listener: Listener, language: Language) -> None:
    run = examples.run()
    found = tuple(Finding("AD-KRB-001", str(place), {"name": name}) for place, name in enumerate(attacks(listener.address)))
    hostile = tuple(replace(entry, findings=found) if entry.rule == "AD-KRB-001" else entry for entry in run.assessments)
    run = replace(run, assessments=hostile, establishment=attacks(listener.address)[0])
    file = tmp_path / "report.html"
    file.write_text(html_report.render(replace(run, exit=exit_code.decide(run)), language), encoding="utf-8")
    shown = browse(file, "--dump-dom")
    assert "CONSOLE" not in shown.stderr
    assert listener.hits == []
    title = re.search(r"<title>(.*?)</title>", shown.stdout)
    assert title
    assert title[1] != "breached"
    # The page's own script ran: its buttons are there, and those of the six columns of the explorer.
    assert shown.stdout.count('<button type="button">') == 2 + 6 + shown.stdout.count('<pre class="command">')


def test_the_probes_of_this_file_do_fire_without_our_guards(tmp_path: Path, listener: Listener) -> None:
    file = tmp_path / "naked.html"
    file.write_text(f"<title>x</title>{''.join(attacks(listener.address))}<script>missing()</script>", encoding="utf-8")
    shown = browse(file, "--dump-dom")
    assert "CONSOLE" in shown.stderr
    assert "/image" in listener.hits
    assert "<title>breached</title>" in shown.stdout


@pytest.mark.parametrize("language", Language)
def test_policy_blocks_what_escaping_would_have_missed(tmp_path: Path, listener: Listener, language: Language) -> None:
    run = examples.run()
    page = html_report.render(replace(run, exit=exit_code.decide(run)), language)
    file = tmp_path / "report.html"
    file.write_text(page.replace("<main>", "<main>" + "".join(attacks(listener.address))), encoding="utf-8")
    shown = browse(file, "--dump-dom")
    assert listener.hits == []
    assert "<title>breached</title>" not in shown.stdout


@pytest.mark.parametrize("language", Language)
def test_page_one_prints_on_one_page_and_everything_on_more(tmp_path: Path, language: Language) -> None:
    run = examples.run()
    page = html_report.render(replace(run, exit=exit_code.decide(run)), language)

    def pages(source: str, name: str) -> int:
        (tmp_path / name).write_text(source, encoding="utf-8")
        browse(tmp_path / name, f"--print-to-pdf={tmp_path / 'out.pdf'}", "--no-pdf-header-footer")
        return len(re.findall(rb"/Type\s*/Page[^s]", (tmp_path / "out.pdf").read_bytes()))

    assert pages(page.replace("<html ", '<html data-print="page" '), "page.html") == 1
    assert pages(page, "all.html") >= 5


EXPLORER = "document.querySelector('.explorer')"
STATUS = f"{EXPLORER}.querySelector('[role=status]').textContent"
OBJECTS = f"[...{EXPLORER}.querySelectorAll('.rows .on-object')].map(cell => cell.textContent)"


@pytest.fixture
def tab(tmp_path: Path) -> Iterator[chromium.Tab]:
    """A browser on an ordinary screen; whatever a test does, nothing was logged and nothing was asked for."""
    with chromium.tab(tmp_path) as opened:
        opened.screen(1280, 820)
        yield opened
        assert opened.log == []
        assert opened.requests == []


def written(folder: Path, run: Run, language: Language = Language.EN) -> Path:
    file = folder / "report.html"
    file.write_text(html_report.render(replace(run, exit=exit_code.decide(run)), language), encoding="utf-8")
    return file


def search(tab: chromium.Tab, text: str) -> None:
    tab.run(f"{EXPLORER}.querySelector('input').focus(), {EXPLORER}.querySelector('input').select()")
    tab.type(text)


def choose(tab: chromium.Tab, place: int, value: str) -> None:
    field = f"{EXPLORER}.querySelectorAll('select')[{place}]"
    tab.run(f"({field}.value = {value!r}, {field}.dispatchEvent(new Event('input')))")


def test_explorer_shows_hostile_names_as_text(tmp_path: Path, tab: chromium.Tab) -> None:
    tab.go(written(tmp_path, examples.run()), "#explorer?r=AD-KRB-001")
    objects = tab.run(OBJECTS)
    assert len(objects) == len(examples.HOSTILE)
    assert examples.SCRIPT in objects
    assert examples.HANDLER in objects
    assert "svc<U+202E>gpj.exe" in objects
    assert tab.run("document.title") != "breached"


def test_search_folds_accents_and_wants_every_word(tmp_path: Path, tab: chromium.Tab) -> None:
    tab.go(written(tmp_path, large.run(700), Language.FR))
    assert tab.run(STATUS) == f"Constats affichés{NBSP}: 700 sur 700"
    for asked, found in (("LEFEVRE", 100), ("Lefèvre", 100), ("boeuf", 100), ("bœuf", 100), ("o'brien", 100), ("lefevre pediatrie", 20),
                         ("pediatrie lefevre", 20), ("lefevre pharmacie introuvable", 0), ("AD-ACC-003", 18), ("defaut", 700)):  # fmt: skip
        search(tab, asked)
        assert tab.run(STATUS) == f"Constats affichés{NBSP}: {found} sur 700", asked
    search(tab, "introuvable")
    assert tab.run(f"{EXPLORER}.querySelector('.rows').textContent") == "Aucun constat ne correspond."
    tab.click(".clear")
    assert tab.run(STATUS) == f"Constats affichés{NBSP}: 700 sur 700"


def test_filters_are_written_into_the_address_and_read_from_it(tmp_path: Path, tab: chromium.Tab) -> None:
    file = written(tmp_path, large.run(700))
    tab.go(file)
    search(tab, "garcia é&=#")
    choose(tab, 0, "high")
    choose(tab, 1, "R2")
    choose(tab, 2, "new")
    address = tab.run("location.hash")
    assert address == "#explorer?q=garcia+%C3%A9%26%3D%23&s=high&r=R2&n=1"
    search(tab, "")
    shown = tab.run(STATUS)
    # Rules 1, 6, 11 … belong to recommendation 2, rules 1, 5, 9 … are high; every twentieth finding is new.
    expected = sum(n % 40 % 5 == 0 and n % 40 % 4 == 0 and n % 20 == 0 for n in range(700))
    assert shown == f"Findings shown: {expected} of 700"
    tab.go(file, address)
    fields = f"[...{EXPLORER}.querySelectorAll('input, select')].map(field => field.value)"
    assert tab.run(fields) == ["garcia é&=#", "high", "R2", "new"]
    assert tab.run(STATUS) == "Findings shown: 0 of 700"
    tab.run("location.hash = '#explorer?r=AD-ACC-007'")
    assert tab.run(f"new Promise(done => setTimeout(() => done({STATUS}), 50))") == "Findings shown: 18 of 700"
    tab.run("location.hash = '#explorer?r=GONE-001&q=%'")
    assert tab.run(f"new Promise(done => setTimeout(() => done({STATUS}), 50))") == "Findings shown: 0 of 700"
    assert tab.run(f"{EXPLORER}.querySelectorAll('select')[1].value") == "GONE-001"


def test_link_to_a_rule_opens_it(tmp_path: Path, tab: chromium.Tab) -> None:
    tab.go(written(tmp_path, examples.run()), "#AD-STL-002")
    assert tab.run("document.getElementById('AD-STL-002').open") is True
    tab.go(written(tmp_path, examples.run()), "#%E0%A4%A")
    assert tab.run("document.querySelectorAll('details.rule[open]').length") == 1


def test_columns_sort_both_ways_and_say_so(tmp_path: Path, tab: chromium.Tab) -> None:
    tab.go(written(tmp_path, large.run(300)), "#explorer?")
    heads = f"Object.fromEntries([...{EXPLORER}.querySelectorAll('[role=columnheader]')].map(head => [head.textContent, head.ariaSort]))"
    assert tab.run(heads)["Severity"] == "ascending"
    tab.click(".heads .on-object button")
    names = tab.run(OBJECTS)
    assert names[0] == "bœuf.00000"
    assert names == sorted(names, key=lambda name: name.replace("œ", "oe"))
    tab.click(".heads .on-object button")
    assert tab.run(heads)["Object"] == "descending"
    assert tab.run(OBJECTS)[0] == "o’brien.00007"
    tab.click(".heads .on-seen button")
    days = tab.run("[...document.querySelectorAll('.rows .on-seen')].map(cell => cell.textContent)")
    assert days[0] == "2025-12-12"
    assert days == sorted(days)


def test_rows_say_their_place_and_scrolling_brings_the_last(tmp_path: Path, tab: chromium.Tab) -> None:
    tab.go(written(tmp_path, large.run(50_000)), "#explorer?")
    rows = f"[...{EXPLORER}.querySelectorAll('.rows [role=row]')].map(row => Number(row.ariaRowIndex))"
    first = tab.run(rows)
    assert first == list(range(2, 2 + len(first)))
    assert len(first) < 60
    assert tab.run(f"{EXPLORER}.querySelector('[role=table]').ariaRowCount") == "50001"
    tab.run(f"{EXPLORER}.querySelector('[role=table]').focus()")
    tab.press("End")
    last = f"new Promise(done => {{ const look = () => {rows}.at(-1) === 50001 ? done({rows}) : setTimeout(look, 20); look(); }})"
    reached = tab.run(last)
    assert reached == list(range(reached[0], 50_002))
    # The last row can be seen: no browser limit on heights was met.
    bottom = "getBoundingClientRect().bottom"
    assert tab.run(f"{EXPLORER}.querySelector('.rows').lastElementChild.{bottom} <= {EXPLORER}.querySelector('.box').{bottom}") is True


def test_keyboard_alone_is_enough(tmp_path: Path, tab: chromium.Tab) -> None:
    tab.go(written(tmp_path, large.run(300)))
    tab.press("/")
    focus = "document.activeElement.getAttribute('aria-label') || document.activeElement.textContent"
    assert tab.run(focus) == "Search"
    tab.type("garcia/")
    tab.press("/")
    assert tab.run("document.activeElement.value") == "garcia//"
    reached = []
    for _ in range(13):
        tab.press("Tab")
        reached.append(tab.run(focus))
    assert reached[:5] == ["Severity", "Recommendation or rule", "State", "Clear", "Export as CSV"]
    assert reached[5:12] == ["All findings", "Severity", "Rule", "Object", "Detail", "State", "First seen"]
    tab.run("document.querySelector('.clear').focus()")
    tab.press("Enter")
    assert tab.run(STATUS) == "Findings shown: 300 of 300"
    # The focus on a row survives scrolling by a few rows.
    tab.run(f"{EXPLORER}.querySelectorAll('.rows a')[12].focus()")
    before = tab.run("document.activeElement.closest('[role=row]').ariaRowIndex")
    tab.run(f"new Promise(done => {{ {EXPLORER}.querySelector('.box').scrollTop = 600; setTimeout(done, 100); }})")
    assert tab.run("document.activeElement.closest('[role=row]')?.ariaRowIndex") == before


CELLS = (
    *examples.HOSTILE[:-1], "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\u00a0=1", "\ufeff=1", "＝1", "＋1", "－1",
    "＠a", 'a"b;c', "a;b", "plain", "'quoted", "é’œ", "|cmd", "%0A=1",
)  # fmt: skip


def test_exported_bytes_are_those_of_the_python_writer(tmp_path: Path, tab: chromium.Tab) -> None:
    run = examples.run()
    found = tuple(Finding("AD-KRB-001", str(place), {"name": name}) for place, name in enumerate(CELLS))
    run = replace(run, assessments=tuple(replace(item, findings=found) if item.rule == "AD-KRB-001" else item for item in run.assessments))
    tab.go(written(tmp_path, run), "#explorer?r=AD-KRB-001")
    tab.click(".csv")
    raw = tab.downloaded().read_bytes()
    expected = io.StringIO()
    writer = csv.writer(expected, delimiter=";", lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    writer.writerow(["id", "Severity", "Rule", "Object", "Detail", "State", "First seen"])
    order = [str(finding.evidence["name"]) for finding in next(
        control for control in facts.of(run).controls if control.rule.id == "AD-KRB-001").findings]  # fmt: skip
    writer.writerows(["AD-KRB-001", "Critical", "Account under attack", safe.cell(name), "", "open", "–"] for name in order)
    assert raw == b"\xef\xbb\xbf" + expected.getvalue().encode()
    assert raw.count(b";\"'") >= 12


def test_names_can_be_hidden_on_the_screen(tmp_path: Path, tab: chromium.Tab) -> None:
    tab.go(written(tmp_path, large.run(300)), "#explorer?")
    assert any("lefèvre" in name for name in tab.run(OBJECTS))
    tab.run("document.querySelector('.tools button').click()")
    assert tab.run("document.querySelector('.tools button').ariaPressed") == "true"
    assert all(name.startswith("Object ") for name in tab.run(OBJECTS))
    assert "lefèvre" not in tab.run(f"{EXPLORER}.innerHTML")
    assert set(tab.run(f"[...{EXPLORER}.querySelectorAll('.rows .on-detail')].map(cell => cell.textContent)")) == {"–"}
    colour = "getComputedStyle(document.querySelector('.evidence tbody th')).color"
    assert tab.run(colour) == "rgba(0, 0, 0, 0)"
    tab.run("document.querySelector('.tools button').click()")
    assert any("lefèvre" in name for name in tab.run(OBJECTS))


def test_other_language_is_said_after_a_switch(tmp_path: Path, tab: chromium.Tab) -> None:
    run = replace(examples.run(), exit=exit_code.decide(examples.run()))
    page = html_report.render(run, Language.FR)
    both = str(explorer.island(facts.of(run), (Language.FR, Language.EN)))
    file = tmp_path / "both.html"
    file.write_text(page.replace(str(explorer.island(facts.of(run), (Language.FR,))), both), encoding="utf-8")
    tab.go(file, "#explorer?q=medi")
    assert tab.run(STATUS) == f"Constats affichés{NBSP}: 19 sur 289"
    tab.run("document.documentElement.lang = 'en'")
    assert tab.run(STATUS) == "Findings shown: 19 of 289"
    assert tab.run(f"{EXPLORER}.querySelector('.rows .on-rule').textContent") == "Fault of SPC-023"


def test_without_script_the_page_says_where_the_list_is(tmp_path: Path, tab: chromium.Tab) -> None:
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    tab.go(written(tmp_path, examples.run()), script=False)
    assert "findings.csv" in tab.run("document.getElementById('explorer').innerText")
    assert tab.run(f"{EXPLORER}.childElementCount") == 0


def test_phone_shows_every_row_within_the_screen(tmp_path: Path, tab: chromium.Tab) -> None:
    tab.screen(390, 800)
    tab.go(written(tmp_path, large.run(300), Language.FR), "#explorer?")
    assert tab.run("document.documentElement.scrollWidth") <= 390
    assert tab.run(f"{EXPLORER}.querySelector('.box').scrollWidth - {EXPLORER}.querySelector('.box').clientWidth") == 0
    inside = "(row => [...row.children].every(cell => cell.getBoundingClientRect().bottom <= row.getBoundingClientRect().bottom))"
    assert tab.run(f"{inside}({EXPLORER}.querySelector('.rows .row'))") is True


def test_an_empty_report_has_an_empty_explorer(tmp_path: Path, tab: chromium.Tab) -> None:
    tab.go(written(tmp_path, examples.clean_run()), "#explorer?q=x")
    assert tab.run(STATUS) == "Findings shown: 0 of 0"


@pytest.mark.parametrize(("findings", "seconds"), [(10_000, 1.0), (50_000, 2.0)])
def test_large_reports_open_in_time(tmp_path: Path, tab: chromium.Tab, findings: int, seconds: float) -> None:
    file = written(tmp_path, large.run(findings), Language.FR)
    taken = []
    for _ in range(3):
        tab.go(file)
        taken.append(tab.run(chromium.READY) / 1000)
    assert sorted(taken)[1] < seconds, taken
    assert tab.run(STATUS) == f"Constats affichés{NBSP}: {findings // 1000}{NBSP}000 sur {findings // 1000}{NBSP}000"
    assert tab.run(f"{EXPLORER}.querySelectorAll('*').length") < 700
