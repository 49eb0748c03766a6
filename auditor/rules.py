"""Rule files: one YAML file per rule, read strictly, validated whole, and turned into `Rule` values.

A rule is data. Its query must pass the gate, its first columns are `resource`, `ok` and `name`, its parameters are declared, and its
inline rows fit the tables; every mistake is a RuleError that starts with file:line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

from auditor import rule_analysis, strict_yaml
from auditor.config import naive_utc
from auditor.engine import gate
from auditor.errors import ConfigError, RuleError, os_reason
from auditor.model import Rule, RuleTest, Severity, Step, Text, Value
from auditor.tables import ALL, Column

FIRST_COLUMNS = ("resource", "ok", "name")
"""Columns every query starts with: the stable key, true (pass), false (finding) or NULL (unknown), and what people call the resource."""

_ID = re.compile(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)*-[0-9]{3}")
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_FOLDER = re.compile(r"([1-5])-[a-z]+")
_PARAM = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")


def _filled(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty")
    return value.strip()


_Filled = Annotated[StrictStr, AfterValidator(_filled)]
_Scalar = StrictBool | StrictInt | StrictFloat | StrictStr | None


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Text(_Part):
    en: _Filled
    fr: _Filled

    def text(self) -> Text:
        return Text(en=self.en, fr=self.fr)


class _Step(_Part):
    text: _Text
    care_impact: _Text
    effort_hours: float = Field(gt=0, le=10_000)
    command: StrictStr = ""
    verify: StrictStr = ""
    undo: StrictStr = ""


class _Test(_Part):
    given: dict[StrictStr, tuple[dict[StrictStr, _Scalar], ...]]
    expect: dict[StrictStr, Literal["fail", "pass", "unknown"]]


class _File(_Part):
    id: StrictStr
    title: _Text
    severity: Severity
    recommendation: int = Field(ge=1, le=5)
    status: Literal["stable", "preview"]
    references: dict[StrictStr, tuple[_Filled, ...]]
    why: _Text
    remediation: tuple[_Step, ...] = ()
    blind_spots: _Text
    attribution: StrictStr = ""
    cap: Literal["A", "B", "C", "D", "E"] | None = None
    cap_reason: _Text | None = None
    params: dict[StrictStr, StrictBool | StrictInt | StrictFloat | StrictStr] = {}
    query: _Filled
    positive: tuple[StrictStr, ...] = ()
    raises: tuple[StrictStr, ...] = ()
    tests: tuple[_Test, ...] = Field(min_length=1)


def shipped() -> Path:
    """Folder of the rules that come with the program: inside an installed package, or at the root of a checkout."""
    packaged = Path(__file__).parent / "_data" / "rules"
    return packaged if packaged.is_dir() else Path(__file__).parents[1] / "rules"


def load(paths: Iterable[Path], *, pack: str = "") -> tuple[Rule, ...]:
    """Rules of the given files, and of all *.yaml files under the given folders, sorted by id; RuleError on the first mistake."""
    found: dict[str, Rule] = {}
    for path in paths:
        for file in _files(path):
            rule = load_file(file, pack=pack)
            if rule.id in found:
                other = found[rule.id].file
                raise RuleError(
                    f"rule {rule.id} is also in {other}; give one of them another id.",
                    fr=f"la règle {rule.id} est aussi dans {other} ; donnez à l’une d’elles un autre identifiant.",
                    file=file,
                )
            found[rule.id] = rule
    return tuple(found[rule_id] for rule_id in sorted(found))


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise RuleError(
            "does not exist; give a rule file or a folder of rules.",
            fr="n’existe pas ; indiquez un fichier de règle ou un dossier de règles.",
            file=path,
        )
    files = sorted(path.rglob("*.yaml"))
    if not files:
        raise RuleError(
            "holds no rule (*.yaml); give a rule file or a folder of rules.",
            fr="ne contient aucune règle (*.yaml) ; indiquez un fichier de règle ou un dossier de règles.",
            file=path,
        )
    return files


def load_file(path: Path, *, pack: str = "") -> Rule:
    """The rule in `path`; RuleError with file and line when anything in it is wrong."""
    try:
        raw = path.read_bytes()
        document = strict_yaml.parse(raw, str(path))
        content = strict_yaml.validate(document, _File, str(path))
    except OSError as error:
        raise RuleError(
            f"cannot be read ({os_reason(error).en}); check the path and its rights.",
            fr=f"est illisible ({os_reason(error).fr}) ; vérifiez le chemin et ses droits.",
            file=path,
        ) from error
    except ConfigError as error:
        raise RuleError(error.text.en, fr=error.text.fr) from error
    return _Checked(path, document, content).rule(pack)


class _Checked:
    """Everything a type cannot say about one rule file."""

    def __init__(self, path: Path, document: strict_yaml.Document, content: _File) -> None:
        self.path = path
        self.document = document
        self.content = content
        key_line = document.line(("query",))
        first = document.data.get("query", "") if isinstance(document.data, dict) else ""
        self.query_line = key_line + 1 if "\n" in str(first).strip() else key_line

    def error(self, message: str, *place: str | int) -> RuleError:
        return RuleError(message, file=self.path, line=self.document.line(place))

    def rule(self, pack: str) -> Rule:
        content = self.content
        self.check_name()
        analysis = self.check_query()
        tests = tuple(self.test(position, test) for position, test in enumerate(content.tests))
        self.check_outcomes(tests, unknown=analysis.ok_can_be_null)
        for position, table in enumerate(content.positive):
            if table not in analysis.reads:
                raise self.error(f"positive names {table}, which the query does not read; remove it.", "positive", position)
        if bool(content.remediation) == bool(content.raises):
            raise self.error("a control has a remediation, a combination raises other rules instead; give one of the two.", "remediation")
        if bool(content.cap) != bool(content.cap_reason):
            raise self.error("cap and cap_reason go together; give both or none.", "cap" if content.cap else "cap_reason")
        if content.cap and content.raises:
            raise self.error("a combination judges nothing and cannot cap the grade; put the cap into a rule it raises.", "cap")
        steps = (
            Step(s.text.text(), s.care_impact.text(), s.effort_hours, s.command.strip(), s.verify.strip(), s.undo.strip())
            for s in content.remediation
        )
        return Rule(
            id=content.id,
            title=content.title.text(),
            severity=content.severity,
            recommendation=content.recommendation,
            status=content.status,
            references=content.references,
            why=content.why.text(),
            remediation=tuple(steps),
            blind_spots=content.blind_spots.text(),
            query=content.query,
            tests=tests,
            params=content.params,
            positive=content.positive,
            raises=content.raises,
            attribution=content.attribution.strip(),
            cap=content.cap or "",
            cap_reason=content.cap_reason.text() if content.cap_reason else None,
            file=str(self.path),
            query_line=self.query_line,
            pack=pack,
        )

    def check_name(self) -> None:
        rule_id = self.content.id
        if not _ID.fullmatch(rule_id):
            raise self.error(f"id {rule_id} is not of the form AD-ACC-001; correct it.", "id")
        slug = self.path.stem.removeprefix(f"{rule_id}-")
        if slug == self.path.stem or not _SLUG.fullmatch(slug) or self.path.suffix != ".yaml":
            raise self.error(f"the file must be called {rule_id}-<short-name>.yaml (lower case, digits, hyphens); rename it.", "id")
        folder = _FOLDER.fullmatch(self.path.parent.name)
        if folder and int(folder[1]) != self.content.recommendation:
            number = self.content.recommendation
            raise self.error(f"recommendation {number} does not belong in {folder[0]}; move the file.", "recommendation")
        for name, ids in self.content.references.items():
            if not ids:
                raise self.error(f"references.{name} is empty; list at least one id or remove it.", "references", name)

    def check_query(self) -> rule_analysis.Analysis:
        query = self.content.query
        try:
            tables = gate.check(query)
            analysis = rule_analysis.analyse(query)
        except gate.RefusedError as error:
            raise RuleError(f"query: {error}", file=self.path, line=self.query_line + error.line - 1) from error
        except RuleError as error:
            raise self.error(f"query: {error}", "query") from error
        if analysis.reads.keys() != tables:
            raise self.error("query: it reads tables in a way that cannot be followed; write it more plainly.", "query")
        if analysis.columns[:3] != FIRST_COLUMNS:
            found = ", ".join(analysis.columns[:3])
            raise self.error(f"query: the first columns are resource, ok, name, not {found}; reorder them.", "query")
        if "" in analysis.columns or len(set(analysis.columns)) < len(analysis.columns):
            raise self.error("query: every column needs a name of its own; add AS.", "query")
        used = set(_PARAM.findall(query)) - {"as_of"}
        if missing := sorted(used - self.content.params.keys()):
            raise self.error(f"query: ${missing[0]} is not declared; add it to params.", "query")
        if unused := sorted(self.content.params.keys() - used):
            raise self.error(f"params.{unused[0]} is not used by the query; remove it.", "params", unused[0])
        return analysis

    def test(self, position: int, test: _Test) -> RuleTest:
        given: dict[str, tuple[Mapping[str, Value], ...]] = {}
        for name, rows in test.given.items():
            if name not in ALL:
                raise self.error(f"there is no table {name}; see the list of tables.", "tests", position, "given", name)
            given[name] = tuple(
                {key: self.value(name, key, value, position, index) for key, value in row.items()} for index, row in enumerate(rows)
            )
        return RuleTest(given, dict(test.expect))

    def value(self, table: str, key: str, value: _Scalar, position: int, index: int) -> Value:
        place = ("tests", position, "given", table, index, key)
        try:
            column = ALL[table].column(key)
        except KeyError as error:
            raise self.error(f"table {table} has no column {key}; check its spelling.", *place) from error
        if value is None:
            return None
        if column.type == "timestamp" and isinstance(value, str):
            try:
                moment = naive_utc(value)
            except ValueError as error:
                raise self.error(f'{key}: {value!r} is not a time; write it as "2026-01-05T00:00:00".', *place) from error
            return moment if isinstance(moment, datetime) else None
        if not _fits(column, value):
            hint = "quote it" if column.type in ("text", "timestamp") else f"it must be a {column.type}"
            raise self.error(f"{key} is a {column.type} column and {value!r} is not; {hint}.", *place)
        return value

    def check_outcomes(self, tests: tuple[RuleTest, ...], *, unknown: bool) -> None:
        expected = {outcome for test in tests for outcome in test.expect.values()}
        for outcome in ("fail", "pass", *(("unknown",) if unknown else ())):
            if outcome not in expected:
                raise self.error(f"no test expects {outcome}; add rows that do.", "tests")


def _fits(column: Column, value: _Scalar) -> bool:
    if column.type == "text":
        return isinstance(value, str)
    if column.type == "boolean":
        return isinstance(value, bool)
    return column.type == "bigint" and isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def rules_sha256(rules: Iterable[Rule]) -> str:
    """Hash of what the rules say, in any order: equal for equal content wherever the files lie."""
    content = [asdict(replace(rule, file="", query_line=0)) for rule in sorted(rules, key=lambda rule: rule.id)]
    return sha256(json.dumps(content, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()


def scaffold(rule_id: str, recommendation: int) -> str:
    """Text of a new rule file whose own tests pass: replace its texts, its query and its rows; RuleError when the id has another form."""
    if not _ID.fullmatch(rule_id):
        raise RuleError(
            f"id {rule_id} is not of the form AD-ACC-001; correct it.",
            fr=f"l’identifiant {rule_id} n’a pas la forme AD-ACC-001 ; corrigez-le.",
        )
    return _SCAFFOLD.replace("@ID@", rule_id).replace("@RECOMMENDATION@", str(recommendation))


_SCAFFOLD = """\
id: @ID@
title:
  en: Account that never expires
  fr: Compte sans date d’expiration
