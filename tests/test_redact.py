"""Reports with pseudonyms: no name of the sample hospital in any file, stable under their key, read back by who holds it."""

from __future__ import annotations

import base64
import csv
import gzip
import hmac
import html
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote

import ahocorasick
import pytest

from auditor import collect, config, pseudonyms, redact, snapshot
from auditor.comparison import Difference
from auditor.config import Audit
from auditor.errors import ConfigError
from auditor.model import Action, Comparison, Finding, Gone, Notice, Run, Severity, Text, Waiver, WaiverState, WaiverUse
from auditor.pseudonyms import Pseudonyms
from auditor.report.formats import FORMATS
from auditor.snapshot import Snapshot
from tests.report import examples
from tests.report.test_seal import opened
from tests.test_cli import HOSPITAL, ROOT, audit

KEY = b"k" * 32
SID = "S-1-5-21-1-2-3-1100"
EVERY = ",".join(name for name, module in FORMATS.items() if name != "pdf" and find_spec(f"auditor.report.{module}"))


# --- what the sample's own files call people, accounts and machines; nothing of the program reads them here


def ldif_entries(path: Path) -> Iterator[dict[str, list[str | bytes]]]:
    unfolded = path.read_text(encoding="utf-8").replace("\n ", "")
    for block in unfolded.split("\n\n"):
        entry: dict[str, list[str | bytes]] = {}
        for line in block.splitlines():
            if line.startswith("#"):
                continue
            name, encoded, value = re.match("([^:]*):(:?) ?(.*)", line, re.DOTALL).groups()  # type: ignore[union-attr]
            entry.setdefault(name.lower(), []).append(base64.b64decode(value) if encoded else value)
        yield entry


def sid(raw: bytes) -> str:
    parts = (int.from_bytes(raw[8 + 4 * place : 12 + 4 * place], "little") for place in range(raw[1]))
    return "-".join(("S", str(raw[0]), str(int.from_bytes(raw[2:8], "big")), *map(str, parts)))


def as_text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def rows(name: str, encoding: str = "utf-8-sig", delimiter: str = ";") -> Iterator[dict[str, str]]:
    with (HOSPITAL / name).open(encoding=encoding, newline="") as file:
        yield from csv.DictReader(file, delimiter=delimiter, restval="")


def values_under(content: object, names: frozenset[str]) -> Iterator[str]:
    if isinstance(content, list):
        for part in content:
            yield from values_under(part, names)
    elif isinstance(content, dict):
        for name, part in content.items():
            if name in names and isinstance(part, str):
                yield part
            yield from values_under(part, names)


def named() -> Iterator[str]:
    for entry in ldif_entries(HOSPITAL / "directory" / "chu-valdore.ldif"):
        classes = {as_text(value).lower() for value in entry.get("objectclass", [])}
        yield from map(as_text, entry.get("dn", []))
        yield from (sid(raw) for raw in entry.get("objectsid", []) if isinstance(raw, bytes) and raw[1] > 2)
        if classes & {"user", "computer", "domaindns"}:
            people = ("cn", "samaccountname", "displayname", "givenname", "sn", "mail", "userprincipalname", "employeeid", "employeenumber")
            for attribute in (*people, "dnshostname", "serviceprincipalname"):
                yield from map(as_text, entry.get(attribute, []))
    for row in rows("hr/agents.csv", "cp1252"):
        yield from (row[column] for column in ("matricule", "nom_usage", "nom_naissance", "prenom", "rpps"))
    yield from (row["compte"] for row in rows("vendors/prestataires.csv"))
    for row in rows("sign-ins/vpn.csv"):
        yield from (row["compte"].partition("\\")[2], row["adresse"])
    for row in rows("oath/jetons-materiels.csv", delimiter=","):
        yield from (row["upn"], row["serial number"])
    yield from (
        unquote(line).partition("?")[0].rpartition(":")[2] for line in (HOSPITAL / "oath" / "jetons-vpn.txt").read_text("utf-8").split()
    )
    users = frozenset(
        {"userPrincipalName", "displayName", "mail", "employeeId", "onPremisesSamAccountName", "onPremisesSecurityIdentifier", "id"}
    )
    for page in sorted((HOSPITAL / "entra" / "users").rglob("*.json")):
        yield from values_under(json.loads(page.read_text(encoding="utf-8")), users)
    origins = frozenset({"userPrincipalName", "userDisplayName", "ipAddress"})
    for page in sorted((HOSPITAL / "entra" / "auditLogs").rglob("*.json")):
        yield from values_under(json.loads(page.read_text(encoding="utf-8")), origins)
    logged = frozenset({"computer_name", "TargetUserSid", "TargetUserName", "IpAddress", "WorkstationName"})
    for line in (HOSPITAL / "sign-ins" / "windows.ndjson").read_text(encoding="utf-8").splitlines():
        yield from values_under(json.loads(line), logged)
    for file in sorted((HOSPITAL / "backups").glob("restic*.json")):
        yield from values_under(json.loads(file.read_text(encoding="utf-8")), frozenset({"hostname"}))
    yield "GHT Valdoré"
    yield "chu-valdore.test"


