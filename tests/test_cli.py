"""The command as people and pipelines meet it: exit codes, sentences, files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).parent.parent
HOSPITAL = ROOT / "sample_data" / "hospital"
HEAVY = ("filelock", "duckdb", "pandas", "pyarrow", "jinja2", "ldap3", "msal", "sqlglot", "babel", "pydantic", "yaml", "rich.console")


def audit(*arguments: str | Path, lang: str = "en_GB.UTF-8", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    env = {**os.environ, "LC_ALL": lang, "COLUMNS": "200", "CI": "", **environment}
    code = "from auditor.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, encoding="utf-8", env=env, cwd=ROOT, timeout=300
    )


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The sample hospital, collected once."""
    folder = tmp_path_factory.mktemp("collected")
    done = audit("collect", "--config", HOSPITAL / "audit.yaml", "--output", folder)
    assert done.returncode == 0, done.stderr
    yield folder


def one_line(text: str) -> str:
    assert text.count("\n") == 1, text
    assert "Traceback" not in text
    return text


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "audit.yaml"
    path.write_text((HOSPITAL / "audit.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    return path


def test_findings_at_the_threshold_end_with_1(collected: Path) -> None:
    done = audit("assess", "--config", HOSPITAL / "audit.yaml", "--output", collected, "--only", "SPC-013")
    assert done.returncode == 1
    assert done.stderr.strip().endswith("(code 1)")


def test_findings_below_the_threshold_end_with_0(collected: Path) -> None:
    done = audit("assess", "--config", HOSPITAL / "audit.yaml", "--output", collected, "--only", "AD-STL-002")
    assert done.returncode == 0, done.stderr
    assert json.loads((collected / "only" / "report.json").read_text(encoding="utf-8"))["exit"]["code"] == 0


def test_a_lower_threshold_makes_them_count_and_never_forgives(collected: Path) -> None:
    for fail_on, code in (("medium", 1), ("never", 0)):
        done = audit("assess", "--config", HOSPITAL / "audit.yaml", "--output", collected, "--only", "AD-STL-002", "--fail-on", fail_on)
        assert done.returncode == code, done.stderr


def test_a_control_that_could_not_be_assessed_ends_with_3(tmp_path: Path, config: Path) -> None:
    text = config.read_text(encoding="utf-8").replace("path: hr/agents.csv", "path: hr/absent.csv")
    for name in ("directory", "registry", "vendors"):
        text = text.replace(f"{name}/", f"{(HOSPITAL / name).as_posix()}/")
    config.write_text(text, encoding="utf-8")
    done = audit("run", "--config", config, "--output", tmp_path / "out", "--only", "SPC-013", "--format", "json")
    assert done.returncode == 3, done.stderr
    assessment = json.loads((tmp_path / "out" / "only" / "report.json").read_text(encoding="utf-8"))["assessments"][0]
    assert assessment["verdict"] == "notchecked"
    assert "hr" in json.dumps(assessment["reasons"])


def test_no_readable_source_ends_with_4_and_keeps_the_last_snapshot(tmp_path: Path) -> None:
    path = tmp_path / "audit.yaml"
    path.write_text("establishment: {name: A}\nsources:\n  - {type: ldif, name: a, paths: [none.ldif]}\n", encoding="utf-8")
    done = audit("run", "--config", path, "--output", tmp_path / "out")
    assert done.returncode == 4
    assert "none.ldif" in one_line(done.stderr)
    assert not (tmp_path / "out" / "snapshot").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("establishment:", "establishmnt:"), "establishmnt: is not a known key"),
        (("type: ldif", "type: ldiff"), "not a known type of source"),
        (("language: fr", "language: de"), "language"),
        (("fail_on: critical", "fail_on: severe"), "fail_on"),
    ],
)
def test_a_mistake_in_the_configuration_is_one_sentence(config: Path, tmp_path: Path, change: tuple[str, str], said: str) -> None:
    text = config.read_text(encoding="utf-8")
    if change[0] not in text:
        text += f"{change[1]}\n"
    config.write_text(text.replace(*change), encoding="utf-8")
    done = audit("run", "--config", config, "--output", tmp_path / "out")
    assert done.returncode == 2
    assert said in one_line(done.stderr)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "--config", "none.yaml"), "none.yaml does not exist"),
        (("run", "--config", HOSPITAL / "audit.yaml", "--lang", "de"), "--lang de"),
        (("run", "--config", HOSPITAL / "audit.yaml", "--fail-on", "x"), "--fail-on x"),
        (("run", "--config", HOSPITAL / "audit.yaml", "--format", "docx"), "--format docx"),
        (("run", "--config", HOSPITAL / "audit.yaml", "--as-of", "2026-02-29"), "--as-of 2026-02-29"),
        (("run", "--config", HOSPITAL / "audit.yaml", "--as-of", "0001-01-01T00:00:00+14:00"), "--as-of 0001-01-01"),
        (("run", "--config", HOSPITAL / "audit.yaml", "--only", "NO-001"), "--only NO-001"),
        (("explain", "NO-001", "--config", HOSPITAL / "audit.yaml", "--lang", "en"), "NO-001 is not a rule"),
        (("assess", "--config", HOSPITAL / "audit.yaml", "--lang", "en", "--output", "/nonexistent"), "not a whole snapshot"),
    ],
)
def test_a_wrong_option_is_one_sentence(arguments: tuple[str | Path, ...], said: str) -> None:
    done = audit(*arguments)
    assert done.returncode == 2
    assert said in one_line(done.stderr)


