from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import pytest

from auditor.config import Hr
from auditor.errors import ConfigError
from auditor.model import State
from tests.collect.files import Collected, run

HEADER = "matricule;nom_usage;nom_naissance;prenom;date_naissance;type_contrat;date_debut;date_fin;code_uf;libelle_uf;emploi;rpps;finess"
COLUMNS = {
    "person_number": "matricule",
    "family_name": "nom_usage",
    "birth_name": "nom_naissance",
    "given_name": "prenom",
    "contract_type": "type_contrat",
    "starts_at": "date_debut",
    "ends_at": "date_fin",
    "unit_code": "code_uf",
    "unit_name": "libelle_uf",
    "job": "emploi",
    "professional_id_raw": "rpps",
    "employer_id": "finess",
}


def line(number: str = "00042", ends: str = "31/12/2026", starts: str = "01/01/2020", rpps: str = "", unit: str = "CŒUR") -> str:
    return f"{number};D’ ASTREINTE;;LISE;01/02/1980;CDD;{starts};{ends};3120;{unit};IDE;{rpps};990000028"


def hr(
    tmp_path: Path, *lines: str, encoding: str = "cp1252", received: datetime | None = datetime(2026, 11, 19), **columns: str
) -> Collected:
    path = tmp_path / "agents.csv"
    path.write_bytes("\r\n".join([HEADER, *lines, ""]).encode(encoding))
    return run(Hr(type="hr", name="rh", path=path, columns={**COLUMNS, **columns}, received_at=received), tmp_path)


def test_a_contract_is_read_as_written(tmp_path: Path) -> None:
    found = hr(tmp_path, line(number=" 00042\u00a0", rpps="9,90000E+10", unit='"UF 3120 ; \r\nnuit"'))
    assert found.rows["hr_contract"] == [
        {
            "source": "rh",
            "row_number": 1,
            "person_number": "00042",
            "family_name": "D’ ASTREINTE",
            "birth_name": "",
            "given_name": "LISE",
            "contract_type": "CDD",
            "starts_at": datetime(2020, 1, 1),
            "ends_at": datetime(2026, 12, 31),
            "open_ended": False,
            "unit_code": "3120",
            "unit_name": "UF 3120 ; \r\nnuit",
            "job": "IDE",
            "professional_id_raw": "9,90000E+10",
            "employer_id": "990000028",
        }
    ]
    coverage = found.coverage["hr_contract"]
    assert (coverage.state, coverage.collected_at) == (State.COMPLETE, datetime(2026, 11, 19))


def test_several_contracts_of_one_person_and_open_ends(tmp_path: Path) -> None:
    found = hr(tmp_path, *(line(ends=end) for end in ("", "00/00/0000", "31/12/2099", "31/12/9999", "30/06/2026")))
    rows = found.rows["hr_contract"]
    assert [row["row_number"] for row in rows] == [1, 2, 3, 4, 5]
    assert [(row["ends_at"], row["open_ended"]) for row in rows] == [(None, True)] * 4 + [(datetime(2026, 6, 30), False)]


def test_a_total_is_no_person_but_a_name_that_begins_like_one_is(tmp_path: Path) -> None:
    found = hr(tmp_path, line(), line(number="TOTALE1"), "TOTAL;2", "Total général;;;;;;;;;;;;", "Sous-total UF 3120;1")
    assert [row["person_number"] for row in found.rows["hr_contract"]] == ["00042", "TOTALE1"]
    assert found.facts["total_lines"] == 3
    assert found.coverage["hr_contract"].state is State.COMPLETE


def test_lines_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    found = hr(tmp_path, line(), "00043;coupée", line(number=""), line(ends="fin 2026"), line(starts="13/13/2020"), line())
    coverage = found.coverage["hr_contract"]
    assert coverage.state is State.PARTIAL
    assert coverage.reason is not None
    assert coverage.reason.en == "4 lines could not be read, first agents.csv:3: 2 columns instead of 13"
    assert coverage.reason.fr == "4 lignes n’ont pas pu être lues, d’abord agents.csv:3\u00a0: 2 colonnes au lieu de 13"
    # A line with an unreadable date is kept: the person exists, the date is not known.
    assert [(row["row_number"], row["starts_at"] is None, row["open_ended"]) for row in found.rows["hr_contract"]] == [
        (1, False, False),
        (4, False, None),
        (5, True, False),
        (6, False, False),
    ]


def test_an_open_quote_is_not_counted_as_one_line(tmp_path: Path) -> None:
    found = hr(tmp_path, line(), line(unit='"jamais fermée'), *[line()] * 20)
    assert len(found.rows["hr_contract"]) == 1
    assert found.coverage["hr_contract"].reason is not None
    assert found.coverage["hr_contract"].reason.en.startswith("21 lines could not be read")


def test_a_file_that_is_too_old_is_not_the_present_state(tmp_path: Path) -> None:
    coverage = hr(tmp_path, line(), received=datetime(2026, 11, 12)).coverage["hr_contract"]
    assert coverage.state is State.PARTIAL
    assert coverage.reason is not None
    assert coverage.reason.en == "the file is 8 days old, 7 are allowed"
    assert hr(tmp_path, line(), received=datetime(2026, 11, 13, 6)).coverage["hr_contract"].state is State.COMPLETE


