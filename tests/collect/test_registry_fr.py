from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import pytest

from auditor.config import RegistryFr
from auditor.model import State, Value
from tests.collect.files import Collected, run

HEADER_48 = [
    "Type d'identifiant PP", "Identifiant PP", "Identification nationale PP", "Code civilité d'exercice", "Libellé civilité d'exercice",
    "Code civilité", "Libellé civilité", "Nom d'exercice", "Prénom d'exercice", "Code profession", "Libellé profession",
    "Code catégorie professionnelle", "Libellé catégorie professionnelle", "Code type savoir-faire", "Libellé type savoir-faire",
    "Code savoir-faire", "Libellé savoir-faire", "Code mode exercice", "Libellé mode exercice", "Numéro SIRET site", "Numéro SIREN site",
    "Numéro FINESS site", "Numéro FINESS établissement juridique", "Identifiant technique de la structure", "Raison sociale site",
    "Enseigne commerciale site", "Complément destinataire (coord. structure)", "Complément point géographique (coord. structure)",
    "Numéro Voie (coord. structure)", "Indice répétition voie (coord. structure)", "Code type de voie (coord. structure)",
    "Libellé type de voie (coord. structure)", "Libellé Voie (coord. structure)", "Mention distribution (coord. structure)",
    "Bureau cedex (coord. structure)", "Code postal (coord. structure)", "Code commune (coord. structure)",
    "Libellé commune (coord. structure)", "Code pays (coord. structure)", "Libellé pays (coord. structure)", "Téléphone (coord. structure)",
    "Téléphone 2 (coord. structure)", "Télécopie (coord. structure)", "Adresse e-mail (coord. structure)",
    "Code Département (structure)", "Libellé Département (structure)", "Ancien identifiant de la structure", "Autorité d'enregistrement",
]  # fmt: skip
HEADER = [
    *HEADER_48, "Code secteur d'activité", "Libellé secteur d'activité", "Code section tableau pharmaciens",
    "Libellé section tableau pharmaciens", "Code rôle", "Libellé rôle", "Code genre activité", "Libellé genre activité",
]  # fmt: skip
FIRST, SECOND, THIRD = "202611040612", "202611110612", "202611180612"


def rpps(number: int) -> str:
    return f"99{number:09}"


def row(
    person: str, *, kind: str = "8", profession: str = "10", category: str = "C", site: str = "990000028", mode: str = "S"
) -> dict[str, str]:
    return {
        "Type d'identifiant PP": kind,
        "Identifiant PP": person,
        "Identification nationale PP": kind + person,
        "Nom d'exercice": f"NOM{person[-3:]}",
        "Prénom d'exercice": "Zoë",
        "Code profession": profession,
        "Code catégorie professionnelle": category,
        "Code mode exercice": mode,
        "Numéro FINESS site": site,
        "Numéro FINESS établissement juridique": "990000010",
    }


def release(folder: Path, stamp: str, rows: Iterable[dict[str, str]], header: list[str] = HEADER, end: str = "|\n", tail: str = "") -> Path:
    path = folder / f"PS_LibreAcces_Personne_activite_{stamp}.txt"
    lines = ["|".join(header), *("|".join(one.get(name, "") for name in header) for one in rows)]
    path.write_text("".join(line + end for line in lines) + tail, encoding="utf-8", newline="")
    return path


def collect(folder: Path, *paths: Path, **settings: object) -> Collected:
    return run(RegistryFr.model_validate({"type": "registry_fr", "paths": paths, **settings}), folder)


def people(numbers: Iterable[int], **columns: str) -> list[dict[str, str]]:
    return [row(rpps(number), **columns) for number in numbers]


def states(found: Collected) -> list[State]:
    return [found.coverage[table].state for table in ("registry_release", "registry_person", "registry_activity")]


def reason(found: Collected, table: str = "registry_person") -> str:
    text = found.coverage[table].reason
    assert text is not None
    assert text.fr != text.en
    return text.en


@pytest.mark.parametrize("header", [HEADER, HEADER_48, ["Nouvelle colonne", *reversed(HEADER)]], ids=["56", "48", "other order"])
@pytest.mark.parametrize("end", ["|\n", "\n", "|\r\n"])
def test_every_layout_gives_the_same_rows(tmp_path: Path, header: list[str], end: str) -> None:
    path = release(tmp_path, SECOND, [row(rpps(1)), row(rpps(1), site="", mode="L"), row(rpps(1), site="", mode="L")], header, end)
    found = collect(tmp_path, path)
    at = datetime(2026, 11, 11, 6, 12)
    assert found.rows["registry_release"] == [{"registry": "rpps", "released_at": at, "rows": 3, "persons": 1, "accepted": True}]
    assert found.rows["registry_person"] == [
        {
            "registry": "rpps",
            "person_id": rpps(1),
            "family_name": "NOM001",
            "given_name": "Zoë",
            "profession_code": "10",
            "category_code": "C",
            "first_seen_at": at,
            "last_seen_at": at,
            "in_latest": True,
        }
    ]
    activity = {"registry": "rpps", "person_id": rpps(1), "legal_id": "990000010"}
    assert found.rows["registry_activity"] == [{**activity, "site_id": "", "mode": "L"}, {**activity, "site_id": "990000028", "mode": "S"}]
    assert states(found) == [State.COMPLETE] * 3