def test_sentences_come_in_french_where_the_system_speaks_french() -> None:
    assert "n’existe pas" in audit("run", "--config", "none.yaml", lang="fr_FR.UTF-8").stderr
    assert "n’existe pas" in audit("run", "--config", "none.yaml", "--lang", "fr").stderr
    assert "does not exist" in audit("run", "--config", "none.yaml", "--lang", "en", lang="fr_FR.UTF-8").stderr


def test_sentences_come_in_the_language_of_audit_yaml_where_it_can_be_read(tmp_path: Path) -> None:
    done = audit("assess", "--config", HOSPITAL / "audit.yaml", "--output", tmp_path / "none")
    assert "n’est pas un instantané complet" in one_line(done.stderr)


def test_only_takes_the_combinations_of_a_rule_along(collected: Path) -> None:
    rule = audit("assess", "--config", HOSPITAL / "audit.yaml", "--output", collected, "--only", "LOG-003")
    assert rule.returncode == 1, rule.stderr
    combination = audit("assess", "--config", HOSPITAL / "audit.yaml", "--output", collected, "--only", "TOX-010")
    assert combination.returncode == 1, combination.stderr


def test_an_unknown_option_ends_with_2() -> None:
    assert audit("run", "--nonsense").returncode == 2


def test_an_unwritable_output_ends_with_2_and_one_sentence(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    done = audit("run", "--config", HOSPITAL / "audit.yaml", "--output", blocked)
    assert done.returncode == 2
    assert str(blocked) in one_line(done.stderr)


def test_an_internal_error_shows_no_data_and_ends_with_2(tmp_path: Path) -> None:
    code = "import auditor.cli as c; c.steps.settings_of = lambda *a: (_ for _ in ()).throw(ValueError('secret')); c.main()"
    done = subprocess.run([sys.executable, "-c", code, "run"], capture_output=True, text=True, cwd=ROOT, env={**os.environ, "LC_ALL": "C"})
    assert done.returncode == 2
    assert "internal error (ValueError" in one_line(done.stderr)
    assert "secret" not in done.stderr


def test_two_audits_in_one_folder_do_not_mix(tmp_path: Path) -> None:
    with FileLock(tmp_path / ".lock"):
        done = audit("run", "--config", HOSPITAL / "audit.yaml", "--output", tmp_path, "--lang", "en")
    assert done.returncode == 2
    assert "another audit is writing" in one_line(done.stderr)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_an_output_that_cannot_take_the_text_is_one_sentence() -> None:
    for redirection in (">/dev/full", ">&-"):
        command = f"{sys.executable} -c 'from auditor.cli import main; main()' rules list --lang en {redirection}"
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=ROOT, env={**os.environ, "LC_ALL": "C"})
        assert "Traceback" not in done.stderr
        assert done.returncode in (0, 2), done.stderr


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys, typer.testing, auditor.cli as c; typer.testing.CliRunner().invoke(c.app, ['--help']); "
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


def test_the_same_snapshot_gives_the_same_bytes_anywhere(collected: Path) -> None:
    written = []
    for zone, lang in (("Europe/Paris", "fr_FR.UTF-8"), ("Pacific/Auckland", "C")):
        done = audit("report", "--config", HOSPITAL / "audit.yaml", "--output", collected, "--format", "html,json", lang=lang, TZ=zone)
        assert done.returncode == 1, done.stderr
        written.append([(collected / name).read_bytes() for name in ("report.html", "report.json")])
    assert written[0] == written[1]


def test_the_rule_commands_work(tmp_path: Path) -> None:
    assert "SPC-013" in audit("rules", "list", "--lang", "en").stdout
    done = audit("rules", "new", "AD-ACC-900", "--recommendation", "1", "--folder", tmp_path / "1-credentials")
    assert done.returncode == 0, done.stderr
    done = audit("rules", "test", tmp_path / "1-credentials")
    assert done.returncode == 0, done.stdout
    path = next((tmp_path / "1-credentials").iterdir())
    # An escape sequence in a file from elsewhere must not reach the terminal.
    wrong = path.read_text(encoding="utf-8").replace("exact: pass", 'exact: fail, "\\e[2Jextra": pass')
    path.write_text(wrong, encoding="utf-8")
    done = audit("rules", "test", path)
    assert done.returncode == 1
    assert "exact is expected to give fail and gives pass" in done.stdout
    assert "<U+001B>[2Jextra" in done.stdout
    assert audit("rules", "test", tmp_path / "none.yaml").returncode == 2
    assert "SPC-013" in audit("explain", "spc-013", "--lang", "fr").stdout