def own_words() -> frozenset[str]:
    """Words of the program's own texts: a given name or built-in account among them proves nothing."""
    folders = (ROOT / "rules", ROOT / "reports", ROOT / "auditor")
    files = (file for folder in folders for kind in ("*.yaml", "*.j2", "*.js", "*.css", "*.po", "*.py") for file in folder.rglob(kind))
    return frozenset(word.lower() for file in files for word in re.findall(r"\w+", file.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def needles() -> ahocorasick.Automaton:
    words = own_words()
    automaton = ahocorasick.Automaton()
    for needle in {found.strip().lower() for found in named()}:
        # Numbers shorter than five digits and words of two letters are everywhere by chance.
        if len(needle) > 2 and needle not in words and not (needle.isdigit() and len(needle) < 5):
            automaton.add_word(needle, needle)
    automaton.make_automaton()
    assert len(automaton) > 20_000
    return automaton


def readable(file: Path) -> str:
    """What a reader of the file sees: entities resolved, packed data unpacked, fonts left out."""
    text = re.sub(r"url\(data:font/[^)]*\)", "", file.read_text(encoding="utf-8-sig"))
    unpacked = "".join(gzip.decompress(base64.b64decode(packed)).decode() for packed in re.findall("H4sI[A-Za-z0-9+/=]{60,}", text))
    return html.unescape(text + unpacked)


def leaks(text: str, needles: ahocorasick.Automaton) -> set[str]:
    """Names of the hospital that stand in the text as words of their own."""
    low = text.lower()
    found = set()
    for last, needle in needles.iter(low):
        before, after = low[last - len(needle) : last - len(needle) + 1], low[last + 1 : last + 2]
        if not (before.isalnum() or after.isalnum() or before == "_" or after == "_"):
            found.add(needle)
    return found


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample beside a folder for output; the key will lie beside its audit.yaml."""
    folder = tmp_path_factory.mktemp("redacted") / "hospital"
    shutil.copytree(HOSPITAL, folder)
    return folder


@pytest.fixture(scope="module")
def collected(hospital: Path) -> tuple[Audit, Snapshot]:
    settings = config.load(hospital / "audit.yaml")
    settings = settings.model_copy(update={"output": hospital.parent / "out"})
    assert settings.as_of is not None
    with snapshot.create(settings.output / "snapshot", settings.as_of) as writer:
        for source in settings.sources:
            collect.collect(source, writer, lambda _name, _rows: None)
    return settings, snapshot.read(settings.output / "snapshot")


def written(folder: Path) -> Mapping[str, str]:
    private = ("snapshot", "history", ".lock")
    files = (file for file in sorted(folder.rglob("*")) if file.is_file())
    return {name: readable(file) for file in files if not (name := file.relative_to(folder).as_posix()).startswith(private)}


@pytest.mark.slow
def test_no_file_of_any_format_names_anybody(hospital: Path, collected: tuple[Audit, Snapshot], needles: ahocorasick.Automaton) -> None:
    settings, _ = collected
    told = audit("report", "--config", hospital / "audit.yaml", "--output", settings.output, "--format", EVERY, "--lang", "both", CI="true")
    assert told.returncode == 1, told.stderr
    key = (hospital / "pseudonyms.key").read_text(encoding="ascii").strip()
    assert str(hospital / "pseudonyms.key") in told.stderr
    files = written(settings.output)
    assert len(files) > 8
    files = {**files, "stdout": told.stdout.replace(str(settings.output), ""), "stderr": told.stderr.replace(str(hospital), "")}
    assert {name: leaks(text, needles) for name, text in files.items() if leaks(text, needles)} == {}
    assert not any(key in text for text in files.values())
    login = next(re.finditer("login-[0-9a-f]{12}", files["report.html"]))[0]
    asked = ("reveal", "--config", hospital / "audit.yaml", "--output", settings.output)
    behind = audit(*asked, login)
    assert (behind.returncode, behind.stderr) == (0, "")
    assert behind.stdout.strip().partition("\t")[2].lower() in needles
    unknown = audit(*asked, login, "login-000000000000")
    assert unknown.returncode == 1
    assert "pas de cet instantané" in unknown.stdout


@pytest.mark.slow
def test_the_search_for_names_finds_them_where_they_are(
    hospital: Path, collected: tuple[Audit, Snapshot], needles: ahocorasick.Automaton
) -> None:
    settings, _ = collected
    plain = settings.output.parent / "plain"
    shutil.copytree(settings.output / "snapshot", plain / "snapshot")
    told = audit("report", "--config", hospital / "audit.yaml", "--output", plain, "--format", EVERY, "--no-redact", CI="true")
    assert told.returncode == 1, told.stderr
    found = {name: len(leaks(text, needles)) for name, text in written(plain).items()}
    assert found["report.html"] > 100
    assert found["report.json"] > 1000


# --- one run made by hand


def names(*ordinary: str) -> Pseudonyms:
    known = (
        ("login", "a.martin"), ("login", "sec"), ("person", "Rose"), ("person", "Martin"), ("person", "Élodie Martin"), ("person", "Roy"),
        ("host", "poste-12"), ("domain", "chu.test"), ("number", "044590"), ("id", "0a1b2c3d-0000-4000-8000-0123456789ab"),
        ("post", "Laboratoire"),
    )  # fmt: skip
    return Pseudonyms(KEY, known, frozenset(ordinary))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("from A.MARTIN on POSTE-12.", "from login- on machine-."),
        ("CN=Élodie Martin,OU=Personnel,DC=chu,DC=test: refused", "id-: refused"),
        ("cn=x,ou=y,dc=chu,dc=test", "id-"),
        ("mail of nobody@elsewhere.example, twice", "mail of mail-, twice"),
        ("elodie martin, Martin", "agent-, agent-"),
        (f"{SID}/S-1-5-32-544", "id-/S-1-5-32-544"),
        ("10.20.4.166 and 2001:db8::1 at 12:30:45", "machine- and machine- at 12:30:45"),
        ("old.srv.chu.test, chu.test", "machine-, domain-"),
        ("99000010233 044590 +33 6 12 34 56 78", "code- code- code-"),
        ("/home/jdupont/rh.csv C:\\Users\\jdupont\\rh.csv", "/home/login-/rh.csv C:\\Users\\login-\\rh.csv"),
        ("0A1B2C3D-0000-4000-8000-0123456789AB 9a1b2c3d-0000-4000-8000-0123456789ab", "id- 9a1b2c3d-0000-4000-8000-0123456789ab"),
        ("M. Roy, roy, GG_SEC, secret, sec", "M. agent-, roy, GG_SEC, secret, sec"),
        ("Laboratoire", "Laboratoire"),
        ("CHU\\a.martin_old a.martin2", "CHU\\login-_old a.martin2"),
        ("", ""),
    ],
)
def test_identifiers_go_and_words_stay(text: str, shown: str) -> None:
    assert re.sub("(?<=[a-z])-[0-9a-f]{12}", "-", names().within(text)) == shown


def test_an_ordinary_word_is_no_name_in_a_sentence() -> None:
    assert names("Rose").within("Rose was read.") == "Rose was read."
    assert names().within("Rose was read.").startswith("agent-")
    assert str(names("Rose").exactly("Rose")).startswith("agent-")


def test_pseudonyms_are_stable_and_hang_on_the_key() -> None:
    one, other = names(), Pseudonyms(b"x" * 32, (), frozenset())
    assert one.of("login", "A.Martin") == names().of("login", "a.martin") == one.within("a.martin") == one.exactly("a.martin")
    assert one.of("login", "a.martin") != other.of("login", "a.martin")
    # HMAC-SHA256 as anybody can compute it: echo -n a.martin | openssl dgst -sha256 -mac hmac -macopt key:kkkk…
    assert one.of("login", "a.martin") == "login-" + hmac.new(KEY, b"a.martin", "sha256").hexdigest()[:12]


def test_two_values_never_share_a_pseudonym(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pseudonyms, "digest", lambda _key, value: "0" * 12 + value.encode().hex().ljust(52, "f"))
    made = names()
    assert made.of("login", "one") != made.of("login", "two")
    assert made.of("login", "one") == "login-000000000000"


@pytest.mark.parametrize("hostile", ["x" * 1_000_000, "cn=" * 300_000, "cn=a," * 200_000, "a.a." * 250_000, "a:" * 500_000, "@a" * 400_000])
def test_long_texts_end(hostile: str) -> None:
    assert len(names().within(hostile)) > 0


@pytest.fixture
def settings(collected: tuple[Audit, Snapshot], tmp_path: Path) -> Audit:
    return collected[0].model_copy(update={"pseudonym_key": tmp_path / "private" / "pseudonyms.key"})


def full_run() -> Run:
    """Names in every corner of a run, none of them in the snapshot."""
    gone = Gone("AD-KRB-001", "old.user/10.1.2.3", "f" * 24, "old.user", Severity.HIGH)
    waiver = Waiver(
        "W-1", "AD-KRB-001", Text("For x@chu.test", "Pour x@chu.test"), "Zoé Ancienne, RSSI", date(2026, 1, 1), date(2026, 2, 1), 3,
        resources=(SID, "other.user"), columns={"name": ("third.user",), "kind": ("vendor",)},
        where="name = 'fourth.user' and kind = 'person'",
    )  # fmt: skip
    run = examples.run()
    finding = Finding(
        "AD-KRB-001", SID, {"name": "aline.veredac", "kind": "vendor", "origin": "10.9.8.7", "actor_name": "fifth.user", "tries": 3}
    )
    judged = tuple(replace(entry, findings=(finding,)) if entry.rule == "AD-KRB-001" else entry for entry in run.assessments)
    return replace(
        run,
        assessments=judged,
        waivers=(WaiverUse(waiver, WaiverState.ACTIVE, 1),),
        comparison=Comparison("0" * 12, datetime(2026, 11, 13), fixed=(gone,), unseen=(gone,)),
        plan=(
            Action(1, Text("Close y@chu.test", "Fermer y@chu.test"), ("AD-KRB-001",), 2, Text("None.", "Aucun."), owner="Albert Sixième"),
        ),
        notices=(Notice("rh", Text("asked of dc9.chu-valdore.test", "demandé à dc9.chu-valdore.test")),),
    )


def test_every_corner_of_a_run(collected: tuple[Audit, Snapshot], settings: Audit) -> None:
    run = full_run()
    hidden = redact.redacted(run, collected[1], settings)
    shown = repr(replace(hidden, rules=()))
    for name in (
        SID, "aline.veredac", "10.9.8.7", "fifth.user", "old.user", "10.1.2.3", "x@chu.test", "Ancienne", "other.user", "third.user",
        "fourth.user", "y@chu.test", "Sixième", "dc9.", "Centre hospitalier de Test",
    ):  # fmt: skip
        assert name in repr(replace(run, rules=()))
        assert name not in shown
    assert hidden.pseudonyms
    assert hidden.rules == run.rules
    assert hidden.id == run.id
    found = next(entry.findings[0] for entry in hidden.assessments if entry.rule == "AD-KRB-001")
    # With the directory alone nobody finds the SID behind it.
    assert found.fingerprint != Finding("AD-KRB-001", SID, {}).fingerprint
    assert len(found.fingerprint) == 24
    assert (found.evidence["kind"], found.evidence["tries"]) == ("vendor", 3)
    assert hidden.waivers[0].waiver.columns["kind"] == ("vendor",)
    assert redact.redacted(run, collected[1], settings) == hidden


def test_a_source_that_could_not_be_read_is_not_named_by_its_reason(collected: tuple[Audit, Snapshot], settings: Audit) -> None:
    """Nothing in the snapshot tells the name of a server that did not answer; audit.yaml does."""
    domain = config.ActiveDirectory(type="active_directory", name="ad", server="ldap-prod", bind="kerberos")
    settings = settings.model_copy(update={"sources": (*settings.sources, domain)})
    run = examples.run()
    refused = replace(run.coverage[0], reason=Text("ldap-prod does not answer.", "ldap-prod ne répond pas."))
    hidden = redact.redacted(replace(run, coverage=(refused,)), collected[1], settings).coverage[0].reason
    assert hidden
    assert re.fullmatch("machine-[0-9a-f]{12} ne répond pas.", hidden.fr)


def test_reveal_reads_back_what_the_snapshot_holds(collected: tuple[Audit, Snapshot], settings: Audit) -> None:
    hidden = redact.redacted(full_run(), collected[1], settings)
    found = next(entry.findings[0] for entry in hidden.assessments if entry.rule == "AD-KRB-001")
    login, unknown = str(found.evidence["name"]), str(found.evidence["actor_name"])
    owner = hidden.plan[0].owner
    behind = redact.revealed([login, unknown, owner, hidden.establishment], collected[1], settings, ["Albert Sixième"])
    assert behind[login] == ("aline.veredac",)
    assert behind[unknown] == ()
    assert behind[owner] == ("Albert Sixième",)
    with pytest.raises(ConfigError, match="not a pseudonym"):
        redact.revealed(["aline.veredac"], collected[1], settings)


def test_the_key_is_made_once_private_and_never_among_the_reports(settings: Audit) -> None:
    path = settings.pseudonym_key
    assert "was made now" in redact.prepared(settings).en
    first = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert "was made now" not in redact.prepared(settings).en
    assert path.read_bytes() == first
    with pytest.raises(ConfigError, match="outside the output folder"):
        redact.prepared(settings.model_copy(update={"pseudonym_key": settings.output / "pseudonyms.key"}))
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        redact.prepared(settings)
    path.chmod(0o600)
    path.write_text("too short", encoding="ascii")
    with pytest.raises(ConfigError, match="not a key"):
        redact.prepared(settings)
    path.unlink()
    with pytest.raises(ConfigError, match="does not exist"):
        pseudonyms.key_of(path, settings.output, create=False)


@pytest.mark.slow
def test_a_sealed_report_names_nobody_and_lies_alone(
    hospital: Path, collected: tuple[Audit, Snapshot], needles: ahocorasick.Automaton
) -> None:
    settings, _ = collected
    folder = settings.output.parent / "sealed"
    shutil.copytree(settings.output / "snapshot", folder / "snapshot")
    (folder / "report.html").write_text("of last week, in the clear", encoding="utf-8")
    told = audit("report", "--config", hospital / "audit.yaml", "--output", folder, "--format", "html", "--seal")
    assert told.returncode == 1, told.stderr
    words = re.search(r"Phrase de passe de report.sealed.html, .*: (.*)", told.stderr)
    assert words
    assert len(words[1].split(" ")) == 6
    assert not (folder / "report.html").exists()
    page = (folder / "report.sealed.html").read_text(encoding="utf-8")
    # What is encrypted is noise, in which three letters may well stand together.
    assert leaks(re.sub('"content":"[^"]*"', "", page), needles) == set()
    assert "aline.veredac" in opened(page, words[1])
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert not any(words[1].encode() in file.read_bytes() for file in files)
    assert words[1] not in told.stdout
    refused = audit("report", "--config", hospital / "audit.yaml", "--output", folder, "--format", "json", "--seal")
    assert refused.returncode == 2
    assert "--seal" in refused.stderr


def test_what_changed_is_told_without_names(settings: Audit) -> None:
    entry = Gone("AD-KRB-001", SID, Finding("AD-KRB-001", SID, {}).fingerprint, "aline.veredac", Severity.HIGH)
    hidden = redact.without_names(Difference((entry,), (entry,), (entry,), (entry,), ()), settings)
    shown = repr(hidden)
    assert SID not in shown
    assert "veredac" not in shown
    assert entry.fingerprint not in shown
