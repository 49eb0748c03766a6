import pytest

from auditor.errors import RuleError
from auditor.rule_analysis import Analysis, analyse

HEAD = "select a.account_key as resource, "


def about(rest: str, ok: str = "a.enabled") -> Analysis:
    return analyse(f"{HEAD}{ok} as ok, a.sam_account_name as name from account a {rest}")


def test_reads_are_computed_through_ctes_subqueries_and_using() -> None:
    analysis = analyse(
        "with p as (select account_key from privileged_membership where group_rid = 512) "
        f"{HEAD} exists (select 1 from account_spn s where s.account_key = a.account_key) as ok, "
        "(select max(k.kind) from account_kind k) as name "
        "from account a join p using (account_key) where a.account_key in (select account_key from account_role)"
    )
    assert analysis.reads == {
        "account": frozenset({"account_key"}),
        "account_kind": frozenset({"kind"}),
        "account_role": frozenset({"account_key"}),
        "account_spn": frozenset({"account_key"}),
        "privileged_membership": frozenset({"account_key", "group_rid"}),
    }


def test_a_table_of_which_no_column_is_read_is_read_all_the_same() -> None:
    assert analyse("select 'x' as resource, count(*) > 0 as ok, 'x' as name from domain").reads == {"domain": frozenset()}


@pytest.mark.parametrize("column", ["a.enable", "nothing", "p.kind"])
def test_a_column_that_does_not_exist_is_an_error(column: str) -> None:
    with pytest.raises(RuleError):
        about("", ok=column)


def test_an_ambiguous_column_is_an_error() -> None:
    with pytest.raises(RuleError):
        about("join account_kind k on k.account_key = a.account_key", ok="account_key = 'x'")


SPN = "(select 1 from account_spn s where s.account_key = a.account_key)"
NEGATIVE = {
    "not exists": about(f"where not exists {SPN}"),
    "not in": about("where a.account_key not in (select account_key from account_spn)"),
    "not around and": about(f"where not (a.enabled and exists {SPN})"),
    "except": about("except select account_key, true, spn from account_spn"),
    "left join": about("left join account_spn s on s.account_key = a.account_key where s.spn is null"),
    "anti join": about("anti join account_spn s on s.account_key = a.account_key"),
    "exists in ok": about("", ok=f"exists {SPN}"),
    "not exists in ok": about("", ok=f"not exists {SPN}"),
    "exists compared": about(f"where exists {SPN} = false"),
    "exists in case": about(f"where case when exists {SPN} then false else true end"),
    "scalar aggregate": about("where 0 = (select count(*) from account_spn s where s.account_key = a.account_key)"),
    "scalar in ok": about("", ok="(select count(*) from account_spn s where s.account_key = a.account_key) = 0"),
    "derived aggregate": about(
        "join (select account_key, count(*) as n from account_spn group by account_key) s using (account_key)", ok="n < 2"
    ),
    "cte aggregate": analyse(
        f"with s as (select count(*) as n from account_spn) {HEAD} s.n = 0 as ok, 'x' as name from account a cross join s"
    ),
    "cte read negatively": analyse(
        f"with s as (select account_key from account_spn) {HEAD} true as ok, 'x' as name from account a "
        "where not exists (select 1 from s where s.account_key = a.account_key)"
    ),
    "flag computed in a cte": analyse(
        f"with s as (select a.account_key, exists {SPN} as has from account a) "
        "select s.account_key as resource, s.has as ok, 'x' as name from s"
    ),
    "limited subquery": about("where a.account_key in (select account_key from account_spn order by spn limit 1)"),
    "window in a cte": analyse(
        "with s as (select account_key, row_number() over (order by spn) as n from account_spn) "
        "select s.account_key as resource, s.n = 1 as ok, 'x' as name from s"
    ),
}  # fmt: skip


@pytest.mark.parametrize("shape", NEGATIVE)
def test_losing_rows_there_could_invent_a_finding_or_hide_the_loss(shape: str) -> None:
    assert "account_spn" in NEGATIVE[shape].negative


@pytest.mark.parametrize(
    "rest",
    [
        f"where exists {SPN}",
        f"where a.enabled and (exists {SPN} or a.rid = 500)",
        "where a.account_key in (select account_key from account_spn)",
        "join account_spn s on s.account_key = a.account_key",
        "semi join account_spn s on s.account_key = a.account_key",
        "join (select distinct account_key from account_spn) s on s.account_key = a.account_key",
    ],
)
def test_losing_rows_there_can_only_hide_findings(rest: str) -> None:
    assert about(rest).negative == frozenset()


def test_an_aggregate_that_is_evidence_only_judges_nothing() -> None:
    assert analyse(f"{HEAD} a.enabled as ok, (select max(s.spn) from account_spn s) as name from account a").negative == frozenset()


def test_the_scope_query_asks_where_the_condition_is_not_known() -> None:
    scope = about("join account_kind k on k.account_key = a.account_key where a.enabled and k.kind = 'person'").scope_query
    assert scope is not None
    assert "WHERE (a.enabled AND k.kind = 'person') IS NULL" in scope
    assert scope.startswith("SELECT DISTINCT a.account_key AS resource FROM account AS a JOIN account_kind AS k")


