"""Name, logo and accent colour of an establishment: checked before anything is read, legible, and never able to run or ask for anything."""

from __future__ import annotations

import base64
import re
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from auditor import steps
from auditor.config_report import Branding
from auditor.errors import ConfigError
from auditor.model import Language
from auditor.report import brand, exit_code, html_report
from tests.report import chromium, examples

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9" width="90" height="90"><rect width="9" height="9" fill="#b00"/></svg>'
HOSTILE = SVG.replace(b"<rect", b'<script>parent.document.title="breached"</script><image href="http://127.0.0.1:9/x"/><rect onload="x()"')


def png(width: int = 2, height: int = 2) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"\x20\x60\x90" * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def logo(folder: Path, content: bytes) -> Branding:
    file = folder / "logo"
    file.write_bytes(content)
    return Branding(logo=file)


def render(look: brand.Brand) -> str:
    run = examples.run()
    return html_report.render(replace(run, exit=exit_code.decide(run)), Language.EN, look=look)


@pytest.mark.parametrize(
    ("content", "kind"), [(png(), "png"), (b"\xff\xd8\xff\xe0picture\xff\xd9", "jpeg"), (SVG, "svg+xml")], ids=["png", "jpeg", "svg"]
)
def test_logo_is_an_image_in_the_file(tmp_path: Path, content: bytes, kind: str) -> None:
    written = render(brand.of(logo(tmp_path, content)))
    assert f'<img class="logo" src="data:image/{kind};base64,{base64.b64encode(content).decode()}" alt="">' in written
    assert "img-src data:;" in written


def test_without_a_logo_the_policy_allows_no_image() -> None:
    written = render(brand.PLAIN)
    assert "img-src" not in written
    assert "<img" not in written.replace("&lt;img", "")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a" + bytes(40),
        png()[:-4],
        b"\xff\xd8\xff\xe0 cut short",
        b"<html><svg></svg></html>",
        b"<svg>",
        b"<svg></svg>",
        b'<!DOCTYPE svg [<!ENTITY a "aaaa">]>' + SVG,
        bytes(10) + png(),
    ],
)
def test_what_is_not_a_whole_picture_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ConfigError, match="not a whole PNG, JPEG or SVG picture"):
        brand.of(logo(tmp_path, content))


def test_size_and_absence_are_said(tmp_path: Path) -> None:
    assert brand.of(logo(tmp_path, SVG + b" " * (brand.MAX_LOGO - len(SVG)))).logo
    with pytest.raises(ConfigError, match="larger than 256 kB"):
        brand.of(logo(tmp_path, SVG + b" " * (brand.MAX_LOGO - len(SVG) + 1)))
    with pytest.raises(ConfigError, match="cannot be read"):
        brand.of(Branding(logo=tmp_path / "none.png"))
    with pytest.raises(ConfigError, match="cannot be read"):
        brand.of(Branding(logo=tmp_path))


def test_a_bad_logo_is_said_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(b"not a picture")
    config = tmp_path / "audit.yaml"
    config.write_text("establishment: {name: X}\nsources: [{type: attestations, path: .}]\nbranding: {logo: logo.png}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"logo\.png is not a whole"):
        steps.settings_of(config, None, None, None, None)


def test_name_stands_beside_that_of_the_establishment() -> None:
    assert "Groupe Valdor &lt;b&gt;<br><b>Centre hospitalier de Test</b>" in render(brand.Brand("Groupe Valdor <b>"))
    assert render(brand.Brand("Centre hospitalier de Test")).count("<b>Centre hospitalier de Test</b>") == 1


@pytest.mark.parametrize("accent", ["#000000", "#ffffff", "#ffff00", "#0f5257", "#7cc3bf", "#b00020", "#808080", "#0000ff"])
def test_every_accent_colour_is_legible_on_light_and_dark_paper(accent: str) -> None:
    style = brand.of(Branding(accent=accent)).style
    light, dark = (tuple(bytes.fromhex(found)) for found in re.findall(r"--accent:#([0-9a-f]{6});", style))
    assert brand.contrast((light[0], light[1], light[2]), (255, 255, 255)) >= brand.CONTRAST
    assert brand.contrast((dark[0], dark[1], dark[2]), (0x12, 0x19, 0x1C)) >= brand.CONTRAST


def test_a_legible_accent_colour_is_left_alone() -> None:
    assert "--accent:#0f5257;" in brand.of(Branding(accent="#0f5257")).style
    assert brand.of(Branding()).style == ""


def test_contrast_of_known_colours() -> None:
    assert brand.contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert brand.contrast((0x77, 0x77, 0x77), (255, 255, 255)) == pytest.approx(4.48, abs=0.01)


@pytest.mark.slow
@pytest.mark.skipif(chromium.PROGRAM is None, reason="no Chromium on this machine")
def test_browser_shows_a_hostile_logo_and_runs_nothing_of_it(tmp_path: Path) -> None:
    look = brand.of(Branding(name="Groupe", logo=logo(tmp_path, HOSTILE).logo, accent="#ffcc00"))
    file = tmp_path / "report.html"
    file.write_text(render(look), encoding="utf-8")
    with chromium.tab(tmp_path) as tab:
        tab.go(file)
        assert tab.run("document.querySelector('.logo').complete && document.querySelector('.logo').naturalWidth") == 90
        assert tab.run("document.title") != "breached"
        assert tab.log == []
        assert tab.requests == []
