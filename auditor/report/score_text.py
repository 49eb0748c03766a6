"""The arithmetic of a grade in words, from the report.json in which it was given."""

from __future__ import annotations

import textwrap
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError
from rich.cells import set_cell_size

from auditor import score
from auditor.errors import ConfigError, os_reason
from auditor.model import Language, Text
from auditor.report.i18n import Phrases
from auditor.report.terminal import WIDTH
from auditor.safe import visible


class _Text(BaseModel):
    en: str
    fr: str

    def text(self) -> Text:
        return Text(self.en, self.fr)


class _Recommendation(BaseModel):
    id: int
    title: _Text
    population: int
    protected: int
    ratio: float | None
    target: float = Field(gt=0)

    @property
    def quotient(self) -> float | None:
        return score.quotient(self.ratio, self.target)


class _Cap(BaseModel):
    rule: str
    grade: str
    reason: _Text


class _Score(BaseModel):
    model: str
    grade: str
    uncapped: str
    base: float | None
    caps: tuple[_Cap, ...]
    obstacles: tuple[_Text, ...]


class _Run(BaseModel):
    id: str
    establishment: str


class _Report(BaseModel):
    run: _Run
    recommendations: tuple[_Recommendation, ...] = Field(min_length=1)
    score: _Score


def explain(path: Path, language: Language) -> str:
    """How the grade in the report.json at `path` was reached, in lines of at most 92 cells; ConfigError when there is no such file, or
    when its figures do not make its grade."""
    report = _read(path)
    say, graded = Phrases(language), report.score
    lines = [f"{report.run.establishment[:60]}, {say.gettext('report no. %(id)s', id=report.run.id)}"]
    if graded.grade:
        lines += [say.gettext("Grade %(grade)s, model %(model)s", grade=graded.grade, model=graded.model), ""]
    else:
        lines += [say.gettext("No grade, model %(model)s", model=graded.model), ""]
        lines += [*_items(say, graded.obstacles), ""]
    lines += _wrapped(say.gettext("Protected / concerned, then coverage / target = quotient, at most 1:"))
    lines += [_line(say, entry) for entry in report.recommendations]
    lines += ["", *_mean(say, report)]
    lines += [*_caps(say, graded)]
    if graded.grade and graded.caps:
        lines += [say.gettext("Grade: the worst of these letters, %(grade)s.", grade=graded.grade)]
    return "\n".join(visible(line) for line in lines) + "\n"


def _read(path: Path) -> _Report:
    try:
        report = _Report.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise ConfigError(
            f"{path} does not exist; run `audit run` first.", fr=f"{path} n’existe pas\u00a0; lancez d’abord `audit run`."
        ) from error
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read: {os_reason(error).en}; check its rights.",
            fr=f"{path} ne peut pas être lu\u00a0: {os_reason(error).fr}\u00a0; vérifiez les droits.",
        ) from error
    except ValidationError as error:
        raise ConfigError(
            f"{path} holds no grade; write it again with `audit run`.",
            fr=f"{path} ne contient pas de note\u00a0; écrivez-le de nouveau par `audit run`.",
        ) from error
    if report.score.model != score.MODEL:
        raise ConfigError(
            f"{path} was graded by model {report.score.model}, this program uses {score.MODEL}; write it again with `audit run`.",
            fr=f"{path} a été noté par le modèle {report.score.model}, ce programme emploie {score.MODEL}\u00a0; "
            "écrivez-le de nouveau par `audit run`.",
        )
    if score.mean(entry.quotient for entry in report.recommendations) != report.score.base:
        raise ConfigError(
            f"{path} was altered: its figures do not make its grade; write it again with `audit run`.",
            fr=f"{path} a été modifié\u00a0: ses chiffres ne donnent pas sa note\u00a0; écrivez-le de nouveau par `audit run`.",
        )
    return report


def _line(say: Phrases, entry: _Recommendation) -> str:
    rows = f"{say.number(entry.protected):>9} / {say.number(entry.population):<9}"
    line = f"  {entry.id}  {set_cell_size(say.of(entry.title.text()), 32)} {rows}  "
    if entry.ratio is None or entry.quotient is None:
        return line + say.gettext("not measured")
    return f"{line}{say.exact(entry.ratio):>6} / {say.exact(entry.target)} = {say.exact(entry.quotient)}"


def _mean(say: Phrases, report: _Report) -> list[str]:
    if report.score.base is None:
        return _wrapped(say.gettext("No mean: a recommendation was not measured."))
    terms = " + ".join(say.exact(entry.quotient or 0) for entry in report.recommendations)
    mean = f"({terms}) / {len(report.recommendations)} = {say.exact(report.score.base)}"
    letters = " · ".join(
        say.gettext("%(letter)s from %(least)s", letter=letter, least=say.exact(least)) for letter, least in score.LETTERS if least
    )
    lines = _wrapped(say.gettext("Mean: %(mean)s", mean=mean))
    lines += _wrapped(say.gettext("%(letters)s · otherwise E", letters=letters))
    return lines + ([say.gettext("By the mean alone: %(grade)s.", grade=report.score.uncapped), ""] if report.score.uncapped else [""])


def _caps(say: Phrases, graded: _Score) -> list[str]:
    if not graded.caps:
        return [say.gettext("No fact caps the grade.")]
    lines = [say.ngettext("%(count)s fact caps the grade:", "%(count)s facts cap the grade:", len(graded.caps))]
    for cap in graded.caps:
        lines += _wrapped(f"{cap.grade}  {say.of(cap.reason.text())} ({cap.rule})", "  ", "     ")
    return lines


def _items(say: Phrases, texts: tuple[_Text, ...]) -> list[str]:
    return [line for text in texts for line in _wrapped(f"- {say.of(text.text())}", "  ", "    ")]


def _wrapped(text: str, first: str = "", rest: str = "") -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=rest)