severity: medium
recommendation: @RECOMMENDATION@
status: preview
references: {}
why:
  en: Say in two or three sentences what an attacker, or bad luck, makes of this in a hospital.
  fr: Dire en deux ou trois phrases ce qu’un attaquant, ou la malchance, en fait dans un hôpital.
remediation:
  - text:
      en: Say what to do.
      fr: Dire ce qu’il faut faire.
    command: Set-ADAccountExpiration -Identity '<account>' -DateTime '<date>' -WhatIf
    verify: audit run --only @ID@
    undo: Clear-ADAccountExpiration -Identity '<account>' -WhatIf
    effort_hours: 1
    care_impact:
      en: Say what changes for care staff.
      fr: Dire ce qui change pour les soignants.
blind_spots:
  en: Say what this rule cannot see.
  fr: Dire ce que cette règle ne voit pas.
params:
  max_days: 365
query: |
  select
    a.account_key as resource,
    not a.never_expires and a.expires_at <= $as_of + $max_days * INTERVAL 1 DAY as ok,
    a.sam_account_name as name,
    a.expires_at
  from account a
  where a.enabled
tests:
  - given:
      account:
        - {account_key: never, never_expires: true}
        - {account_key: late, never_expires: false, expires_at: "2027-01-05T00:00:01"}
        - {account_key: exact, never_expires: false, expires_at: "2027-01-05T00:00:00"}
        - {account_key: inconsistent, never_expires: true, expires_at: "2026-02-01T00:00:00"}
        - {account_key: not_known, never_expires: null, expires_at: "2026-02-01T00:00:00"}
        - {account_key: maybe_enabled, enabled: null, never_expires: true}
        - {account_key: disabled, enabled: false}
    expect: {never: fail, late: fail, exact: pass, inconsistent: fail, not_known: unknown, maybe_enabled: unknown}
"""
