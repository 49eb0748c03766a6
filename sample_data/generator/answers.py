"""The answer key: for every rule, which resources fail, by one small predicate on the plan.

Nothing here reads a generated file or runs a rule: the key and the product can only agree by both being right."""

from __future__ import annotations

from sample_data.generator import (
    answers_access,
    answers_backups,
    answers_combinations,
    answers_credentials,
    answers_entra,
    answers_habits,
    answers_people,
    answers_sign_ins,
    answers_training,
    sign_ins,
)
from sample_data.generator.facts import Facts
from sample_data.generator.model import Hospital


def key(hospital: Hospital) -> dict[str, list[str]]:
    """Rule -> failing resources, sorted."""
    facts = Facts(hospital)
    found = {**answers_credentials.answers(facts), **answers_access.answers(facts), **answers_people.answers(facts)}
    found |= answers_entra.answers(facts)
    signed_in = sign_ins.plan(hospital)
    found |= answers_sign_ins.answers(facts, signed_in)
    found |= answers_habits.answers(facts, signed_in)
    found |= answers_combinations.answers(facts, signed_in, found)
    found |= answers_backups.answers(facts)
    found |= answers_training.answers(facts)
    return {rule: sorted(found[rule]) for rule in sorted(found)}
