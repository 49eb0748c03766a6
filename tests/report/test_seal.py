"""The sealed report: nothing readable in the file, opens in a real browser with its six words and with nothing else."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from mnemonic import Mnemonic

from auditor.errors import RenderError
from auditor.model import Language
from auditor.report import exit_code, html_report, seal
from tests.report import chromium, examples

WORDS = "abeille académie zone fleur wagon océan"
browser = pytest.mark.skipif(chromium.PROGRAM is None, reason="no Chromium on this machine")


@pytest.fixture(scope="module")
def page() -> str:
    run = examples.run()
    return html_report.render(replace(run, exit=exit_code.decide(run)), Language.FR)


def parts(sealed: str) -> dict[str, Any]:
    found = re.search('<script type="application/json" id="sealed">(.*?)</script>', sealed)
    assert found
    held: dict[str, Any] = json.loads(found[1])
    return held


def opened(sealed: str, words: str, version: str = "audit-report-v1") -> str:
    """The content as another program would open it, from what the file says of itself."""
    held = parts(sealed)
    salt, nonce, content = (base64.b64decode(held[name]) for name in ("salt", "nonce", "content"))
    assert (len(salt), len(nonce), held["rounds"]) == (16, 12, 600_000)
    key = hashlib.pbkdf2_hmac("sha256", seal.plain(words).encode(), salt, 600_000)
    packed = AESGCM(key).decrypt(nonce, content, version.encode())
    assert packed[4:8] == bytes(4), "gzip holds no time"
    return gzip.decompress(packed).decode()


def test_the_words_open_it_and_nothing_else_does(page: str) -> None:
    sealed = seal.seal(page, WORDS, Language.FR)
    assert opened(sealed, WORDS) == page
    assert opened(sealed, "  Abeille ACADEMIE zone   fleur wagon Ocean ") == page
    with pytest.raises(InvalidTag):
        opened(sealed, WORDS.replace("zone", "zoom"))
    with pytest.raises(InvalidTag):
        opened(sealed, WORDS, "audit-report-v2")


def test_the_file_reads_as_a_sealed_report_in_both_languages_and_tells_nothing(page: str) -> None:
    for language in Language:
        sealed = seal.seal(page, WORDS, language)
        assert f'<html lang="{language.value}">' in sealed
        assert "Rapport scellé" in sealed
        assert "Sealed report" in sealed
        for secret in ("abeille", "Centre hospitalier de Test", "AD-KRB-001", "ext.0001", "MédiLiaison"):
            assert secret not in sealed


def test_only_the_page_in_the_clear_is_replaced(page: str) -> None:
    files, words = seal.sealed({"report.html": page, "other.txt": "x"}, Language.EN)
    assert set(files) == {"report.sealed.html", "other.txt"}
    assert opened(str(files["report.sealed.html"]), words) == page
    assert words in seal.handed_over(words, Language.EN, alone=True)


@pytest.mark.parametrize("language", Language)
def test_passphrases_are_six_words_and_never_the_same(language: Language) -> None:
    made = {seal.passphrase(language) for _ in range(20)}
    assert len(made) == 20
    assert all(len(words.split(" ")) == 6 for words in made)
    # Words that differ by their accents alone would be weaker than their number says.
    assert len({seal.plain(word) for word in Mnemonic(seal._LISTS[language]).wordlist}) == 2048


def test_a_page_without_policy_is_not_sealed() -> None:
    with pytest.raises(RenderError):
        seal.seal("<html></html>", WORDS, Language.EN)


@pytest.mark.slow
@browser
def test_chromium_opens_it_and_refuses_wrong_words_and_altered_files(page: str, tmp_path: Path) -> None:
    sealed = seal.seal(page, WORDS, Language.FR)
    whole, altered = tmp_path / "report.sealed.html", tmp_path / "altered.html"
    whole.write_text(sealed, encoding="utf-8")
    content = parts(sealed)["content"]
    altered.write_text(sealed.replace(content, ("B" if content[0] == "A" else "A") + content[1:]), encoding="utf-8")
    told = "[...document.querySelectorAll('[role=alert] p')].filter(p => !p.hidden).map(p => p.lang + ':' + p.textContent)"
    busy = "document.querySelector('form button:disabled')"
    settled = f"new Promise(done => {{ const look = () => {busy} ? setTimeout(look, 50) : done(1); look(); }})"
    with chromium.tab(tmp_path) as tab:
        for file, words in ((whole, "six mots qui ne vont pas"), (altered, WORDS)):
            tab.go(file)
            assert tab.run(told) == []
            tab.type(words)
            tab.press("Enter")
            tab.run(settled)
            french, english = tab.run(told)
            assert french.startswith("fr:Cette phrase de passe n’ouvre pas le fichier")
            assert english.startswith("en:This passphrase does not open the file")
            assert tab.run("document.title").startswith("Rapport scellé")
        tab.go(whole)
        tab.type("Abeille Academie zone fleur wagon ocean")
        tab.press("Enter")
        tab.run("new Promise(done => { const look = () => document.querySelector('#page') ? done(1) : setTimeout(look, 50); look(); })")
        assert "Centre hospitalier de Test" in tab.run("document.title + document.body.textContent")
        # The report's own style and script are let through by the policy of the page around it.
        assert tab.run("getComputedStyle(document.querySelector('main')).maxWidth") == "1180px"
        assert tab.run("document.querySelectorAll('.tools button').length") > 0
        assert tab.log == []
        assert tab.requests == []
