"""A real browser opens the report from disk: nothing of the data runs, nothing leaves, nothing is logged, page 1 is one page."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from auditor.model import Finding, Language
from auditor.report import exit_code, html_report
from tests.report import examples

CHROMIUM = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")]


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
    assert CHROMIUM
    return subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--enable-logging=stderr", "--v=0", f"--user-data-dir={file.parent / 'profile'}",
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
    file.write_text(html_report.render(run, language, *exit_code.decide(run)), encoding="utf-8")
    shown = browse(file, "--dump-dom")
    assert "CONSOLE" not in shown.stderr
    assert listener.hits == []
    title = re.search(r"<title>(.*?)</title>", shown.stdout)
    assert title
    assert title[1] != "breached"
    # The page's own script ran: its buttons are there.
    assert shown.stdout.count('<button type="button">') == 2 + shown.stdout.count('<pre class="command">')


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
    page = html_report.render(run, language, *exit_code.decide(run))
    file = tmp_path / "report.html"
    file.write_text(page.replace("<main>", "<main>" + "".join(attacks(listener.address))), encoding="utf-8")
    shown = browse(file, "--dump-dom")
    assert listener.hits == []
    assert "<title>breached</title>" not in shown.stdout


@pytest.mark.parametrize("language", Language)
def test_page_one_prints_on_one_page_and_everything_on_more(tmp_path: Path, language: Language) -> None:
    run = examples.run()
    page = html_report.render(run, language, *exit_code.decide(run))

    def pages(source: str, name: str) -> int:
        (tmp_path / name).write_text(source, encoding="utf-8")
        browse(tmp_path / name, f"--print-to-pdf={tmp_path / 'out.pdf'}", "--no-pdf-header-footer")
        return len(re.findall(rb"/Type\s*/Page[^s]", (tmp_path / "out.pdf").read_bytes()))

    assert pages(page.replace("<html ", '<html data-print="page" '), "page.html") == 1
    assert pages(page, "all.html") >= 5
