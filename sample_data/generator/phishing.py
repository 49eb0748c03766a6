"""Three phishing exercises, planned recipient by recipient, and GoPhish's exports of them."""

from __future__ import annotations

import csv
import io
import json
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sample_data.generator.facts import Facts
from sample_data.generator.faults_credentials import is_staff
from sample_data.generator.model import Account, Hospital
from sample_data.generator.training import population

PASSWORD = "Printemps!2026"  # noqa: S105 - what somebody typed into the page of the exercise: no output may ever show it


@dataclass
class Mail:
    """One recipient of one exercise; `gateway` says that a scanner opened the link on arrival."""

    account: Account
    population: str
    clicked: bool = False
    submitted: bool = False
    reported: bool = False
    gateway: bool = False
    failed: bool = False


@dataclass
class Exercise:
    """One exercise; an old one has no events left."""

    name: str
    launched: datetime
    events: bool
    mails: list[Mail] = field(default_factory=list)


def plan(hospital: Hospital) -> list[Exercise]:
    """Exercises of two years ago, eleven and seven months ago; doctors and interns are never written to."""
    rng = hospital.rng("phishing")
    crowd: dict[str, list[Account]] = {}
    partners = []
    for account in hospital.accounts:
        if account.enabled and is_staff(account) and account.person and account.employee_id and account.mail:
            crowd.setdefault(population(account.person), []).append(account)
        elif account.enabled and account.population == "partner" and account.person is None and account.mail:
            partners.append(account)
    old = Exercise("hameconnage-2024", hospital.ago(720), events=False)
    winter = Exercise("hameconnage-hiver", hospital.ago(330), events=True)
    spring = Exercise("hameconnage-printemps", hospital.ago(205), events=True)
    nursing, other = crowd["nursing"], crowd["other"]
    away = hospital.n(500)
    both = nursing[: hospital.n(120)], other[: hospital.n(80)]
    _send(old, rng, [*nursing[: hospital.n(120)], *other[: hospital.n(60)]], 0.25, 0.05)
    _send(winter, rng, [*both[0], *both[1], *nursing[away:][: hospital.n(160)], *other[away:][: hospital.n(140)]], 0.21, 0.05)
    _send(spring, rng, [*both[0], *both[1], *nursing[200:][: hospital.n(100)], *other[200:][: hospital.n(80)]], 0.05, 0.22)
    winter.mails += [Mail(account, "not_in_hr") for account in partners[: hospital.n(20)]]
    for exercise in (winter, spring):
        by_account = {mail.account: mail for mail in exercise.mails}
        for group, caught in zip(both, (hospital.n(12), hospital.n(2)), strict=True):
            for number, account in enumerate(group):
                by_account[account].clicked = by_account[account].submitted = number < caught
                by_account[account].reported = by_account[account].reported and number >= caught
                # Near miss: the scanner opens the link of the same people twice.
                by_account[account].gateway = caught <= number < 2 * caught + 3
        exercise.mails[-1].failed = True
    return [old, winter, spring]


