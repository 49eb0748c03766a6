"""Counts of training and phishing exercises: right for everybody, and about nobody."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor import rules
from auditor.config_training import Population
from auditor.derive.staff import SMALLEST, Counts, summed
from auditor.model import Value
from auditor.rule_analysis import analyse
from auditor.tables import ALL
from tests.derive.hospital import AS_OF, account, derived, settings

DAY = timedelta(days=1)
TODAY = datetime(2026, 11, 20)
Row = dict[str, Value]


def contracts(job: str, first: int, count: int, **columns: Value) -> list[Row]:
    """`count` people of one job, with numbers from `first`, at work for years."""
    start = {"starts_at": TODAY - 2000 * DAY, **columns}
    return [{"person_number": f"{number:05d}", "job": job, "contract_type": "CDI", **start} for number in range(first, first + count)]


def record(number: int, days: int | None = 10, *, completed: bool | None = True) -> Row:
    at = None if days is None else TODAY - days * DAY
    done = None if completed is None else not completed
    return {"person_number": f"{number:05d}", "completed_at": at if completed else None, "not_completed": done}


def mail(number: int, **columns: Value) -> Row:
    return {"mail": f"p{number}@chu.test", "sent_at": TODAY - 30 * DAY, **columns}


def accounts(*numbers: int) -> list[Row]:
    return [account(f"p{number}", number, mail=f"P{number}@chu.test", employee_id=f"{number:05d}") for number in numbers]


def counted(table: str, **rows: Any) -> dict[Any, dict[str, Value]]:
    """A derived table by population."""
    given_rows = {
        name: [{"row_number": line, **row} for line, row in enumerate(lines, 1)] for name, lines in rows.items() if name != "account"
    }
    found = derived({**given_rows, "account": rows.get("account", [])}, table)
    return {row["population"] if "campaign" not in row else (row["campaign"], row["population"]): row for row in found}


def numbers(row: Row, *names: str) -> tuple[Value, ...]:
    return tuple(row[name] for name in names)


def test_people_count_once_in_the_population_of_their_job() -> None:
    staff = contracts("Praticien hospitalier", 1, 6) + contracts("Infirmier DE", 11, 5)
    staff.append({**staff[0], "starts_at": TODAY - 10 * DAY})
    records = [record(1), record(1, 20), record(2, 365), record(3, 366), record(4, -1), record(11), record(99)]
    found = counted("staff_training", hr_contract=staff, training_record=records)
    names = ("people", "trained", "unrecorded", "unmatched")
    assert {key: numbers(row, *names) for key, row in found.items()} == {
        "medical": (6, 2, 0, 0),
        "nursing": (5, 1, 0, 0),
        "everyone": (11, 3, 0, 1),
    }


def test_who_left_or_has_not_come_is_not_counted() -> None:
    staff = contracts("Infirmier DE", 1, 5) + contracts("Infirmier DE", 11, 5, ends_at=TODAY - DAY, open_ended=False)
    staff += contracts("Infirmier DE", 21, 5, starts_at=TODAY + DAY)
    found = counted("staff_training", hr_contract=staff, training_record=[record(11), record(21), record(1)])
    assert numbers(found["nursing"], "people", "trained") == (5, 1)


def test_a_population_no_register_speaks_of_is_said() -> None:
    staff = contracts("Praticien hospitalier", 1, 6) + contracts("Infirmier DE", 11, 5)
    found = counted("staff_training", hr_contract=staff, training_record=[record(11, completed=False)])
    assert numbers(found["medical"], "people", "trained", "unrecorded") == (6, 0, 6)
    assert numbers(found["nursing"], "people", "trained", "unrecorded") == (5, 0, 0)
    assert numbers(found["everyone"], "people", "trained", "unrecorded") == (11, 0, 6)


@pytest.mark.parametrize("unclear", [record(1, None), record(1, completed=None)])
def test_a_completion_without_date_leaves_the_count_unknown(unclear: Row) -> None:
    found = counted("staff_training", hr_contract=contracts("Infirmier DE", 1, 5), training_record=[unclear, record(2)])
    assert numbers(found["nursing"], "people", "trained") == (5, None)
    sure = counted("staff_training", hr_contract=contracts("Infirmier DE", 1, 5), training_record=[unclear, record(1), record(2)])
    assert numbers(sure["nursing"], "people", "trained") == (5, 2)


def test_a_contract_whose_end_is_not_known_leaves_the_count_unknown() -> None:
    staff = contracts("Infirmier DE", 1, 5) + contracts("Infirmier DE", 11, 1, ends_at=None, open_ended=None)
    assert numbers(counted("staff_training", hr_contract=staff)["nursing"], "people", "trained") == (None, None)


def test_records_may_name_people_by_mail_address() -> None:
    staff = contracts("Infirmier DE", 1, 5)
    by_mail = {**record(1), "person_number": "", "mail": "p1@chu.test"}
    found = counted("staff_training", hr_contract=staff, training_record=[by_mail], account=accounts(1))
    assert numbers(found["nursing"], "people", "trained") == (5, 1)
    assert numbers(counted("staff_training", hr_contract=staff, training_record=[by_mail])["everyone"], "trained", "unmatched") == (0, 1)
    hidden = [{**accounts(1)[0], "employee_id": None}]
    unknown = counted("staff_training", hr_contract=staff, training_record=[by_mail], account=hidden)
    assert numbers(unknown["nursing"], "people", "trained") == (5, None)


def test_arrivals_have_thirty_days() -> None:
    def arrived(days: int, first: int) -> list[Row]:
        return contracts("Infirmier DE", first, 5, starts_at=TODAY - days * DAY)

    staff = arrived(30, 1) + arrived(31, 11) + arrived(365, 21) + arrived(366, 31)
    trained = [record(1), record(11, 1), record(12, 0), record(21, 335), record(22, 334), record(23, 700), record(24, 731), record(31, 366)]
    row = counted("joiner_training", hr_contract=staff, training_record=trained)["nursing"]
    assert numbers(row, "people", "trained") == (10, 3)  # 11 in time, 21 on the thirtieth day, 23 before the first one


def test_somebody_who_comes_back_is_no_arrival() -> None:
    staff = contracts("Infirmier DE", 1, 6, starts_at=TODAY - 100 * DAY)
    old = contracts("Infirmier DE", 1, 1, starts_at=TODAY - 900 * DAY, ends_at=TODAY - 500 * DAY, open_ended=False)
    assert counted("joiner_training", hr_contract=staff + old)["nursing"]["people"] == 5
    assert counted("joiner_training", hr_contract=old) == {}


def test_an_exercise_is_counted_by_population() -> None:
    staff = contracts("Infirmier DE", 1, 5)
    mails = [mail(n, clicked=n < 3, submitted=n == 1, reported=n == 4, gateway_clicks=2 * (n == 5)) for n in range(1, 11)]
    mails.append(mail(1, not_sent=True, sent_at=None))
    found = counted("phishing_campaign", hr_contract=staff, phishing_result=mails, account=accounts(*range(1, 6)))
    names = ("sent", "clicked", "gateway_clicked", "submitted", "reported")
    assert {key[1]: numbers(row, *names) for key, row in found.items()} == {
        "nursing": (5, 2, 1, 1, 1),
        "not_in_hr": (5, 0, 0, 0, 0),
        "everyone": (10, 2, 1, 1, 1),
    }
    assert {row["launched_at"] for row in found.values()} == {TODAY - 30 * DAY}


def test_an_exercise_of_a_few_people_says_nothing() -> None:
    mails = [mail(n) for n in range(1, 5)]
    assert (
        counted("phishing_campaign", hr_contract=contracts("Infirmier DE", 1, 5), phishing_result=mails, account=accounts(1, 2, 3, 4)) == {}
    )


def test_populations_left_out_and_people_caught_again() -> None:
    staff = contracts("Infirmier DE", 1, 6) + contracts("Praticien hospitalier", 11, 5)
    mails = [mail(n, source=f"gophish:{c}", clicked=n == 1 or (n, c) == (2, "a"), submitted=n == 3) for n in range(1, 6) for c in "ab"]
    mails += [mail(11, sent_at=TODAY - 400 * DAY), mail(6, not_sent=True, sent_at=None)]
    rows = {"hr_contract": staff, "phishing_result": mails, "account": accounts(*range(1, 7), 11)}
    reach = {key: numbers(row, "people", "reached") for key, row in counted("phishing_reach", **rows).items()}
    assert reach == {"nursing": (6, 5), "medical": (5, 0), "everyone": (11, 5)}
    repeat = {key: numbers(row, "exposed", "repeated") for key, row in counted("phishing_repeat", **rows).items()}
    assert repeat == {"nursing": (5, 2), "everyone": (5, 2)}


def test_a_click_that_is_not_known_leaves_the_count_unknown() -> None:
    mails = [mail(n, source=f"gophish:{c}", clicked=None if n == 1 else False) for n in range(1, 6) for c in "ab"]
    rows = {"hr_contract": contracts("Infirmier DE", 1, 5), "phishing_result": mails, "account": accounts(*range(1, 6))}
    assert counted("phishing_repeat", **rows)["nursing"]["repeated"] is None
    assert counted("phishing_campaign", **rows)["gophish:a", "nursing"]["clicked"] is None


def test_an_address_whose_owner_the_directory_hides_leaves_counts_unknown() -> None:
    rows = {
        "hr_contract": contracts("Infirmier DE", 1, 5),
        "phishing_result": [mail(n) for n in (1, 2)],
        "account": [*accounts(1), {**accounts(2)[0], "employee_id": None}],
    }
    assert numbers(counted("phishing_reach", **rows)["nursing"], "people", "reached") == (5, None)


def test_populations_are_those_of_the_settings() -> None:
    audit = settings().model_copy(update={"populations": (Population(name="Bloc", jobs=("(?i)ibode",)),)})
    staff = contracts("IBODE", 1, 5) + contracts("Infirmier DE", 11, 5) + [{**row, "job": None} for row in contracts("x", 21, 5)]
    found = derived({"hr_contract": [{"row_number": line, **row} for line, row in enumerate(staff)]}, "staff_training", audit)
    assert {row["population"]: row["people"] for row in found} == {"Bloc": 5, "other": 5, "unsaid": 5, "everyone": 15}


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({"a": 5, "b": 7}, {"a": 5, "b": 7, "everyone": 12}),
        ({"a": 4, "b": 7}, {"pooled": 11, "everyone": 11}),
        ({"a": 4, "b": 1, "c": 7}, {"pooled": 5, "c": 7, "everyone": 12}),
        ({"a": 1, "b": 6, "c": 5}, {"pooled": 6, "b": 6, "everyone": 12}),
        ({"a": 4}, {}),
        ({"a": 2, "b": 2}, {}),
        ({}, {}),
    ],
)
def test_small_populations_are_pooled(sizes: dict[str, int], expected: dict[str, int]) -> None:
    people: list[tuple[str, Counts]] = [(name, {"people": 1}) for name, size in sizes.items() for _ in range(size)]
    assert {name: counts["people"] for name, counts in summed(people, "people").items()} == expected


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.booleans()), max_size=60))
def test_no_count_is_about_fewer_than_five_people_and_nobody_is_lost(people: list[tuple[str, bool]]) -> None:
    found = summed([(population, {"people": 1, "trained": int(trained)}) for population, trained in people], "people")
    if len(people) < SMALLEST:
        assert found == {}
        return
    parts = [counts for population, counts in found.items() if population != "everyone"]
    assert all((counts["people"] or 0) >= SMALLEST for counts in parts)
    assert found["everyone"] == {"people": len(people), "trained": sum(trained for _, trained in people)}
    assert sum(counts["people"] or 0 for counts in parts) == len(people)


def test_rules_about_training_read_counts_alone() -> None:
    personal = {"training_record", "phishing_result"}
    for rule in rules.load([rules.shipped()]):
        reads = set(analyse(rule.query).reads)
        assert not reads & personal, rule.id
        if rule.id.startswith("TRN-") and rule.id != "TRN-005":
            assert all(ALL[name].summary for name in reads), rule.id


def test_missing_rows_of_a_register_can_have_invented_a_finding() -> None:
    query = "select s.population as resource, s.trained > 5 as ok, s.population as name from staff_training s"
    assert analyse(query).negative == {"staff_training"}
    assert AS_OF > TODAY


@pytest.mark.parametrize(
    ("columns", "population"),
    [
        ({"employee_id": "00001"}, "medical"),
        ({"employee_id": "1"}, "medical"),
        ({"employee_id": "00011"}, "nursing"),
        ({"employee_id": "99999"}, ""),
        ({"employee_id": ""}, ""),
        ({"employee_id": None}, None),
    ],
)
def test_the_population_behind_an_account_comes_from_the_hr_file(columns: Row, population: str | None) -> None:
    staff = contracts("Praticien hospitalier", 1, 1) + contracts("Infirmier DE", 11, 1)
    rows = [{"row_number": line, **row} for line, row in enumerate(staff, 1)]
    (row,) = derived({"hr_contract": rows, "account": [account("x", 9, **columns)]}, "account_population")
    assert row["population"] == population
