"""What `audit diff` says: the findings that came and went between two runs, and what became of rules, grade and coverage."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from auditor.comparison import Difference, Record
from auditor.facts import RECOMMENDATIONS
from auditor.model import Gone, Language, Rule, Verdict
from auditor.report.i18n import NBSP, Phrases
from auditor.safe import visible

WIDTH = 92
FEW = 10
"""Names shown of one rule; the JSON form has them all."""


def text(before: Record, after: Record, changes: Difference, rules: Mapping[str, Rule], language: Language) -> str:
    """The difference in lines of at most 92 cells; a rule that is not in `rules` is called by its id."""
    say = Phrases(language)
    lines = [
        say.gettext(
            "From report no. %(before)s (%(then)s) to report no. %(after)s (%(now)s)",
            before=before.run_id, then=say.moment(before.as_of), after=after.run_id, now=say.moment(after.as_of),
        ),
        *_measures(say, before, after),
    ]  # fmt: skip
    for title, findings in (
        (say.ngettext("%(count)s new", "%(count)s new", len(changes.new)), changes.new),
        (say.ngettext("%(count)s returned", "%(count)s returned", len(changes.returned)), changes.returned),
        (say.ngettext("%(count)s fixed", "%(count)s fixed", len(changes.fixed)), changes.fixed),
        (
            say.ngettext(
                "%(count)s finding of then could not be checked: it is not fixed.",
                "%(count)s findings of then could not be checked: they are not fixed.",
                len(changes.unseen),
            ),
            changes.unseen,
        ),
    ):
        lines += ["", title, *_by_rule(say, findings, rules)] if findings else []
    if not (changes.new or changes.returned or changes.fixed or changes.unseen):
        lines += ["", say.gettext("No finding came or went.")]
    if changes.verdicts:
        colon = say.gettext(":")
        lines += ["", say.gettext("Controls whose verdict changed")]
        lines += [f"  {_title(say, rule, rules)}{colon} {_word(say, then)} → {_word(say, now)}" for rule, then, now in changes.verdicts]
    if before.rules_sha256 != after.rules_sha256:
        lines += ["", say.gettext("The rules changed in between.")]
    return "\n".join(part for line in lines for part in _wrapped(line)) + "\n"


def as_json(before: Record, after: Record, changes: Difference) -> str:
    """The difference as JSON: sorted keys, UTC times ending in Z."""

    def run(record: Record) -> dict[str, object]:
        return {
            "id": record.run_id, "as_of": record.as_of.isoformat() + "Z", "rules_sha256": record.rules_sha256,
            "model": record.model, "grade": record.grade, "ratios": list(record.ratios),
        }  # fmt: skip

    def listed(findings: Sequence[Gone]) -> list[dict[str, str]]:
        return [{**asdict(finding), "severity": finding.severity.value} for finding in findings]

    document = {
        "before": run(before),
        "after": run(after),
        "new": listed(changes.new),
        "returned": listed(changes.returned),
        "fixed": listed(changes.fixed),
        "unseen": listed(changes.unseen),
        "verdicts": [{"rule": rule, "before": then, "after": now} for rule, then, now in changes.verdicts],
    }
    return json.dumps(document, ensure_ascii=True, indent=1, sort_keys=True) + "\n"


def _measures(say: Phrases, before: Record, after: Record) -> Iterator[str]:
    """The grade and the coverage of the recommendations, where they are not what they were."""
    if before.model and after.model and before.model != after.model:
        yield say.gettext("The grades are of two models and cannot be compared.")
    elif before.grade != after.grade:
        yield say.gettext("Grade: %(before)s → %(after)s", before=before.grade or "–", after=after.grade or "–")
    for recommendation, then, now in zip(RECOMMENDATIONS, before.ratios, after.ratios, strict=True):
        if (past := _share(say, then)) != (present := _share(say, now)):
            yield f"{recommendation.id} {say.of(recommendation.title)}{say.gettext(':')} {past} → {present}"


def _share(say: Phrases, ratio: float | None) -> str:
    """To a tenth of a per cent, because a week changes little."""
    if ratio is None:
        return say.gettext("not measured")
    return f"{say.number(ratio * 100)}{NBSP if say.language is Language.FR else ''}%"


def _by_rule(say: Phrases, findings: Sequence[Gone], rules: Mapping[str, Rule]) -> Iterator[str]:
    names: dict[tuple[int, str], list[str]] = {}
    for finding in findings:
        names.setdefault((finding.severity.rank, finding.rule), []).append(finding.name or finding.resource)
    for (_, rule), named in names.items():
        severity = next(finding.severity for finding in findings if finding.rule == rule)
        more = len(named) - FEW
        shown = ", ".join(named[:FEW]) + (f", {say.ngettext('… and %(count)s more', '… and %(count)s more', more)}" if more > 0 else "")
        yield f"  {say.word('severity', severity.value)}  {_title(say, rule, rules)} ({say.number(len(named))})"
        yield f"    {shown}"


def _title(say: Phrases, rule: str, rules: Mapping[str, Rule]) -> str:
    return f"{rule} {say.of(rules[rule].title)}" if rule in rules else rule


def _word(say: Phrases, verdict: Verdict | None) -> str:
    return say.word("verdict", verdict.value) if verdict else "–"


def _wrapped(line: str) -> list[str]:
    indent = len(line) - len(line.lstrip())
    return textwrap.wrap(visible(line), WIDTH, subsequent_indent=" " * (indent + 2)) or [""]
