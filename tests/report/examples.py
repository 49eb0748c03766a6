"""A run made by hand: every verdict, every severity, every state of coverage, and names no directory should hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from auditor.model import Assessment, Counts, Coverage, Finding, Rule, Run, Severity, State, Step, Text, Value, Verdict

SCRIPT = "</script><script>document.title='breached'</script>"
HANDLER = '"><img src=x onerror="document.title=\'breached\'">'
FORMULA = '=HYPERLINK("https://evil.test","open")'
REVERSED = "svc\u202egpj.exe"
ESCAPES = "admin\x1b[2J\x1b]0;breached\x07\x9b31m"
LONG = "x" * 1_000_000
HOSTILE = (SCRIPT, HANDLER, FORMULA, REVERSED, ESCAPES, LONG)

AS_OF = datetime(2026, 11, 20, 6)


def text(english: str, french: str = "") -> Text:
    return Text(en=english, fr=french or english)


def rule(
    rule_id: str, severity: Severity, recommendation: int, *, title: Text | None = None, table: str = "account", hours: float = 4
) -> Rule:
    return Rule(
        id=rule_id,
        title=title or text(f"Fault of {rule_id}", f"Défaut de {rule_id}"),
        severity=severity,
        recommendation=recommendation,
        status="stable",
        references={"anssi": ("vuln_example",), "attack": ("T1078.002",)},
        why=text("The door stays open. Anybody may come in.", "La porte reste ouverte. N'importe qui peut entrer."),
        remediation=(
            Step(
                text("Close the accounts of the list.", "Fermer les comptes de la liste."),
                text("None.", "Aucun."),
                hours,
                command="Disable-ADAccount -Identity LOGIN -WhatIf",
                verify=f"audit run --only {rule_id}",
                undo="Enable-ADAccount -Identity LOGIN",
            ),
            Step(text("Tell the suppliers.", "Prévenir les prestataires."), text("Two calls a day.", "Deux appels par jour."), 0.5),
        ),
        blind_spots=text("What nobody wrote down.", "Ce que personne n'a noté."),
        query=f"select 'x' as resource, true as ok, 'x' as name from {table}",
        tests=(),
    )


def findings(rule_id: str, names: tuple[str, ...], *, confirmed: bool = True, **evidence: Value) -> tuple[Finding, ...]:
    return tuple(
        Finding(rule_id, f"S-1-5-21-1-2-3-{place}", {"name": name, **evidence}, confirmed) for place, name in enumerate(names, 1100)
    )


def run() -> Run:
    """Ten rules: four failed, two not assessed (one with unconfirmed rows), one error, one without object, two passed."""
    rules = (
        rule("AD-ACC-023", Severity.HIGH, 1, table="directory_group"),
        rule("AD-KRB-001", Severity.CRITICAL, 1, title=text("Account under attack", "Compte attaqué : à traiter")),
        rule("AD-KRB-004", Severity.MEDIUM, 1),
        rule("AD-ACC-019", Severity.HIGH, 1),
        rule("AD-STL-002", Severity.LOW, 2),
        rule("SPC-013", Severity.CRITICAL, 2, table="account_hr"),
        rule("SPC-023", Severity.CRITICAL, 2, hours=1.5),
        rule("AD-PRV-015", Severity.MEDIUM, 2),
        rule("AD-BCK-002", Severity.MEDIUM, 3),
        rule("AD-BCK-005", Severity.HIGH, 3, table="vendor_contract"),
    )
    seen = datetime(2025, 12, 29, 8, 30)
    users = findings("AD-ACC-023", tuple(f"user{n:02}" for n in range(12)), last_sign_in_at=seen, never_signed_in=False)
    hostile = findings("AD-KRB-001", HOSTILE, password_last_set_at=None)
    dormant = findings("AD-STL-002", tuple(f"ext.{n:04}" for n in range(250)), kind="vendor", last_sign_in_at=None, never_signed_in=True)
    leavers = findings("SPC-013", ("a.martin", "b.petit"), confirmed=False, ends_at=datetime(2026, 10, 31))
    vendors = findings("SPC-023", tuple(f"tm.tech{n:02}" for n in range(19)), company="MédiLiaison", ends_at=datetime(2025, 11, 14))
    late = (text("The query ran out of time.", "La requête a dépassé son temps."),)
    assessments = (
        Assessment("AD-ACC-023", Verdict.FAIL, Counts(90, 12, 1), (), users, True),
        Assessment("AD-KRB-001", Verdict.FAIL, Counts(3, len(HOSTILE)), findings=hostile),
        Assessment("AD-KRB-004", Verdict.PASS, Counts(100)),
        Assessment("AD-ACC-019", Verdict.NOTAPPLICABLE, reasons=(text("No account is concerned.", "Aucun compte n'est concerné."),)),
        Assessment("AD-STL-002", Verdict.FAIL, Counts(7, 250), findings=dormant),
        Assessment("SPC-013", Verdict.NOTCHECKED, Counts(5, 2), (text("No HR file.", "Pas de fichier RH."),), leavers),
        Assessment("SPC-023", Verdict.FAIL, Counts(1, 19), findings=vendors),
        Assessment("AD-PRV-015", Verdict.ERROR, reasons=late),
        Assessment("AD-BCK-002", Verdict.PASS, Counts(1)),
        Assessment("AD-BCK-005", Verdict.NOTCHECKED, reasons=(text("The register is missing.", "Le registre manque."),)),
    )
    grant = text("Ask for the file; name it in audit.yaml.", "Demander le fichier ; le nommer dans audit.yaml.")
    coverage = (
        Coverage("account", "ad:chu-test.test", State.COMPLETE, 7404, collected_at=AS_OF),
        Coverage("directory_group", "ad:chu-test.test", State.PARTIAL, 2600, text("The read was cut short."), grant, AS_OF),
        Coverage("hr_contract", "hr", State.ABSENT, 0, text("The file rh.csv does not exist.", "Le fichier rh.csv n'existe pas."), grant),
        Coverage("vendor_contract", "vendors", State.DENIED, 0, text("Reading was refused.", "La lecture est refusée."), grant, AS_OF),
    )
    return Run("Centre hospitalier de Test", AS_OF, "0.1.0", "a" * 64, "b" * 64, rules, assessments, coverage)


def clean_run() -> Run:
    """The same hospital, everything read and nothing found."""
    made = run()
    assessments = tuple(Assessment(item.id, Verdict.PASS, Counts(10, 0, 0)) for item in made.rules)
    return replace(made, assessments=assessments, coverage=tuple(entry for entry in made.coverage if entry.state is State.COMPLETE))
