"""The table of verdicts (docs/architecture.md, section 7), row by row."""

from __future__ import annotations

from dataclasses import replace

import pytest

from auditor import assess
from auditor.assess import Gap
from auditor.config import RuleSettings
from auditor.engine.outcome import Outcome
from auditor.errors import ConfigError, EngineError
from auditor.model import Coverage, Rule, Severity, State, Text, Verdict
from auditor.rule_analysis import Need, analyse
from auditor.tables import ALL

QUERY = """select a.account_key as resource, not a.password_never_expires as ok, a.sam_account_name as name from account a
where a.enabled and not exists (select 1 from privileged_membership p where p.account_key = a.account_key)"""
RULE = Rule(
    id="TEST-001", title=Text("t", "t"), severity=Severity.HIGH, recommendation=1, status="stable", references={}, why=Text("w", "w"),
    remediation=(), blind_spots=Text("b", "b"), query=QUERY, tests=(), params={"max_age_days": 90},
)  # fmt: skip
ANALYSIS = analyse(QUERY)
PASSING = frozenset({"S-2", "S-3", "S-4"})
BAD = Outcome(({"resource": "S-1", "ok": False, "name": "n"},), PASSING, frozenset())
GOOD = Outcome((), PASSING, frozenset())


def coverage(**states: State) -> dict[str, list[Coverage]]:
    reason = Text("why", "pourquoi")
    return {name: [Coverage(name, "ad:test", states.get(name, State.COMPLETE), 1, reason, reason)] for name in ALL}


@pytest.mark.parametrize("state", [State.PARTIAL, State.DENIED, State.ABSENT])
def test_a_gap_in_a_table_read_negatively_leaves_findings_unconfirmed(state: State) -> None:
    assert "privileged_membership" in ANALYSIS.negative
    judged = assess.judge(RULE, ANALYSIS, BAD, (), coverage(privileged_membership=state))
    assert judged.verdict is Verdict.NOTCHECKED
    assert [finding.confirmed for finding in judged.findings] == [False]
    assert "privileged_membership" in judged.reasons[0].en
    assert "pourquoi" in judged.reasons[0].fr


def test_a_positive_claim_lets_the_finding_stand() -> None:
    rule = replace(RULE, positive=("privileged_membership",))
    judged = assess.judge(rule, ANALYSIS, BAD, (), coverage(privileged_membership=State.PARTIAL))
    assert (judged.verdict, judged.at_least) == (Verdict.FAIL, True)


def test_an_unknown_deciding_value_in_a_table_read_negatively_leaves_findings_unconfirmed() -> None:
    gap = Gap("privileged_membership", "account_key", 1)
    judged = assess.judge(RULE, ANALYSIS, BAD, (gap,), coverage())
    assert (judged.verdict, judged.findings[0].confirmed) == (Verdict.NOTCHECKED, False)
    judged = assess.judge(RULE, ANALYSIS, BAD, (Gap("account", "sam_account_name", 1),), coverage())
    assert (judged.verdict, judged.at_least) == (Verdict.FAIL, True)


def test_the_claim_of_a_third_party_rule_is_not_believed() -> None:
    rule = replace(RULE, positive=("privileged_membership",), pack="theirs")
    assert assess.judge(rule, ANALYSIS, BAD, (), coverage(privileged_membership=State.PARTIAL)).verdict is Verdict.NOTCHECKED


def test_a_gap_elsewhere_keeps_a_finding_and_says_at_least() -> None:
    judged = assess.judge(RULE, ANALYSIS, BAD, (), coverage(account=State.PARTIAL))
    assert (judged.verdict, judged.at_least, judged.findings[0].confirmed) == (Verdict.FAIL, True, True)


def test_a_gap_elsewhere_forbids_a_pass() -> None:
    assert assess.judge(RULE, ANALYSIS, GOOD, (), coverage(account=State.DENIED)).verdict is Verdict.NOTCHECKED


