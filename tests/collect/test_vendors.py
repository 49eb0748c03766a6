from __future__ import annotations

from datetime import datetime
from pathlib import Path

from auditor.config import Vendors
from auditor.model import State
from tests.collect.files import Collected, run

COLUMNS = {"sam_account_name": "compte", "company": "societe", "ends_at": "fin_contrat", "sponsor": "referent"}


def vendors(tmp_path: Path, text: str, received: datetime = datetime(2026, 11, 1)) -> Collected:
    path = tmp_path / "prestataires.csv"
    path.write_text(text, encoding="utf-8")
    return run(Vendors(type="vendors", path=path, columns=COLUMNS, received_at=received), tmp_path)


def test_accounts_are_named_as_the_directory_compares_them(tmp_path: Path) -> None:
    found = vendors(tmp_path, "compte;societe;fin_contrat;referent\n TM_Imagerie ;Imagéo ;31/12/2026;M. Petit\ntm_labo;Labéo;;\n")
    first = {"source": "vendors", "row_number": 1, "sam_account_name": "tm_imagerie", "company": "Imagéo", "sponsor": "M. Petit"}
    second = {"source": "vendors", "row_number": 2, "sam_account_name": "tm_labo", "company": "Labéo", "sponsor": ""}
    assert found.rows["vendor_contract"] == [
        {**first, "ends_at": datetime(2026, 12, 31), "open_ended": False},
        {**second, "ends_at": None, "open_ended": True},
    ]
    assert found.coverage["vendor_contract"].state is State.COMPLETE


def test_lines_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    found = vendors(tmp_path, "compte;societe;fin_contrat;referent\ntm_a;A;12/2026;\n;B;;\ntm_c\ntm_d;D;01/01/2026;\n")
    coverage = found.coverage["vendor_contract"]
    assert coverage.state is State.PARTIAL
    assert coverage.reason is not None
    assert coverage.reason.en == "3 lines could not be read, first prestataires.csv:2: “12/2026” is not a date in the declared format"
    assert [(row["sam_account_name"], row["open_ended"]) for row in found.rows["vendor_contract"]] == [("tm_a", None), ("tm_d", False)]


def test_a_missing_register_is_absent(tmp_path: Path) -> None:
    found = run(Vendors(type="vendors", path=tmp_path / "x.csv", columns=COLUMNS), tmp_path)
    assert found.coverage["vendor_contract"].state is State.ABSENT


def test_a_register_too_old_or_from_after_the_audit_is_not_its_state(tmp_path: Path) -> None:
    for received, sentence in (
        (datetime(2025, 11, 18), "the file is 367 days old, 366 are allowed"),
        (datetime(2026, 11, 22), "the file was received after the date of the audit"),
    ):
        coverage = vendors(tmp_path, "compte;societe;fin_contrat;referent\ntm_a;A;;\n", received).coverage["vendor_contract"]
        assert (coverage.state, coverage.collected_at) == (State.PARTIAL, received)
        assert coverage.reason is not None
        assert coverage.reason.en == sentence
