"""Training registers: what people wrote, in two languages and two encodings, and what must never be taken for "not completed"."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from auditor.config_training import Training
from auditor.model import State
from tests.collect.files import Collected, run

REGISTER = {"person_number": "matricule", "module": "module", "completed_at": "date", "result": "result"}
MOODLE: dict[str, Any] = {
    "format": "moodle",
    "delimiter": ",",
    "columns": {"person_number": "ID number"},
    "modules": ["Phishing", "Passwords"],
}
HEADER = '"","ID number","Phishing","31 December 2026","Passwords",""\n'
FRENCH = {
    "Terminé": True,
    "Terminé (note minimale de réussite atteinte)": True,
    "Terminé (défini par Paule d’Aubrac)": True,
    "Terminé (n’a pas atteint la note minimale de réussite)": False,
    "Terminé (n'a pas atteint la note pour passer)": False,
    "Pas terminé": False,
    "Non terminé (défini par Paule d’Aubrac)": False,
}
ENGLISH = {
    "Completed": True,
    "Completed (achieved pass grade)": True,
    "Completed (set by Paula Smith)": True,
    "Completed (did not achieve pass grade)": False,
    "Not completed": False,
    "Not completed (set by Paula Smith)": False,
}


def register(tmp_path: Path, text: str | bytes, **more: Any) -> Collected:
    path = tmp_path / "training.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return run(Training(type="training", path=path, **{"columns": REGISTER, **more}), tmp_path)


def states(found: Collected) -> list[tuple[Any, Any, Any]]:
    return [(row["person_number"], row["completed_at"], row["not_completed"]) for row in found.rows["training_record"]]


def reason(found: Collected) -> str:
    text = found.coverage["training_record"].reason
    assert text is not None
    return text.en


def test_a_register_is_read(tmp_path: Path) -> None:
    found = register(tmp_path, "matricule;module;date;result\n 00012 ;SSI;05/03/2026;Validé\n13;SSI;;absent\n")
    assert states(found) == [("00012", datetime(2026, 3, 5), False), ("13", None, True)]
    assert found.coverage["training_record"].state is State.COMPLETE


def test_an_unknown_result_is_a_gap_and_never_not_completed(tmp_path: Path) -> None:
    found = register(tmp_path, "matricule;module;date;result\n1;SSI;05/03/2026;abgeschlossen\n2;SSI;05/03/2026;oui\n")
    assert states(found) == [("2", datetime(2026, 3, 5), False)]
    assert found.coverage["training_record"].state is State.PARTIAL
    assert reason(found) == (
        "1 line could not be read, first training.csv:2: “abgeschlossen” is not a known result, declare it under states"
    )


def test_a_word_declared_in_the_settings_is_known(tmp_path: Path) -> None:
    text = "matricule;module;date;result\n1;SSI;05/03/2026;Abgeschlossen\n2;SSI;;offen\n"
    found = register(tmp_path, text, states={"abgeschlossen": True, "offen": False})
    assert states(found) == [("1", datetime(2026, 3, 5), False), ("2", None, True)]


def test_a_completion_without_readable_date_is_not_known_to_be_recent(tmp_path: Path) -> None:
    found = register(tmp_path, "matricule;module;date;result\n1;SSI;2026;oui\n;SSI;05/03/2026;oui\n")
    assert states(found) == [("1", None, False)]
    assert reason(found).startswith("2 lines could not be read, first training.csv:2: “2026” is not a date")


def test_people_may_be_named_by_mail_address(tmp_path: Path) -> None:
    columns = {**REGISTER, "mail": "courriel"}
    del columns["person_number"]
    found = register(tmp_path, "courriel;module;date;result\n Marie@CHU.test;SSI;05/03/2026;oui\n", columns=columns)
    assert [row["mail"] for row in found.rows["training_record"]] == ["marie@chu.test"]


@pytest.mark.parametrize("words", [FRENCH, ENGLISH], ids=["fr", "en"])
@pytest.mark.parametrize(("encoding", "delimiter"), [("utf-8", ","), ("utf-16", "\t")])
def test_every_state_moodle_writes_is_known(tmp_path: Path, words: dict[str, bool], encoding: str, delimiter: str) -> None:
    lines = [f'"Marie P","{number}","{state}","2026-03-05 23:10:00","Not completed",""' for number, state in enumerate(words)]
    text = (HEADER + "\n".join(lines) + "\n").replace(",", delimiter)
    found = register(tmp_path, text.encode(encoding), **{**MOODLE, "encoding": encoding, "delimiter": delimiter})
    assert found.coverage["training_record"].state is State.COMPLETE
    phishing = [row for row in found.rows["training_record"] if row["module"] == "Phishing"]
    assert [not row["not_completed"] for row in phishing] == list(words.values())
    assert {row["completed_at"] for row in phishing if not row["not_completed"]} == {datetime(2026, 3, 5)}


def test_an_unknown_state_of_moodle_loses_that_activity_alone(tmp_path: Path) -> None:
    found = register(tmp_path, HEADER + '"M","1","Abgeschlossen","2026-03-05 10:00:00","Completed","2026-03-05 10:00:00"\n', **MOODLE)
    assert [row["module"] for row in found.rows["training_record"]] == ["Passwords"]
    assert found.coverage["training_record"].state is State.PARTIAL


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('"","Number","Phishing",""\n', "training.csv:1: column “ID number” is missing"),
        ('"","ID number","Phishing",""\n', "training.csv:1: column “Passwords” is missing"),
        ('"","ID number","Phishing","","Passwords"\n', "training.csv:1: column “Passwords” is missing"),
        ('"","ID number","Phishing","","Phishing","","Passwords",""\n', "training.csv:1: column “Phishing” appears twice"),
        ("", "training.csv: there is no header"),
    ],
)
def test_a_report_without_its_columns_is_absent(tmp_path: Path, text: str, sentence: str) -> None:
    found = register(tmp_path, text, **MOODLE)
    assert found.coverage["training_record"].state is State.ABSENT
    assert reason(found) == sentence


def test_a_broken_line_of_moodle_is_counted(tmp_path: Path) -> None:
    found = register(tmp_path, HEADER + '"M","1","Completed"\n"M","2","Completed","2026-03-05 10:00:00","Not completed",""\n', **MOODLE)
    assert reason(found) == "1 line could not be read, first training.csv:2: 3 columns instead of 6"
    assert len(found.rows["training_record"]) == 2


def test_settings_that_cannot_work_are_refused() -> None:
    for wrong in (
        {"columns": {"module": "m", "completed_at": "d", "result": "r"}},
        {"columns": {"person_number": "n", "module": "m", "result": "r"}},
        {"columns": {**REGISTER, "name": "nom"}},
        {"columns": REGISTER, "modules": ["x"]},
        {"columns": {"person_number": "n"}, "format": "moodle"},
    ):
        with pytest.raises(ValidationError):
            Training.model_validate({"type": "training", "path": "x.csv", **wrong})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(noise=st.binary(max_size=300), moodle=st.booleans())
def test_any_bytes_give_a_result_or_a_reason(tmp_path: Path, noise: bytes, moodle: bool) -> None:
    header = HEADER if moodle else "matricule;module;date;result\n"
    found = register(tmp_path, header.encode() + noise, **(MOODLE if moodle else {}))
    coverage = found.coverage["training_record"]
    assert (coverage.state is State.COMPLETE) == (coverage.reason is None)
    assert all(row["not_completed"] is not None for row in found.rows["training_record"])