def _send(exercise: Exercise, rng: random.Random, accounts: list[Account], submitting: float, reporting: float) -> None:
    for account in accounts:
        if account.person:
            exercise.mails.append(Mail(account, population(account.person)))
    for mail in rng.sample(exercise.mails, round(submitting * len(exercise.mails))):
        mail.clicked = mail.submitted = True
    quiet = [mail for mail in exercise.mails if not mail.clicked]
    for mail in rng.sample(quiet, round(0.06 * len(exercise.mails))):
        mail.clicked = True
    for mail in rng.sample(quiet, round(reporting * len(exercise.mails))):
        mail.reported = True
    for mail in rng.sample(quiet, len(quiet) // 12):
        mail.gateway = True


def recent(hospital: Hospital) -> list[Exercise]:
    """Exercises of the last 365 days."""
    return [exercise for exercise in plan(hospital) if exercise.launched >= hospital.ago(365)]


def repeated(facts: Facts) -> dict[str, tuple[int, int]]:
    """By population, people at work who received both recent exercises, and how many of them were caught by both."""
    exercises = recent(facts.hospital)
    first, second = ({mail.account: mail for mail in exercise.mails if not mail.failed} for exercise in exercises)
    found: dict[str, tuple[int, int]] = {}
    for account, mail in first.items():
        if account in second and account.person and facts.tenure(account.person).status == "present":
            people, caught = found.get(mail.population, (0, 0))
            found[mail.population] = people + 1, caught + (mail.clicked and second[account].clicked)
    return found


def files(hospital: Hospital) -> dict[str, bytes]:
    """Results and events of each exercise."""
    content = {}
    for exercise in plan(hospital):
        content[f"phishing/{exercise.name}-results.csv"] = _results(exercise).encode()
        if exercise.events:
            content[f"phishing/{exercise.name}-events.csv"] = _events(exercise).encode()
    return content


def _sent(exercise: Exercise, number: int) -> datetime:
    return exercise.launched + timedelta(seconds=3 * number)


def _clicked(exercise: Exercise, number: int) -> datetime:
    return _sent(exercise, number) + timedelta(minutes=4 + number % 200)


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.minute:02d}4871209Z"


def _results(exercise: Exercise) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(
        (
            "id",
            "status",
            "ip",
            "latitude",
            "longitude",
            "send_date",
            "reported",
            "modified_date",
            "email",
            "first_name",
            "last_name",
            "position",
        )
    )
    for number, mail in enumerate(exercise.mails):
        account = mail.account
        sent, status, changed = _sent(exercise, number), "Email Sent", _sent(exercise, number)
        if number % 3 == 0:
            status = "Email Opened"
        if mail.gateway:
            status, changed = "Clicked Link", sent + timedelta(seconds=2)
        if mail.clicked:
            status, changed = "Submitted Data" if mail.submitted else "Clicked Link", _clicked(exercise, number)
        if mail.reported and exercise.events:
            changed = sent + timedelta(minutes=30)
        if mail.failed:
            status = "Error Sending Email"
        position = "=2+3" if number == 5 else "'=2+3" if number == 6 else ""
        name, _, host = account.mail.partition("@")
        address = f"{name.title()}@{host}" if number % 40 == 9 else account.mail
        reported = mail.reported and (exercise.events or not mail.clicked)
        sent_text = "0001-01-01T00:00:00Z" if mail.failed else _time(sent)
        network = "198.51.100.7" if mail.clicked else ""
        times = (sent_text, str(reported).lower(), _time(changed))
        writer.writerow((f"{number:07x}", status, network, 0, 0, *times, address, account.given, account.surname, position))
    return text.getvalue()


def _events(exercise: Exercise) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(("campaign_id", "email", "time", "message", "details"))
    writer.writerow((7, "", _time(exercise.launched), "Campaign Created", ""))
    for number, mail in enumerate(exercise.mails):
        sent = _sent(exercise, number)
        lines = [(sent, "Error Sending Email" if mail.failed else "Email Sent", "")]
        if mail.gateway:
            lines.append((sent + timedelta(seconds=2), "Clicked Link", ""))
        if mail.clicked:
            lines.append((_clicked(exercise, number), "Clicked Link", '{"payload":{},"browser":{"address":"198.51.100.7"}}'))
        if mail.submitted:
            details = json.dumps({"payload": {"password": [PASSWORD]}, "browser": {"address": "198.51.100.7"}})
            lines.append((_clicked(exercise, number) + timedelta(seconds=40), "Submitted Data", details))
        if mail.reported:
            lines.append((sent + timedelta(minutes=30), "Email Reported", ""))
        for at, message, details in [] if mail.failed and number % 2 else lines:
            writer.writerow((7, mail.account.mail, _time(at), message, details))
    return text.getvalue()