def test_a_file_from_after_the_audit_is_not_its_state(tmp_path: Path) -> None:
    coverage = hr(tmp_path, line(), received=datetime(2026, 11, 22)).coverage["hr_contract"]
    assert coverage.state is State.PARTIAL
    assert "the file was received after the date of the audit" in str(coverage.reason)


def test_a_file_without_a_single_end_does_not_hold_the_ends(tmp_path: Path) -> None:
    coverage = hr(tmp_path, line(ends=""), line(ends="31/12/2099")).coverage["hr_contract"]
    assert coverage.state is State.PARTIAL
    assert "no contract of the file has an end" in str(coverage.reason)
    assert hr(tmp_path, line(ends=""), line()).coverage["hr_contract"].state is State.COMPLETE


def test_a_number_that_many_names_share_is_not_that_of_a_person(tmp_path: Path) -> None:
    others = [line(f"{number:05}") for number in range(38)]
    shared = [line("3120"), line("3120").replace("LISE", "ANNE")]
    assert hr(tmp_path, *others, *shared).coverage["hr_contract"].state is State.COMPLETE
    coverage = hr(tmp_path, *others[:37], *shared).coverage["hr_contract"]
    assert coverage.state is State.PARTIAL
    assert "2 lines share their HR number with another name" in str(coverage.reason)
    married = [line().replace("D’ ASTREINTE;;", f"{name};D’ ASTREINTE;") for name in ("PETIT", "GRAND")]
    assert hr(tmp_path, *married).coverage["hr_contract"].state is State.COMPLETE


def test_a_file_in_utf_8_declared_otherwise_gives_no_row_at_all(tmp_path: Path) -> None:
    found = hr(tmp_path, line(unit="sans accent"), line(unit="CARDIOLOGIE ÉTÉ"), encoding="utf-8")
    assert found.rows["hr_contract"] == []
    assert found.coverage["hr_contract"].state is not State.COMPLETE
    assert "agents.csv:2: the file is UTF-8: declare encoding: utf-8" in str(found.coverage["hr_contract"].reason)


def test_without_a_date_of_reception_the_file_tells_its_own_age(tmp_path: Path) -> None:
    path = tmp_path / "agents.csv"
    path.write_text(f"{HEADER}\n{line()}\n", encoding="cp1252")
    settings = Hr(type="hr", path=path, columns=COLUMNS)
    for day, state in ((19, State.COMPLETE), (1, State.PARTIAL)):
        written = datetime.fromisoformat(f"2026-11-{day:02}T00:00:00+00:00").timestamp()
        os.utime(path, (written, written))
        assert run(settings, tmp_path).coverage["hr_contract"].state is state


def test_columns_left_out_are_not_known(tmp_path: Path) -> None:
    path = tmp_path / "agents.csv"
    path.write_text("Matricule agent;Début;Fin contrat\n00042;01/01/2020;\n", encoding="cp1252")
    columns = {"person_number": "Matricule agent", "starts_at": "Début", "ends_at": "Fin contrat"}
    (row,) = run(Hr(type="hr", path=path, columns=columns), tmp_path).rows["hr_contract"]
    assert {name for name, value in row.items() if value is not None} == {
        "source",
        "row_number",
        "person_number",
        "starts_at",
        "open_ended",
    }


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"matricule": "x"}, "matricule is not one of person_number"),
        ({"open_ended": "x"}, "open_ended is not one of"),
        ({"person_number": "a", "starts_at": "b"}, "ends_at is missing"),
    ],
)
def test_a_wrong_mapping_is_a_fault_of_the_settings(tmp_path: Path, columns: dict[str, str], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        run(Hr(type="hr", path=tmp_path / "x.csv", columns=columns), tmp_path)


def test_a_missing_file_is_absent_with_its_cure(tmp_path: Path) -> None:
    found = run(Hr(type="hr", path=tmp_path / "agents.csv", columns=COLUMNS), tmp_path)
    coverage = found.coverage["hr_contract"]
    assert (coverage.state, coverage.rows) == (State.ABSENT, 0)
    assert coverage.reason is not None
    assert coverage.reason.fr == "agents.csv n’existe pas"
    assert coverage.cure is not None


def test_a_file_without_read_right_is_denied(refused: Path) -> None:
    path = refused / "agents.csv"
    path.touch(mode=0o000)
    assert run(Hr(type="hr", path=path, columns=COLUMNS), refused).coverage["hr_contract"].state is State.DENIED


def test_text_in_another_encoding_gives_no_row_at_all(tmp_path: Path) -> None:
    path = tmp_path / "agents.csv"
    path.write_text(f"{HEADER}\n{line()}\n{line()}\n", encoding="cp1252")
    found = run(Hr(type="hr", path=path, columns=COLUMNS, encoding="utf-8"), tmp_path)
    assert found.rows["hr_contract"] == []
    assert found.coverage["hr_contract"].state is State.ABSENT
    assert "agents.csv:2: byte 0x92 is not utf-8 text" in str(found.coverage["hr_contract"].reason)


def test_the_same_file_gives_the_same_snapshot(tmp_path: Path) -> None:
    assert hr(tmp_path, line(), "x").sha256 == hr(tmp_path, line(), "x").sha256
