"""The sample hospital: the committed files are what the generator writes, and they hold what their plan says."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import re
import subprocess
import sys
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest

from sample_data.generator import hospital, registry, sign_ins
from sample_data.generator.__main__ import AS_OF, SEED
from sample_data.generator.answers_access import share_of_dormant
from sample_data.generator.facts import Facts
from sample_data.generator.identifiers import luhn_digit, sid_bytes
from sample_data.generator.model import NEVER_EXPIRES, Hospital
from sample_data.generator.sign_in_plan import CLOUD, DC1, DC2, VPN, unit_at

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "sample_data" / "hospital"

# How many resources the plan gives each rule at full size, counted by hand from what is planted; None where shares decide.
PLANTED: dict[str, int | None] = {
    "AD-ACC-001": 9 + 2 + 1, "AD-ACC-002": 480 + 20 + 240 + 110 + 187, "AD-ACC-003": 4 + 3, "AD-ACC-005": 1 + 1 + 1 + 1, "AD-ACC-008": 3,
    "AD-ACC-009": 1, "AD-ACC-011": 12, "AD-ACC-012": 1, "AD-ACC-013": 1, "AD-ACC-015": 1, "AD-ACC-017": 2, "AD-ACC-019": 1, "AD-ACC-021": 1,
    "AD-ACC-023": None, "AD-ACC-029": 8 + 3 + 4 + 10 + 15, "AD-ACL-001": 1, "AD-ACL-002": 1, "AD-ACL-003": 1,
    "AD-ACL-004": 4, "AD-ACL-005": 2, "AD-BCK-002": 1, "AD-BCK-005": 3, "AD-BCK-006": 1, "AD-BCK-007": 4, "AD-DOM-003": 1, "AD-HOS-002": 28,
    "AD-HOS-010": None, "AD-HOS-011": 1, "AD-HOS-014": 2, "AD-KRB-001": 3, "AD-KRB-003": 1, "AD-KRB-004": 6, "AD-KRB-008": 2,
    "AD-KRB-009": 2, "AD-KRB-010": 1, "AD-KRB-011": 1, "AD-PRV-001": 1, "AD-PRV-005": 1, "AD-PRV-007": 4, "AD-PRV-011": 1, "AD-PRV-014": 3,
    "AD-PRV-015": 3, "AD-PRV-018": 3, "AD-PRV-019": 2, "AD-PRV-020": 1, "AD-STL-001": 0,
    "AD-STL-002": 480 + 16 + 20 + 20 + 60 + 25 + 220 + 25 + 10 + 10 + 10,
    "BKP-001": 5, "BKP-002": 2, "BKP-003": 5, "BKP-004": 1, "BKP-005": 1, "BKP-006": 1, "BKP-007": 5, "BKP-008": 2, "BKP-009": 2,
    "BKP-010": 1, "BKP-011": 2, "BKP-012": 1, "BKP-013": 1, "BKP-014": 1, "BKP-015": 4, "TRN-005": 1, "SPC-001": 12, "SPC-003": None,
    "SPC-004": 34 + 46 + 5 + 2 + 3 + 3, "SPC-005": 14, "SPC-006": 15, "SPC-008": 6, "SPC-010": 40, "SPC-012": 60 + 30 + 15 + 10,
    "SPC-013": 60 + 4, "SPC-015": 45, "SPC-022": 35, "SPC-023": 20, "SPC-030": None,
}  # fmt: skip
PLANTED |= {
    "ENTRA-001": 60 + 1 + 1, "ENTRA-002": 2, "ENTRA-003": 6, "ENTRA-004": 70 + 1, "ENTRA-005": 1, "ENTRA-009": 1, "ENTRA-013": 1,
    "ENTRA-020": 1, "ENTRA-037": 1, "ENTRA-050": 1, "ENTRA-051": 6, "ENTRA-052": 4 + 1, "ENTRA-053": 1, "ENTRA-055": 1, "ENTRA-070": 25,
    "ENTRA-071": 8, "ENTRA-072": 9, "ENTRA-075": 6 + 2, "ENTRA-078": 3, "ENTRA-079": 1, "ENTRA-090": 4, "ENTRA-091": 3, "ENTRA-092": 3,
    "ENTRA-095": 1, "ENTRA-096": 1, "ENTRA-098": 1, "ENTRA-100": 1,
}  # fmt: skip
PLANTED |= {
    "OTP-001": 3, "OTP-002": 2, "OTP-003": 3, "OTP-004": 2 + 2, "OTP-005": 1 + 2, "TRN-001": 1 + 1, "TRN-002": 2, "TRN-003": 1,
    "TRN-004": 1, "TRN-006": 1, "TRN-007": 1, "TRN-008": 4, "TRN-009": 1, "TRN-010": 1,
}  # fmt: skip

PLANTED |= {
    "LOG-001": 1, "LOG-002": 2 + 1, "LOG-003": 1 + 1, "LOG-004": 1, "LOG-005": 1, "LOG-006": 1, "LOG-010": 1, "LOG-011": 1, "LOG-019": 2,
    "LOG-020": 1, "LOG-021": 1 + 1, "LOG-022": 1, "LOG-023": 1, "LOG-024": None, "LOG-027": 1, "LOG-030": 1, "LOG-031": 1,
    "LOG-034": 1 + 1 + 1, "LOG-050": 1, "LOG-051": 1, "LOG-060": 1, "LOG-062": 1, "LOG-070": 1, "SPC-014": 2,
}  # fmt: skip
# Four of the vanished open the remote access; the two who prescribe are among them. The four synchronised administrators of the tenant
# are technicians who run the domain, the fifth has an account made for that.
PLANTED |= {
    "TOX-001": 4, "TOX-002": 1, "TOX-003": 1, "TOX-004": None, "TOX-005": None, "TOX-006": 4 + 1, "TOX-007": None, "TOX-008": None,
    "TOX-009": 2, "TOX-010": 1, "TOX-011": None, "TOX-012": None,
}  # fmt: skip


@pytest.fixture(scope="module")
def full() -> Hospital:
    return hospital.build(SEED, "full", AS_OF)


@pytest.fixture(scope="module")
def answers() -> dict[str, list[str]]:
    key = json.loads((SAMPLE / "expected.json").read_text(encoding="utf-8"))
    assert key["as_of"] == "2026-11-20T06:00:00Z"
    return dict(key["rules"])


def test_committed_files_are_what_the_generator_writes(full: Hospital) -> None:
    made = hospital.files(full)
    by_hand = {"audit.yaml", "plan.yaml", "waivers.yaml", "README.md"}
    committed = {path.relative_to(SAMPLE).as_posix() for path in SAMPLE.rglob("*") if path.is_file()} - by_hand
    assert committed == set(made)
    for name, content in made.items():
        assert (SAMPLE / name).read_bytes() == content, f"{name}: run python -m sample_data.generator"


def test_same_seed_gives_same_bytes_whatever_the_hash_seed(tmp_path: Path) -> None:
    for hash_seed in ("1", "2"):
        subprocess.run(
            [sys.executable, "-m", "sample_data.generator", "--size", "small", "--out", str(tmp_path / hash_seed)],
            cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": hash_seed}, check=True,
        )  # fmt: skip
    first, second = ({p.relative_to(tmp_path / n): p.read_bytes() for p in (tmp_path / n).rglob("*.*")} for n in ("1", "2"))
    assert first == second
    assert len(first) == len(hospital.files(hospital.build(SEED, "small", AS_OF)))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_seed_and_date_plants_every_fault(seed: int) -> None:
    other = hospital.build(seed, "small", datetime(2027, 3, 9, 6, 0))
    key = json.loads(hospital.files(other)["expected.json"])["rules"]
    assert [rule for rule in PLANTED if not key[rule]] == ["AD-STL-001"]
    assert set(key) == set(PLANTED)


def test_key_holds_as_many_resources_as_were_planted(answers: dict[str, list[str]]) -> None:
    assert {rule: len(answers[rule]) for rule, count in PLANTED.items() if count is not None} == {
        rule: count for rule, count in PLANTED.items() if count is not None
    }
    assert all(resources == sorted(set(resources)) for resources in answers.values())


def test_every_shipped_rule_of_this_release_has_an_answer(answers: dict[str, list[str]]) -> None:
    shipped = {re.match(r"[A-Z]+(-[A-Z]+)?-\d+", path.name)[0] for path in (ROOT / "rules").glob("*/*.yaml")}  # type: ignore[index]
    assert shipped <= set(answers)


def test_populations_are_those_of_the_plan(full: Hospital) -> None:
    users = [account for account in full.accounts if account.is_enabled_user]
    assert len(users) == 7404 + 2  # the built-in Administrator and Guest
    counts = Counter(account.population or account.kind for account in users)
    assert counts == {
        "staff": 5700 + 24, "intern": 260, "agency": 320, "student": 180, "partner": 210, "generic": 240, "vendor": 160, "service": 190,
        "device": 110, "break_glass": 10, "system": 2,
    }  # fmt: skip
    assert sum(account.object_class == "computer" for account in full.accounts) == 600
    assert 2550 <= len(full.groups) <= 2650
    assert sum(not person.unlisted and not person.new for person in full.professionals) == 4000


def test_shares_lie_where_the_gates_need_them(full: Hospital, answers: dict[str, list[str]]) -> None:
    facts = Facts(full)
    clinical = [a for a in facts.holding("clinical") if a.population in ("staff", "intern", "agency", "partner") and a.kind == "person"]
    assert 60 < 100 * sum(a.id_status != "missing" for a in clinical) / len(clinical) < 64
    assert 0.13 < sum(bool(a.control & NEVER_EXPIRES) for a in facts.users) / len(facts.users) < 0.15
    year = [a for a in facts.users if facts.before(a.last_sign_in, 365)]
    assert 0.085 < len(year) / len(facts.users) < 0.095
    assert share_of_dormant(facts) < 20
    remote = [a for a in facts.holding("remote_access") if a.kind in ("person", "vendor", "generic")]
    assert 0.3 < len(answers["SPC-030"]) / len(remote) < 0.5


def test_names_of_accounts_groups_and_services_are_unique(full: Hospital) -> None:
    for values in (
        [account.dn.lower() for account in full.accounts] + [group.dn.lower() for group in full.groups],
        [account.sam.lower() for account in full.accounts] + [group.name.lower() for group in full.groups],
        [account.sid for account in full.accounts] + [group.sid for group in full.groups],
        [spn.lower() for account in full.accounts for spn in account.spns],
        [person.number for person in full.professionals],
        [person.number.lstrip("0") for person in full.persons],
    ):
        assert [value for value, count in Counter(values).items() if count > 1] == []
    assert all(len(account.sam) <= 20 for account in full.accounts)
    assert all(account.rid < 990000 for account in full.accounts)


def test_nobody_signed_in_before_existing_or_after_the_audit(full: Hospital) -> None:
    for account in full.accounts:
        for moment in (account.last_sign_in, account.password_set):
            assert moment is None or moment <= full.as_of
        assert account.last_sign_in is None or account.created <= account.last_sign_in, account.sam


def test_ldif_is_printable_and_every_member_exists() -> None:
    text = (SAMPLE / "directory" / "chu-valdore.ldif").read_bytes().decode("ascii")
    names: set[str] = set()
    members: set[str] = set()
    for line in text.splitlines():
        attribute, _, value = line.partition(":")
        if attribute in ("dn", "member"):
            name = base64.b64decode(value[2:]).decode() if value.startswith(": ") else value[1:]
            (names if attribute == "dn" else members).add(name)
    assert len(names) > 11000
    assert members <= names


def test_registry_has_the_real_layout_and_twelve_people_vanish() -> None:
    seen = []
    for path in sorted((SAMPLE / "registry").iterdir()):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert lines[0] == "|".join(registry.COLUMNS) + "|"
        assert {line.count("|") for line in lines} == {56}
        people = {line.split("|")[1] for line in lines[1:]}
        assert all(number.startswith("99") and luhn_digit(number[:-1]) == number[-1] for number in people)
        assert 1.1 < (len(lines) - 1) / len(people) < 1.3
        seen.append(people)
    first, second = seen
    assert len(first) == 4000
    assert len(first - second) == 12
    assert len(second - first) == 8


def test_hr_file_is_as_ugly_as_planned() -> None:
    text = (SAMPLE / "hr" / "agents.csv").read_bytes().decode("cp1252")
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))
    header, *agents, total = rows
    assert total == ["TOTAL", str(len(agents))]
    ends = Counter(row[header.index("date_fin")] for row in agents)
    assert all(ends[spelling] > 100 for spelling in ("", "31/12/9999", "00/00/0000", "31/12/2099"))
    numbers = [row[0].strip() for row in agents]
    assert max(Counter(numbers).values()) == 3
    assert any(len(number) == 5 for number in numbers)
    for trap in ("9,90000E+10", "Œ", "D’\u00a0", "D' ", " ; ", "\n"):
        assert any(trap in cell for row in agents for cell in row), trap
    assert any("?" in row[3] for row in agents)


def test_four_weeks_of_sign_ins_have_shifts_shared_machines_and_journeys(full: Hospital) -> None:
    attempts = sign_ins.plan(full).attempts
    for source, silent in ((DC1, 1), (DC2, 3)):
        hours = {attempt.at.replace(minute=0, second=0) for attempt in attempts if attempt.source == source}
        assert len(hours) == 28 * 24 - silent
    on_wards: dict[str, set[str]] = {}
    for attempt in attempts:
        if attempt.source in (DC1, DC2) and attempt.ok and unit_at(attempt.origin):
            on_wards.setdefault(attempt.origin, set()).add(attempt.who)
    shared = [origin for origin, people in on_wards.items() if len(people) >= 5]
    assert len(shared) == 10  # two machines in each of the five wards
    assert any(attempt.source == VPN and attempt.at.hour == 22 for attempt in attempts)
    cloud = [attempt for attempt in attempts if attempt.source == CLOUD]
    assert len({attempt.who for attempt in cloud}) == 20
    abroad = {country: {a.who for a in cloud if a.country == country} for country in ("CA", "ES", "VN")}
    assert {country: len(people) for country, people in abroad.items()} == {"CA": 6, "ES": 5, "VN": 1}
    assert len({attempt.device for attempt in cloud}) == 20 + 3  # three of them are not the person's own


def test_everything_is_invented() -> None:
    for path in sorted(SAMPLE.rglob("*")):
        if not path.is_file():
            continue
        text = path.read_bytes().decode({"agents.csv": "cp1252", "moodle-brumelle.txt": "utf-16"}.get(path.name, "utf-8-sig"))
        for domain in re.findall(r"[\w-]+\.(?:fr|com|org|net|eu|io|gouv|local)\b", text):
            pytest.fail(f"{path.name} names {domain}")
        assert all(host.endswith(".test") for host in re.findall(r"@(?!odata\.|timestamp\b)([\w.-]+)", text))


def test_sample_is_small_enough_for_git() -> None:
    assert sum(path.stat().st_size for path in SAMPLE.rglob("*") if path.is_file()) < 15e6


def test_sid_bytes_match_a_published_example() -> None:
    """S-1-5-32-544 as [MS-DTYP] lays it out."""
    assert sid_bytes("S-1-5-32-544").hex() == "01020000000000052000000020020000"
