"""The grade: hand-made runs whose arithmetic was done on paper, and the words that explain it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from auditor import cli, rules, score
from auditor.errors import ConfigError
from auditor.model import Assessment, Counts, Exit, Finding, Language, Rule, Run, Severity, Text, Verdict
from auditor.report import json_report, score_text
from tests.report import examples

MEASURING = {1: ("AD-ACC-023", "SPC-030"), 2: ("SPC-010", "SPC-012", "SPC-013", "SPC-023"), 3: ("BKP-001", "BKP-003", "BKP-007")} | {
    4: ("LOG-062",),
    5: ("TRN-001",),
}
"""The rules whose rows measure the recommendations, written down once more: the figures of the tests depend on them."""

PAPER = (59, 72, 50, 63, 34)
"""Coverage in per cent of the worked example: 0.6211, 0.7347, 0.5, 0.63 and 0.425 of the targets, 0.5822 on average, a C."""


def run_of(
    protected: tuple[int, ...] = PAPER, *, caps: dict[str, str] | None = None, passing: int = 0, unrun: int = 0, unknown: bool = False
) -> Run:
    """A run whose first measuring rule of each recommendation has 100 rows, so many of them protected; `caps` are further critical rules
    with their letters, failing; `passing` and `unrun` further rules that passed or could not be run."""
    made: list[tuple[Rule, Assessment]] = []
    for (number, names), good in zip(MEASURING.items(), protected, strict=True):
        for place, name in enumerate(names):
            rows = 100 if place == 0 else 0
            bad = rows - good if rows else 0
            counts = Counts(rows - bad, 0 if unknown else bad, bad if unknown else 0)
            made.append(
                (examples.rule(name, Severity.HIGH, number), Assessment(name, Verdict.NOTAPPLICABLE if not rows else Verdict.PASS, counts))
            )
    for name, grade in (caps or {}).items():
        rule = replace(examples.rule(name, Severity.CRITICAL, 2), cap=grade, cap_reason=Text(f"Fact of {name}", f"Fait de {name}"))
        made.append((rule, Assessment(name, Verdict.FAIL, Counts(0, 1), findings=(Finding(name, "S-1", {"name": "a"}),))))
    for place in range(passing + unrun):
        name = f"AD-X-{place:03}"
        made.append((examples.rule(name, Severity.LOW, 2), Assessment(name, Verdict.PASS if place < passing else Verdict.NOTCHECKED)))
    chosen, assessments = zip(*made, strict=True)
    return replace(examples.run(), rules=chosen, assessments=assessments, exit=Exit(0, Text("Passed.", "Réussite.")))


def without(run: Run, rule: str, verdict: Verdict) -> Run:
    """The run with another verdict of one rule."""
    return replace(run, assessments=tuple(Assessment(rule, verdict) if item.rule == rule else item for item in run.assessments))


def test_the_worked_example() -> None:
    found = score.of(run_of(caps={"AD-ACL-002": "D", "BKP-005": "D", "AD-KRB-001": "D"}))
    assert (found.base, found.uncapped, found.grade, found.model) == (0.5822, "C", "D", "2026.1")
    assert [cap.rule for cap in found.caps] == ["AD-ACL-002", "AD-KRB-001", "BKP-005"]
    assert found.caps[0].reason == Text("Fact of AD-ACL-002", "Fait de AD-ACL-002")
    assert found.obstacles == ()


def test_caps_stand_in_the_order_of_letter_severity_and_id() -> None:
    run = run_of(caps={"AD-A-001": "D", "AD-B-001": "D", "AD-C-001": "E", "AD-D-001": "D"})
    milder = tuple(replace(rule, severity=Severity.HIGH) if rule.id == "AD-A-001" else rule for rule in run.rules)
    caps = score.of(replace(run, rules=milder)).caps
    assert [(cap.rule, cap.grade) for cap in caps] == [("AD-C-001", "E"), ("AD-B-001", "D"), ("AD-D-001", "D"), ("AD-A-001", "D")]


def test_without_caps_the_mean_decides() -> None:
    found = score.of(run_of())
    assert (found.base, found.grade, found.uncapped, found.caps) == (0.5822, "C", "C", ())


def test_the_worst_cap_decides_and_no_cap_makes_better() -> None:
    assert score.of(run_of(caps={"AD-A-001": "D", "AD-B-001": "E", "AD-C-001": "B"})).grade == "E"
    poor = score.of(run_of((0, 0, 0, 0, 0), caps={"AD-A-001": "B"}))
    assert (poor.grade, poor.uncapped, poor.base) == ("E", "E", 0.0)


@pytest.mark.parametrize(("base", "grade"), [(1, "A"), (0.9, "A"), (0.8999, "B"), (0.75, "B"), (0.7499, "C"), (0.55, "C"), (0.5499, "D")])
def test_each_letter_begins_where_the_model_says(base: float, grade: str) -> None:
    assert score.letter(base) == grade


def test_the_last_letters() -> None:
    assert [score.letter(base) for base in (0.35, 0.3499, 0)] == ["D", "E", "E"]


def test_more_than_the_target_counts_as_the_target() -> None:
    assert score.quotient(0.9, 0.8) == 1
    assert score.quotient(None, 0.8) is None
    assert score.of(run_of((100, 100, 100, 100, 80))).base == 1


def test_rows_that_are_not_known_are_concerned_and_not_protected() -> None:
    assert score.of(run_of(unknown=True)).base == score.of(run_of()).base == 0.5822


def test_the_targets_of_the_establishment_count() -> None:
    run = replace(run_of(), targets={1: 0.59, 5: 0.34})
    assert score.of(run).base == round((1 + 0.7347 + 0.5 + 0.63 + 1) / 5, 4)


def test_nothing_concerned_is_not_measured() -> None:
    found = score.of(without(run_of(), "TRN-001", Verdict.NOTAPPLICABLE))
    assert (found.grade, found.uncapped, found.base) == ("", "", None)
    assert found.obstacles == (
        Text(
            "Recommendation 5, “Train staff”, was not measured: the sources hold nothing it is about.",
            "La recommandation 5, «\u00a0Former les agents\u00a0», n’a pas été mesurée\u00a0: "
            "les sources ne contiennent rien qui la concerne.",
        ),
    )


@pytest.mark.parametrize("verdict", [Verdict.NOTCHECKED, Verdict.ERROR])
def test_a_recommendation_whose_rule_was_not_run_is_not_measured(verdict: Verdict) -> None:
    # 10 of 11 rules ran and the other rules of the recommendation have rows: its figure would still be that of a part.
    found = score.of(without(run_of(), "SPC-013", verdict))
    assert (found.grade, found.base) == ("", None)
    (obstacle,) = found.obstacles
    assert "Recommendation 2" in obstacle.en
    assert "SPC-013 could not be run" in obstacle.en
    assert "SPC-013" in obstacle.fr


@pytest.mark.parametrize("verdict", [Verdict.NOTCHECKED, Verdict.ERROR])
def test_a_capping_rule_that_was_not_assessed_leaves_no_grade(verdict: Verdict) -> None:
    found = score.of(without(run_of(caps={"AD-ACL-002": "D", "BKP-005": "E"}), "AD-ACL-002", verdict))
    assert (found.grade, found.uncapped, found.base) == ("", "", 0.5822)
    assert [obstacle.en.split()[0] for obstacle in found.obstacles] == ["AD-ACL-002"]
    assert [cap.rule for cap in found.caps] == ["BKP-005"]


@pytest.mark.parametrize("verdict", [Verdict.PASS, Verdict.NOTAPPLICABLE])
def test_a_capping_rule_without_findings_caps_nothing(verdict: Verdict) -> None:
    found = score.of(without(run_of(caps={"AD-ACL-002": "D"}), "AD-ACL-002", verdict))
    assert (found.grade, found.caps, found.obstacles) == ("C", (), ())


def test_exactly_four_rules_in_five_are_enough() -> None:
    # The eleven measuring rules run, and 13 more: 24 of 30.
    assert score.of(run_of(passing=13, unrun=6)).grade == "C"
    found = score.of(run_of(passing=12, unrun=7))
    assert (found.grade, found.base) == ("", 0.5822)
    assert [obstacle.en for obstacle in found.obstacles] == ["Controls run: 23 of 30; a grade needs 80% of them."]


def test_a_waiver_does_not_lift_a_cap() -> None:
    run = run_of(caps={"AD-ACL-002": "D"})
    accepted = tuple(
        replace(item, findings=tuple(replace(finding, waived_by="W-1") for finding in item.findings)) for item in run.assessments
    )
    assert score.of(replace(run, assessments=accepted)).grade == "D"


def test_shipped_rules_that_cap_say_why_in_few_words() -> None:
    capping = [rule for rule in rules.load([rules.shipped()]) if rule.cap]
    assert len(capping) == 6
    for rule in capping:
        assert rule.cap_reason is not None
        assert max(len(rule.cap_reason.en), len(rule.cap_reason.fr)) <= 70
        assert not rule.raises


def written(folder: Path, run: Run) -> Path:
    path = folder / "report.json"
    path.write_text(json_report.render(replace(run, score=score.of(run))), encoding="utf-8")
    return path


def test_the_arithmetic_in_words(tmp_path: Path) -> None:
    path = written(tmp_path, run_of(caps={"AD-ACL-002": "D", "AD-KRB-001": "D"}))
    french = score_text.explain(path, Language.FR)
    assert "59 / 100          0,59 / 0,95 = 0,6211" in french
    assert "(0,6211 + 0,7347 + 0,50 + 0,63 + 0,425) / 5 = 0,5822" in french
    assert "Par la moyenne seule\u00a0: C." in french
    assert "2 faits plafonnent la note\u00a0:\n  D  Fait de AD-ACL-002 (AD-ACL-002)\n" in french
    assert french.endswith("Note\u00a0: la moins bonne de ces lettres, D.\n")
    english = score_text.explain(path, Language.EN)
    assert "34 / 100          0.34 / 0.80 = 0.425" in english
    assert "(0.6211 + 0.7347 + 0.50 + 0.63 + 0.425) / 5 = 0.5822" in english
    assert "2 facts cap the grade:" in english
    assert max(len(line) for line in (french + english).splitlines()) <= 92


@pytest.mark.parametrize("language", Language)
def test_no_grade_is_explained_by_what_stands_in_the_way(tmp_path: Path, language: Language) -> None:
    run = examples.run()
    told = score_text.explain(written(tmp_path, replace(run, exit=run_of().exit)), language)
    for obstacle in score.of(run).obstacles:
        assert " ".join(obstacle.in_language(language).split()) in " ".join(told.split())
    assert max(len(line) for line in told.splitlines()) <= 92


def altered(folder: Path, **changes: object) -> Path:
    path = written(folder, run_of())
    document = json.loads(path.read_text(encoding="utf-8"))
    document["score"] = {**document["score"], **changes}
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_a_report_that_cannot_be_explained_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="run `audit run` first"):
        score_text.explain(tmp_path / "report.json", Language.EN)
    (tmp_path / "report.json").write_text(json_report.render(run_of()), encoding="utf-8")
    with pytest.raises(ConfigError, match="holds no grade"):
        score_text.explain(tmp_path / "report.json", Language.EN)
    (tmp_path / "report.json").write_bytes(b"\xff{")
    with pytest.raises(ConfigError, match="holds no grade"):
        score_text.explain(tmp_path / "report.json", Language.EN)
    with pytest.raises(ConfigError, match="graded by model 2025"):
        score_text.explain(altered(tmp_path, model="2025.4"), Language.EN)
    with pytest.raises(ConfigError, match="was altered"):
        score_text.explain(altered(tmp_path, base=0.9), Language.EN)


def test_the_command_reads_the_report_of_the_output_folder(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    written(tmp_path / "out", run_of())
    config = tmp_path / "audit.yaml"
    config.write_text(
        "establishment: {name: Hôpital de Test}\noutput: out\nsources: [{type: ldif, name: ad, paths: [ad.ldif]}]\n", encoding="utf-8"
    )
    for language, sentence in (("fr", "Aucun fait ne plafonne la note."), ("en", "No fact caps the grade.")):
        done = CliRunner().invoke(cli.app, ["explain", "score", "--config", str(config), "--lang", language])
        assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, sentence)


def test_a_hostile_report_writes_nothing_but_text(tmp_path: Path) -> None:
    run = replace(run_of(caps={"AD-ACL-002": "D"}), establishment=examples.ESCAPES + "%(count)s")
    told = score_text.explain(written(tmp_path, run), Language.FR)
    assert all(char == "\n" or char.isprintable() or char == "\u00a0" for char in told)