def test_a_gap_in_a_table_the_rule_does_not_read_changes_nothing() -> None:
    assert assess.judge(RULE, ANALYSIS, GOOD, (), coverage(hr_contract=State.ABSENT)).verdict is Verdict.PASS


def test_unknown_rows_or_values_forbid_a_pass_and_are_explained() -> None:
    for result, gaps in ((Outcome((), PASSING, frozenset({"S-5"})), ()), (GOOD, (Gap("account", "enabled", 1),))):
        judged = assess.judge(RULE, ANALYSIS, result, gaps, coverage())
        assert judged.verdict is Verdict.NOTCHECKED
        assert judged.reasons and judged.reasons[0].fr != judged.reasons[0].en


def test_a_finding_beside_unknown_rows_says_that_there_are_such_rows() -> None:
    judged = assess.judge(RULE, ANALYSIS, replace(BAD, unknown=frozenset({"S-5", "S-6"})), (), coverage())
    assert (judged.verdict, judged.at_least) == (Verdict.FAIL, True)
    assert judged.reasons[0].en == "2 rows could not be judged: a value is not known"
    judged = assess.judge(RULE, ANALYSIS, replace(BAD, unknown=frozenset({"S-5"})), (), coverage(account=State.PARTIAL))
    assert [reason.en for reason in judged.reasons] == [
        "table account (ad:test) incomplete: why",
        "1 row could not be judged: a value is not known",
    ]


def test_what_audit_yaml_does_not_declare_is_a_gap() -> None:
    vendors = Need("account_kind", "kind", ("vendor",))
    judged = assess.judge(RULE, ANALYSIS, GOOD, (), coverage(), (vendors,))
    assert judged.verdict is Verdict.NOTCHECKED
    assert judged.reasons == (
        Text("no account matches kinds.vendor of audit.yaml", "aucun compte ne correspond à kinds.vendor de audit.yaml"),
    )
    assert assess.judge(RULE, ANALYSIS, Outcome((), frozenset(), frozenset()), (), coverage(), (vendors,)).verdict is Verdict.NOTCHECKED
    judged = assess.judge(RULE, ANALYSIS, BAD, (), coverage(), (Need("group_role", "role", ("backup",)),))
    assert (judged.verdict, judged.at_least) == (Verdict.FAIL, True)
    assert judged.reasons[0].en == "no group matches groups.backup of audit.yaml"


def test_no_row_at_all_is_not_a_pass() -> None:
    assert assess.judge(RULE, ANALYSIS, Outcome((), frozenset(), frozenset()), (), coverage()).verdict is Verdict.NOTAPPLICABLE


def test_everything_known_and_good_is_a_pass_and_bad_a_fail() -> None:
    assert assess.judge(RULE, ANALYSIS, GOOD, (), coverage()).verdict is Verdict.PASS
    judged = assess.judge(RULE, ANALYSIS, BAD, (), coverage())
    assert (judged.verdict, judged.at_least, judged.counts.failed, judged.counts.passed) == (Verdict.FAIL, False, 1, 3)
    assert judged.findings[0].evidence == {"name": "n"}


def test_a_crashed_query_is_an_error_with_its_sentence() -> None:
    judged = assess.judge(RULE, ANALYSIS, EngineError("it ran too long; simplify it."), (), coverage())
    assert (judged.verdict, judged.reasons[0].en) == (Verdict.ERROR, "it ran too long; simplify it.")


def test_thresholds_come_from_the_settings_and_mistakes_are_named() -> None:
    def settings(**params: int | str) -> RuleSettings:
        return RuleSettings(params={"TEST-001": dict(params)})

    assert assess.with_params(RULE, settings(max_age_days=30)).params == {"max_age_days": 30}
    assert assess.with_params(RULE, RuleSettings()) is RULE
    with pytest.raises(ConfigError, match="no such parameter; the rule has: max_age_days"):
        assess.with_params(RULE, settings(max_days=30))
    with pytest.raises(ConfigError, match="write a value like 90"):
        assess.with_params(RULE, settings(max_age_days="30"))
