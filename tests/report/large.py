"""A run of many findings, for what must stay quick: names of people, sources and times as a hospital has them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from auditor.model import Assessment, Change, Counts, Finding, Run, Severity, Value, Verdict
from auditor.report import exit_code
from tests.report import examples

RULES = 40
FAMILIES = ("lefèvre", "bœuf", "nguyen", "garcia", "muller", "hélène", "o’brien")
UNITS = ("Imagerie", "Urgences", "Pédiatrie", "Bloc opératoire", "Pharmacie")


def run(findings: int) -> Run:
    """So many findings of 40 rules, every twentieth of them new."""
    rules = tuple(
        examples.rule(f"AD-ACC-{n:03}", list(Severity)[n % 4], n % 5 + 1, title=examples.text(f"Fault {n}", f"Défaut {n}"))
        for n in range(1, RULES + 1)
    )
    found: list[list[Finding]] = [[] for _ in rules]
    for number in range(findings):
        rule = number % RULES
        evidence: dict[str, Value] = {
            "name": f"{FAMILIES[number % 7]}.{number // RULES:05}",
            "company": UNITS[number % 5],
            "last_sign_in_at": examples.AS_OF - timedelta(days=number % 900),
            "enabled": True,
        }
        change = Change.NEW if number % 20 == 0 else Change.OPEN
        seen = examples.AS_OF - timedelta(days=7 * (number % 50))
        found[rule].append(Finding(rules[rule].id, f"S-1-5-21-1-2-3-{number}", evidence, change=change, first_seen=seen))
    assessments = tuple(
        Assessment(rule.id, Verdict.FAIL, Counts(10, len(rows)), findings=tuple(rows)) for rule, rows in zip(rules, found, strict=True)
    )
    made = replace(examples.run(), rules=rules, assessments=assessments)
    return replace(made, exit=exit_code.decide(made))
