import pytest

from auditor.engine import gate

GOOD = {
    "a plain rule": "select account_key as resource, enabled as ok, sam_account_name as name from account where object_class = 'user'",
    "joins, CTE, window, filter": """
        with spns as (
          select s.account_key, count(*) filter (where s.spn like 'cifs/%') as n, string_agg(distinct s.spn, ', ' order by s.spn) as spns
          from account_spn s group by s.account_key having count(*) > 0
        )
        select a.account_key as resource, coalesce(p.n, 0) = 0 as ok, a.sam_account_name as name, p.spns,
          cast(row_number() over (partition by a.source order by a.account_key) as bigint) as number,
          case when a.enabled is not true then 'off' else lower(trim(a.mail)) end as state
        from account a left join spns p on p.account_key = a.account_key semi join account_kind k on k.account_key = a.account_key
        where a.created_at >= $as_of - $days * interval 1 day and a.rid between 500 and 1000 and a.mail is not distinct from ''
          and a.account_key not in (select account_key from account_role) and not exists (select 1 from domain)
          and date_diff('day', cast(a.created_at as date), cast($as_of as date)) > 3 and if(a.enabled, true, false)
        """,
    "union all and except": """
        select domain_sid as resource, complexity_enabled as ok, dns_name as name from domain
        union all (select policy_key, complexity_enabled, name from password_settings except select 'x', true, 'x')""",
    "one row in a subquery": """
        select a.account_key as resource, 'x' as name,
          (select s.spn from account_spn s where s.account_key = a.account_key order by s.spn limit 1) = 'x' as ok
        from account a order by resource""",
    "macros": "select account_key as resource, secs_between(created_at, $as_of) > bucket(created_at, 600) as ok, 'x' as name from account",
}


@pytest.mark.parametrize("name", GOOD)
def test_honest_queries_pass(name: str) -> None:
    assert gate.check(GOOD[name])


def test_the_tables_of_a_query_are_told() -> None:
    assert gate.check(GOOD["joins, CTE, window, filter"]) == {"account", "account_spn", "account_kind", "account_role", "domain"}


@pytest.mark.parametrize(
    ("sql", "line", "message"),
    [
        ("select account_key as resource,\n  now() > created_at as ok,\n  'x' as name\nfrom account", 2, "function now"),
        ("select account_key as resource, true as ok, 'x' as name\nfrom accounts", 2, "no table accounts"),
        ("select account_key as resource,\n\n  enable as ok, 'x' as name from account", 3, "column enable"),
        ("select 'é' as resource,\n  '€' as name,\n  random() > 1 as ok from account", 3, "function random"),
        ("select account_key as resource, true as ok, 'x' as name from account;", 1, "semicolon"),
        ("selec account_key", 1, "not SQL"),
        ("", 1, "exactly one SELECT"),
        ("select '\x00' as resource", 1, "NUL"),
        (f"select '{'x' * 20_000}' as resource", 1, "longer than"),
        (f"select {'lower(' * 900}mail{')' * 900} as resource from account", 1, "nested too deeply"),
        (f"select {'not ' * 4000}enabled as resource from account", 1, "not SQL"),
        ("select a.account_key as resource, true as ok, 'x' as name from account a full join account b using (account_key)", 1, "joins"),
        ("select a.account_key as resource, a.mail like any (select 'x') as ok, 'x' as name from account a", 1, "."),
        ("select account_key as resource, enabled as ok, 'x' as name from account group by 1, 2, 3", 1, "positions"),
        ("select account_key as resource, true as ok, 'x' as name from account group by rollup (account_key)", 1, "grouping sets"),
        ("select cast(mail as integer[]) is null as ok from account", 1, "type"),
        ("select a.b.c.d as resource from account a", 1, "table.column"),
    ],
)
def test_a_refusal_says_why_and_where(sql: str, line: int, message: str) -> None:
    with pytest.raises(gate.RefusedError, match=message) as caught:
        gate.check(sql)
    assert caught.value.line == line
