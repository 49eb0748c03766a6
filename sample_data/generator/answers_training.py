"""Answers of recommendation 5, and of one-time passwords: counts of the plan per population, groups under five together."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

from sample_data.generator import phishing, tokens, training
from sample_data.generator.facts import Facts
from sample_data.generator.model import Hospital

SMALLEST = 5
EXERCISE_DAYS = 180
"""How old the last exercise may be, from audit.yaml."""
Numbers = dict[str, tuple[int, int]]
"""By population: people, and those of them who count."""


def answers(facts: Facts) -> dict[str, list[str]]:
    """Rule -> failing resources."""
    return {**_training(facts.hospital), **_phishing(facts), **_tokens(facts)}


def pooled(numbers: Numbers) -> Numbers:
    """Populations of fewer than five people together, with the next smallest ones as long as that is still too few."""
    order = sorted(numbers, key=lambda name: (numbers[name][0], name))
    small = [name for name in order if numbers[name][0] < SMALLEST]
    large = [name for name in order if name not in small]
    while small and sum(numbers[name][0] for name in small) < SMALLEST:
        small.append(large.pop(0))
    found = {name: numbers[name] for name in large}
    if small:
        found["pooled"] = (sum(numbers[name][0] for name in small), sum(numbers[name][1] for name in small))
    return found


def _under(numbers: Numbers, percent: int) -> list[str]:
    return [name for name, (people, counted) in numbers.items() if 100 * counted < percent * people]


def _training(hospital: Hospital) -> dict[str, list[str]]:
    made = training.plan(hospital)
    if len(made.present["intern"]) < SMALLEST:
        raise ValueError("too few interns: the answer to TRN-006 would be another")
    shares = pooled({name: (len(people), training.trained(made, people)) for name, people in made.present.items() if name != "intern"})
    interns = len(made.present["intern"])
    everyone = sum(people for people, _ in shares.values()) + interns, sum(counted for _, counted in shares.values()) + interns
    low = _under(shares, 50)
    arrived = pooled(
        {
            name: (len(people), sum(p in made.done and made.done[p] <= training.arrival(p) + timedelta(days=30) for p in people))
            for name, people in made.joiners.items()
            if people
        }
    )
    return {
        "TRN-001": [f"training/{name}" for name in (*_under(shares, 75), *_under({"everyone": everyone}, 90)) if name not in low],
        "TRN-002": [f"training/joiners/{name}" for name in _under(arrived, 90)],
        "TRN-006": ["training/intern"],
        "TRN-010": [f"training/{name}" for name in low],
    }


def _phishing(facts: Facts) -> dict[str, list[str]]:
    hospital, exercises = facts.hospital, phishing.recent(facts.hospital)
    sent = {exercise.name: [mail for mail in exercise.mails if not mail.failed] for exercise in exercises}
    received = {mail.account.person for mails in sent.values() for mail in mails}
    present = training.plan(hospital).present
    reach = pooled({name: (len(people), sum(person in received for person in people)) for name, people in present.items()})
    latest = max(exercise.launched for exercise in exercises)
    return {
        "TRN-003": ["phishing"] if latest < hospital.ago(EXERCISE_DAYS) else [],
        "TRN-004": [
            f"phishing/repeat/{name}"
            for name, (people, caught) in pooled(phishing.repeated(facts)).items()
            if 100 * caught > 5 * people
        ],
        "TRN-007": [f"phishing/{name}" for name, mails in sent.items() if 100 * sum(mail.submitted for mail in mails) > 10 * len(mails)],
        "TRN-008": [f"phishing/reach/{name}" for name in _under(reach, 5)],
        "TRN-009": [f"phishing/{name}" for name, mails in sent.items() if 100 * sum(mail.reported for mail in mails) < 10 * len(mails)],
    }  # fmt: skip


def _tokens(facts: Facts) -> dict[str, list[str]]:
    made = tokens.plan(facts.hospital)
    keys = tokens.keys(made)
    active = [token for token in made if token.active]
    holders: dict[bytes, set[str]] = defaultdict(set)
    for token in active:
        holders[token.seed].add(token.holder.lower() or token.serial)
    equipped = {token.account for token in active}
    return {
        "OTP-001": [keys[token] for token in active if len(holders[token.seed]) > 1],
        "OTP-002": [keys[token] for token in active if len(token.seed) < 16],
        "OTP-003": [keys[token] for token in active if token.algorithm == "MD5" or token.digits < 6 or token.period > 60],
        "OTP-004": [f"{keys[token]}/{token.account.sid}" for token in active if token.account and _is_gone(facts, token)],
        "OTP-005": [
            account.sid for account in facts.users
            if account.kind == "break_glass" and account not in equipped and not facts.has_strong_authentication(account)
        ],
    }  # fmt: skip


def _is_gone(facts: Facts, token: tokens.Token) -> bool:
    if token.account is None or not token.account.enabled:
        return token.account is not None
    tenure = facts.tenure(token.account.person) if token.account.person else None
    return tenure is not None and not tenure.is_here_or_coming and facts.before(tenure.end, 3)