def test_each_branch_of_a_union_all_has_its_scope() -> None:
    scope = about(
        "where a.enabled union all select domain_sid, complexity_enabled, dns_name from domain where functional_level > 6"
    ).scope_query
    assert scope is not None
    assert scope.count("IS NULL") == 2


@pytest.mark.parametrize("rest", ["", "where a.enabled union select domain_sid, true, dns_name from domain"])
def test_without_condition_or_with_set_logic_there_is_no_scope_query(rest: str) -> None:
    assert about(rest).scope_query is None


def test_a_grouped_query_says_that_unknown_rows_change_others() -> None:
    sql = "select a.source as resource, count(*) < 5 as ok, a.source as name from account a where a.enabled group by a.source"
    assert analyse(sql).grouped
    assert not about("where a.enabled").grouped


KEY = ("account", "account_key")
PROBED = {
    "kleene conditions and ok need no probe": (about("where a.enabled and (a.rid > 5 or not a.is_domain_controller)"), {KEY}),
    "coalesce": (about("where coalesce(a.enabled, true)"), {KEY, ("account", "enabled")}),
    "is null": (about("where a.expires_at is null"), {KEY, ("account", "expires_at")}),
    "case condition, not its ends": (
        about("", ok="case when a.never_signed_in then a.created_at > $as_of else a.last_sign_in_at > $as_of end"),
        {KEY, ("account", "never_signed_in")},
    ),
    "join condition": (
        about("join account_kind k on k.account_key = a.account_key and k.kind = 'person'"),
        {KEY, ("account_kind", "account_key"), ("account_kind", "kind")},
    ),
    "inside a subquery": (
        about("where exists (select 1 from account_spn s where s.spn = 'x')"),
        {KEY, ("account_spn", "spn")},
    ),
    "inside a cte, evidence of it left out": (
        analyse(
            "with e as (select account_key, sam_account_name, mail from account where enabled) "
            "select e.account_key as resource, e.mail = '' as ok, e.sam_account_name as name from e"
        ),
        {KEY, ("account", "enabled"), ("account", "mail")},
    ),
    "aggregate": (
        analyse("select a.source as resource, count(a.mail) < 5 as ok, 'x' as name from account a group by a.source"),
        {("account", "mail"), ("account", "source")},
    ),
    "grouped evidence beside its key": (
        analyse("select d.domain_sid as resource, count(*) < 5 as ok, d.dns_name as name from domain d group by d.domain_sid, d.dns_name"),
        {("domain", "domain_sid")},
    ),
    "set logic": (about("where a.enabled except select account_key, true, spn from account_spn"),
                  {KEY, ("account", "enabled"), ("account", "sam_account_name"), ("account_spn", "account_key"), ("account_spn", "spn")}),
}  # fmt: skip


@pytest.mark.parametrize("what", PROBED)
def test_columns_that_decide_out_of_sight_are_probed(what: str) -> None:
    analysis, expected = PROBED[what]
    assert set(analysis.probes) == expected


@pytest.mark.parametrize(
    ("ok", "possible"),
    [
        ("a.enabled", True),
        ("not exists (select 1 from account_spn)", False),
        ("coalesce(a.enabled, false)", False),
        ("(select count(*) from account_spn) = 0", False),
        ("(select max(spn) from account_spn) = 'x'", True),
        ("a.mail is null", False),
        ("a.account_key = 'x'", False),
        ("a.account_key in (select account_key from account_spn)", False),
        ("a.mail in (select account_key from account_spn)", True),
        ("case when a.enabled then true end", True),
        ("case when a.enabled then true else false end", False),
    ],
)
def test_whether_ok_can_be_null(ok: str, possible: bool) -> None:
    assert about("", ok=ok).ok_can_be_null is possible


@pytest.mark.parametrize(
    ("condition", "needed"),
    [
        ("r.role = 'clinical'", [("role", ("clinical",))]),
        ("'clinical' = r.role", [("role", ("clinical",))]),
        ("r.role in ('clinical', 'backup')", [("role", ("backup",)), ("role", ("clinical",))]),
        ("coalesce(r.role, '') = 'clinical'", [("role", ("clinical",))]),
        ("k.kind in ('vendor', 'service')", [("kind", ("service", "vendor"))]),
        ("k.kind in ('person', 'vendor')", []),
        ("k.population = 'intern' and k.kind = 'person'", [("population", ("intern",))]),
        ("k.kind <> 'vendor' and r.role not in ('clinical') and not (k.kind = 'service')", []),
        ("r.group_name = 'clinical'", []),
        ("exists (select 1 from group_role g where g.role = 'backup')", [("role", ("backup",))]),
        ("k.account_key in (select x.key from (select account_key as key, kind as what from account_kind) x where x.what = 'device')",
         [("kind", ("device",))]),
    ],
)  # fmt: skip
def test_values_that_audit_yaml_must_declare_are_found(condition: str, needed: list[tuple[str, tuple[str, ...]]]) -> None:
    found = analyse(
        "select k.account_key as resource, k.kind <> 'x' as ok, k.account_key as name "
        f"from account_kind k join account_role r on r.account_key = k.account_key where {condition}"
    )
    assert [(need.column, need.values) for need in found.needs] == needed
