from dataclasses import replace
from pathlib import Path

import pytest

from auditor import rule_tests, rules
from auditor.model import Rule, RuleTest

EMPTY = RuleTest({}, {})


@pytest.fixture
def rule(tmp_path: Path) -> Rule:
    path = tmp_path / "AD-ACC-900-new-rule.yaml"
    path.write_text(rules.scaffold("AD-ACC-900", 1), encoding="utf-8")
    return rules.load_file(path)


def texts(rule: Rule, query: str) -> list[str]:
    return [mutant.text for mutant in rule_tests.mutants(replace(rule, query=query))]


def test_a_wrong_expectation_is_reported_by_resource(rule: Rule) -> None:
    test = rule.tests[0]
    wrong = replace(rule, tests=(RuleTest(test.given, {**test.expect, "exact": "fail", "ghost": "pass"}),))
    assert rule_tests.run_tests(wrong) == [
        "test 1: exact is expected to give fail and gives pass",
        "test 1: ghost is expected to give pass and gives nothing",
    ]


def test_a_resource_that_no_test_expects_is_reported(rule: Rule) -> None:
    test = rule.tests[0]
    fewer = {resource: outcome for resource, outcome in test.expect.items() if resource != "late"}
    assert rule_tests.run_tests(replace(rule, tests=(RuleTest(test.given, fewer),))) == [
        "test 1: late is expected to give nothing and gives fail"
    ]


def test_a_query_that_cannot_run_is_reported(rule: Rule) -> None:
    broken = replace(rule, query=rule.query.replace("a.expires_at <=", "cast(a.mail as bigint) + 1 = 1 and a.mail <="))
    assert any("the query failed" in problem for problem in rule_tests.run_tests(broken))


def test_a_test_that_misses_the_boundary_lets_a_mutant_live(rule: Rule) -> None:
    test = rule.tests[0]
    given = {"account": tuple(row for row in test.given["account"] if row["account_key"] not in ("exact", "late"))}
    weak = replace(rule, tests=(RuleTest(given, {k: v for k, v in test.expect.items() if k not in ("exact", "late")}),))
    assert rule_tests.run_tests(weak) == []
    assert any("<" in mutant for mutant in rule_tests.surviving(weak))


def test_a_claim_that_losing_rows_hides_only_is_tried_out(rule: Rule) -> None:
    query = (
        "select a.account_key as resource, exists (select 1 from account_spn s where s.account_key = a.account_key) as ok, 'x' as name "
        "from account a"
    )
    test = RuleTest({"account": ({"account_key": "a"},), "account_spn": ({"account_key": "a"},)}, {"a": "pass"})
    claimed = replace(rule, query=query, params={}, tests=(test,), positive=("account_spn",))
    assert rule_tests.run_tests(claimed) == ["test 1: account_spn is claimed to be positive, but losing rows of it makes a fail"]
    assert rule_tests.run_tests(replace(claimed, positive=("account",))) == []


OPERATORS = {
    "a.enabled and a.rid > 5": ["-> a.rid > 5", "-> a.enabled", "(a.enabled OR a.rid > 5)", "-> a.rid >= 5", "a.rid > 6"],
    "a.enabled or a.rid <= 5": ["(a.enabled AND a.rid <= 5)", "-> a.rid < 5"],
    "a.mail = 'x'": ["-> a.mail <> 'x'", "-> WHERE TRUE"],
    "not a.enabled": ["NOT a.enabled -> a.enabled"],
    "a.mail is null": ["-> NOT a.mail IS NULL"],
    "a.mail is not null": ["NOT a.mail IS NULL -> a.mail IS NULL"],
    "coalesce(a.enabled, true)": ["-> a.enabled"],
    "a.created_at > $as_of - interval 14 day": ["INTERVAL '15' DAY"],
    "exists (select 1 from account_spn s where s.spn = 'x')": ["-> NOT EXISTS", "-> s.spn <> 'x'"],
    "not exists (select 1 from account_spn s)": ['NOT EXISTS(SELECT 1 AS "1" FROM account_spn AS s) -> EXISTS'],
    "a.rid in (500, 501)": ["-> NOT a.rid IN (500, 501)", "(501, 501)", "(500, 502)"],
    "a.rid > (select max(group_rid) from privileged_membership)": ["MAX(privileged_membership.group_rid) -> MIN"],
    "0 < (select count(*) filter (where p.depth > 2) from privileged_membership p)": ["-> COUNT(*)", "p.depth >= 2"],
}


@pytest.mark.parametrize("condition", OPERATORS)
def test_every_kind_of_mistake_is_made(rule: Rule, condition: str) -> None:
    found = texts(rule, f"select a.account_key as resource, true as ok, 'x' as name from account a where {condition}")
    for wanted in OPERATORS[condition]:
        assert any(wanted in text for text in found), (wanted, found)


def test_an_outer_join_becomes_an_inner_one(rule: Rule) -> None:
    query = "select a.account_key as resource, k.kind = 'x' as ok, 'x' as name from account a left join account_kind k using (account_key)"
    join = "JOIN account_kind AS k ON a.account_key = k.account_key"
    assert f"LEFT {join} -> {join}" in texts(rule, query)


def test_evidence_is_left_alone(rule: Rule) -> None:
    query = (
        "with c as (select account_key, rid + 1 as shown, mail from account) select c.account_key as resource, c.mail = 'x' as ok, "
        "case when c.shown > 5 then 'a' else 'b' end as name, (select max(spn) from account_spn) as spn from c"
    )
    assert texts(rule, query) == ["c.mail = 'x' -> c.mail <> 'x'"]
