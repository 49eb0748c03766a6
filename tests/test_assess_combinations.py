"""Combinations: what they do to the findings of other rules, and nothing else."""

from __future__ import annotations

import pytest

from auditor import assess, rules
from auditor.config import RuleSettings
from auditor.derive import authentication_strength, token_account
from auditor.model import Assessment, Coverage, Finding, Rule, Severity, State, Verdict
from auditor.rule_tests import AS_OF
from auditor.tables.entra import AUTHENTICATION_STRENGTH
from auditor.tables.otp import TOKEN_ACCOUNT
from tests.derive.hospital import loaded

SHIPPED = {rule.id: rule for rule in rules.load([rules.shipped()])}
COMBINATIONS = [rule for rule in SHIPPED.values() if rule.raises]


def combination(number: int, severity: Severity, query: str, raises: tuple[str, ...] = ("AD-ACC-001",)) -> Rule:
    model = SHIPPED["TOX-001"]
    return Rule(**{**vars(model), "id": f"TOX-9{number:02}", "severity": severity, "query": query, "raises": raises})


def raised(*combinations: Rule, rule: str = "AD-ACC-001", coverage: tuple[Coverage, ...] = ()) -> tuple[Assessment, ...]:
    judged = Assessment(rule, Verdict.FAIL, findings=(Finding(rule, "a", {}), Finding(rule, "b", {})))
    with loaded({"account": [{"account_key": "a"}, {"account_key": "b"}]}) as engine:
        engine.load(TOKEN_ACCOUNT, token_account.derive(engine))
        engine.load(AUTHENTICATION_STRENGTH, authentication_strength.derive(engine))
        engine.lock()
        return assess.raise_findings(engine, combinations, [judged], coverage, AS_OF, RuleSettings())


HOLDS_FOR_A = "select a.account_key as resource, a.account_key <> 'a' as ok, a.account_key as name from account a"
UNKNOWN = "select a.account_key as resource, cast(null as boolean) as ok, a.account_key as name from account a"


def test_a_finding_rises_to_the_worst_and_names_every_combination_that_holds() -> None:
    (judged,) = raised(
        combination(3, Severity.HIGH, HOLDS_FOR_A),
        combination(2, Severity.CRITICAL, HOLDS_FOR_A),
        combination(1, Severity.HIGH, HOLDS_FOR_A),
    )
    first, second = judged.findings
    assert (first.raised_to, first.raised_by) == (Severity.CRITICAL, ("TOX-902", "TOX-901", "TOX-903"))
    assert (second.raised_to, second.raised_by) == (None, ())


def test_what_is_not_known_and_what_concerns_another_rule_raises_nothing() -> None:
    others = combination(1, Severity.CRITICAL, HOLDS_FOR_A, ("AD-ACC-002",)), combination(2, Severity.CRITICAL, UNKNOWN)
    (judged,) = raised(*others)
    assert [finding.raised_by for finding in judged.findings] == [(), ()]


@pytest.mark.parametrize("state", State)
def test_what_may_only_be_missing_raises_nothing(state: State) -> None:
    weak = "select s.account_key as resource, s.strength <> 'none' as ok, s.account_key as name from authentication_strength s"
    entries = (Coverage("authentication_strength", "", state), Coverage("account", "ad", state))
    (judged,) = raised(combination(1, Severity.CRITICAL, weak), combination(2, Severity.HIGH, HOLDS_FOR_A), coverage=entries)
    expected = ("TOX-901", "TOX-902") if state is State.COMPLETE else ("TOX-902",)
    assert judged.findings[0].raised_by == expected


def test_a_combination_that_fails_is_an_error_and_changes_no_finding() -> None:
    crash = "select a.account_key as resource, cast(a.account_key as bigint) > 0 as ok, a.account_key as name from account a"
    judged, failed = raised(combination(1, Severity.CRITICAL, crash))
    assert (failed.rule, failed.verdict) == ("TOX-901", Verdict.ERROR)
    assert [finding.raised_by for finding in judged.findings] == [(), ()]


@pytest.mark.parametrize("rule", COMBINATIONS, ids=lambda rule: rule.id)
def test_every_shipped_combination_raises_rules_that_exist_and_are_less_severe(rule: Rule) -> None:
    for name in rule.raises:
        assert SHIPPED[name].severity.rank > rule.severity.rank, f"{name} is as bad already"