def test_a_professional_who_vanishes_keeps_the_date_of_the_last_release(tmp_path: Path) -> None:
    old = release(tmp_path, FIRST, people(range(100)))
    new = release(tmp_path, SECOND, people(range(2, 101), site="990000002"))
    found = collect(tmp_path, new, old)
    seen = {row["person_id"]: row for row in found.rows["registry_person"]}
    first, second = datetime(2026, 11, 4, 6, 12), datetime(2026, 11, 11, 6, 12)

    def dates(number: int) -> tuple[Value, Value, Value]:
        one = seen[rpps(number)]
        return one["first_seen_at"], one["last_seen_at"], one["in_latest"]

    assert dates(1) == (first, first, False)
    assert dates(2) == (first, second, True)
    assert dates(100) == (second, second, True)
    assert len(seen) == 101
    assert {row["site_id"] for row in found.rows["registry_activity"]} == {"990000002"}
    assert states(found) == [State.COMPLETE] * 3


def test_a_person_comes_back_after_a_release_without_it(tmp_path: Path) -> None:
    everybody, without = people(range(100)), people(range(1, 100))
    paths = [release(tmp_path, stamp, rows) for stamp, rows in ((FIRST, everybody), (SECOND, without), (THIRD, everybody))]
    one = next(row for row in collect(tmp_path, *paths).rows["registry_person"] if row["person_id"] == rpps(0))
    assert (one["first_seen_at"], one["last_seen_at"]) == (datetime(2026, 11, 4, 6, 12), datetime(2026, 11, 18, 6, 12))


def test_a_person_with_two_professions_counts_under_the_one_practised(tmp_path: Path) -> None:
    rows = [
        row(rpps(1), profession="60", category="E"),
        row(rpps(1), profession="70"),
        row(rpps(2), profession="50"),
        row(rpps(2), profession="10"),
    ]
    found = collect(tmp_path, release(tmp_path, SECOND, rows))
    assert [(one["profession_code"], one["category_code"]) for one in found.rows["registry_person"]] == [("70", "C"), ("10", "C")]


DOCTORS, NURSES, OLD_IDS = (
    people(range(1000)),
    people(range(1000, 1200), profession="60"),
    [row(f"{75123000 + n:09}", kind="0") for n in range(50)],
)
WHOLE = DOCTORS + NURSES + OLD_IDS


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        (WHOLE[: len(WHOLE) * 8 // 10], "the number of rows fell from 1250 to 1000"),
        (DOCTORS + NURSES[:150] + OLD_IDS + DOCTORS[:50], "the number of people of profession 60 fell from 200 to 150"),
        (DOCTORS + NURSES + people(range(2000, 2050)), "the number of people with id type 0 fell from 50 to 0"),
        (DOCTORS[:900] + NURSES + OLD_IDS + NURSES, "the number of people fell from 1250 to 1150"),
        ([], "has no usable line"),
    ],
    ids=["cut", "profession", "kind of id", "people", "empty"],
)
def test_a_release_with_too_many_people_missing_is_not_believed(tmp_path: Path, rows: list[dict[str, str]], what: str) -> None:
    found = collect(tmp_path, release(tmp_path, FIRST, WHOLE), release(tmp_path, SECOND, rows))
    assert [one["accepted"] for one in found.rows["registry_release"]] == [True, False]
    assert {one["last_seen_at"] for one in found.rows["registry_person"]} == {datetime(2026, 11, 4, 6, 12)}
    assert all(one["in_latest"] for one in found.rows["registry_person"])
    assert len(found.rows["registry_person"]) == 1250
    assert states(found) == [State.COMPLETE, State.PARTIAL, State.PARTIAL]
    assert what in reason(found)


def test_normal_departures_are_believed_even_in_a_small_profession(tmp_path: Path) -> None:
    small = people(range(2000, 2010), profession="26")
    found = collect(tmp_path, release(tmp_path, FIRST, WHOLE + small), release(tmp_path, SECOND, WHOLE[12:] + small[:5]))
    assert [one["accepted"] for one in found.rows["registry_release"]] == [True, True]
    assert states(found) == [State.COMPLETE] * 3


def test_the_limit_is_a_setting_and_counts_from_its_value(tmp_path: Path) -> None:
    paths = release(tmp_path, FIRST, people(range(1000))), release(tmp_path, SECOND, people(range(950)))
    assert [one["accepted"] for one in collect(tmp_path, *paths).rows["registry_release"]] == [True, False]
    assert [one["accepted"] for one in collect(tmp_path, *paths, max_drop=0.051).rows["registry_release"]] == [True, True]


