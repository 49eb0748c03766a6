"""`audit attest` as people meet it."""

from __future__ import annotations

from pathlib import Path

from tests.test_cli import audit


def test_a_statement_is_shown_and_written_or_refused_with_code_2(tmp_path: Path) -> None:
    path = tmp_path / "evidence" / "exercises.yaml"
    added = audit("attest", "exercise", path, "topic=crisis", "owner=RSSI", "date=2026-03-12")
    assert (added.returncode, added.stderr) == (0, "")
    assert added.stdout == path.read_text(encoding="utf-8") == "- kind: exercise\n  date: '2026-03-12'\n  topic: crisis\n  owner: RSSI\n"
    refused = audit("attest", "exercise", path, "topic=crisis", "owner=RSSI", "date=2026-03-12", lang="fr_FR.UTF-8")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == "audit: exercises.yaml:6\u00a0: elle figure déjà\u00a0; rien n’a été écrit. (code 2)\n"
