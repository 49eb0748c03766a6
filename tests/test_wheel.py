"""What people install: the wheel carries rules and reports, and works outside a checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the content of a freshly built wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--disable-pip-version-check", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "-w", folder, ROOT], check=True)
    (wheel,) = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(folder / "site")
    return folder / "site"


def run(installed: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    code = "import auditor; from auditor.cli import main; assert 'site' in auditor.__file__, auditor.__file__; main()"
    env = {**os.environ, "PYTHONPATH": str(installed), "LC_ALL": "C"}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", env=env, cwd=installed.parent, timeout=300)


def test_rules_and_reports_travel_in_the_wheel(installed: Path) -> None:
    shipped = {path.name for path in (ROOT / "rules").rglob("*.yaml")}
    assert {path.name for path in (installed / "auditor" / "_data" / "rules").rglob("*.yaml")} == shipped
    done = run(installed, "rules", "list", "--lang", "fr")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(shipped)


def test_an_installed_audit_works_outside_a_checkout(installed: Path, tmp_path: Path) -> None:
    config = ROOT / "sample_data" / "hospital" / "audit.yaml"
    done = run(installed, "run", "--config", config, "--output", tmp_path / "out", "--quiet")
    assert done.returncode == 1, done.stderr
    assert (tmp_path / "out" / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_nothing_but_the_product_is_in_the_wheel(installed: Path) -> None:
    top = {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")}
    assert top == {"auditor"}
    assert not [path for path in installed.rglob("*") if "lab" in path.parts or path.name == "samba.py"]