def test_after_a_rejected_release_the_next_is_compared_with_the_last_believed(tmp_path: Path) -> None:
    paths = [release(tmp_path, stamp, rows) for stamp, rows in ((FIRST, WHOLE), (SECOND, WHOLE[:900]), (THIRD, WHOLE[5:]))]
    found = collect(tmp_path, *paths)
    assert [one["accepted"] for one in found.rows["registry_release"]] == [True, False, True]
    assert states(found) == [State.COMPLETE] * 3
    gone = [one["person_id"] for one in found.rows["registry_person"] if not one["in_latest"]]
    assert gone == [rpps(number) for number in range(5)]


def test_an_old_release_says_nothing_of_today(tmp_path: Path) -> None:
    path = release(tmp_path, "202611060559", people(range(3)))
    assert reason(collect(tmp_path, path)) == "the latest accepted release is 14 days old, 14 are allowed"
    assert states(collect(tmp_path, release(tmp_path, "202611060600", people(range(3))))) == [State.COMPLETE] * 3


def test_a_release_from_the_future_is_not_believed(tmp_path: Path) -> None:
    found = collect(tmp_path, release(tmp_path, SECOND, people(range(3))), release(tmp_path, "202701010000", people(range(3))))
    assert [one["accepted"] for one in found.rows["registry_release"]] == [True, False]
    assert "is dated after the audit" in reason(found)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("8|99000", "2 columns instead of 56"),
        ("|".join(row(rpps(1), kind="3").get(name, "") for name in HEADER), "unknown kind of id “3”"),
        ("|".join(row("1234").get(name, "") for name in HEADER), "the id is not an RPPS or ADELI number"),
        ("|".join(row(rpps(1) + "'").get(name, "") for name in HEADER), "the id is not an RPPS or ADELI number"),
    ],
)
def test_lines_that_cannot_be_read_are_counted(tmp_path: Path, line: str, problem: str) -> None:
    found = collect(tmp_path, release(tmp_path, SECOND, people(range(3)), tail=f"{line}\n"))
    assert states(found) == [State.COMPLETE, State.PARTIAL, State.PARTIAL]
    assert reason(found) == f"1 line could not be read, first PS_LibreAcces_Personne_activite_{SECOND}.txt:5: {problem}"
    assert found.facts["releases"][0]["unreadable_lines"] == 1


@pytest.mark.parametrize(
    ("break_it", "sentence"),
    [
        (lambda path: path.unlink(), "does not exist"),
        (lambda path: path.write_bytes(path.read_bytes().replace("Zoë".encode(), b"Zo\xeb", 1)), ".txt:2: byte 0xEB is not utf-8 text"),
        (lambda path: path.write_bytes(path.read_bytes() + b"\0"), "a NUL byte"),
        (
            lambda path: path.write_bytes(path.read_bytes().replace(b"Code profession", b"Profession", 1)),
            "column “Code profession” is missing",
        ),
        (lambda path: path.write_bytes(b""), "there is no header"),
        (lambda path: path.rename(path.with_name("PS_LibreAcces.txt")), "does not exist"),
    ],
)
def test_a_release_that_cannot_be_read_leaves_the_older_one_with_a_warning(tmp_path: Path, break_it: object, sentence: str) -> None:
    old, new = release(tmp_path, FIRST, people(range(3))), release(tmp_path, SECOND, people(range(3)))
    assert callable(break_it)
    break_it(new)
    found = collect(tmp_path, old, new, max_age_days=30)
    assert states(found) == [State.PARTIAL] * 3
    assert sentence in reason(found)
    assert len(found.rows["registry_person"]) == 3
    alone = collect(tmp_path, new)
    assert states(alone) == [State.ABSENT] * 3
    assert sentence in reason(alone)
    assert not any(alone.rows.values())


def test_names_must_carry_distinct_stamps(tmp_path: Path) -> None:
    good = release(tmp_path, SECOND, people(range(3)))
    for name, sentence in (
        ("registre.txt", "has no stamp"),
        ("x_202613410612.txt", "has no stamp"),
        (f"copie_{SECOND}.txt", "has the same stamp as"),
    ):
        other = tmp_path / name
        other.write_bytes(good.read_bytes())
        found = collect(tmp_path, good, other)
        assert sentence in reason(found)
        assert len(found.rows["registry_release"]) == 1


def test_only_rejected_releases_leave_people_absent(tmp_path: Path) -> None:
    found = collect(tmp_path, release(tmp_path, SECOND, []))
    assert states(found) == [State.COMPLETE, State.ABSENT, State.ABSENT]
    assert [one["accepted"] for one in found.facts["releases"]] == [False]
    assert "has no usable line" in reason(found)


def test_the_same_files_give_the_same_snapshot(tmp_path: Path) -> None:
    paths = release(tmp_path, FIRST, WHOLE), release(tmp_path, SECOND, list(reversed(WHOLE)))
    assert collect(tmp_path, *paths).sha256 == collect(tmp_path, *reversed(paths)).sha256
