from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor import rule_tests, rules
from auditor.errors import RuleError
from auditor.model import Text

ID = "AD-ACC-900"


def write(folder: Path, text: str, name: str = f"{ID}-new-rule.yaml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def changed(old: str, new: str) -> str:
    text = rules.scaffold(ID, 1)
    assert old in text
    return text.replace(old, new)


def test_a_scaffold_is_a_rule_whose_tests_pass_and_kill_every_mutant(tmp_path: Path) -> None:
    rule = rules.load_file(write(tmp_path / "1-credentials", rules.scaffold(ID, 1)))
    assert (rule.id, rule.recommendation, rule.params) == (ID, 1, {"max_days": 365})
    assert rule_tests.check(rule) == []


def test_a_scaffold_needs_a_proper_id() -> None:
    with pytest.raises(RuleError, match="not of the form"):
        rules.scaffold("acc 1", 1)


def test_rules_are_sorted_by_id_wherever_they_lie(tmp_path: Path) -> None:
    write(tmp_path / "b", rules.scaffold("AD-ACC-901", 1), "AD-ACC-901-a.yaml")
    write(tmp_path / "a", rules.scaffold("AD-ACC-902", 1), "AD-ACC-902-a.yaml")
    loaded = rules.load([tmp_path / "a", tmp_path / "b"], pack="theirs")
    assert [(rule.id, rule.pack) for rule in loaded] == [("AD-ACC-901", "theirs"), ("AD-ACC-902", "theirs")]


def test_the_hash_follows_the_content_and_not_the_place(tmp_path: Path) -> None:
    here = rules.load([write(tmp_path / "here", rules.scaffold(ID, 1))])
    there = rules.load([write(tmp_path / "there", "# moved\n" + rules.scaffold(ID, 1))])
    other = rules.load([write(tmp_path / "other", changed("max_days: 365", "max_days: 366"))])
    assert rules.rules_sha256(here) == rules.rules_sha256(there) != rules.rules_sha256(other)


def test_two_rules_with_one_id_are_refused(tmp_path: Path) -> None:
    write(tmp_path, rules.scaffold(ID, 1))
    write(tmp_path / "again", rules.scaffold(ID, 1))
    with pytest.raises(RuleError, match="is also in"):
        rules.load([tmp_path])


@pytest.mark.parametrize("path", ["missing", "empty"])
def test_a_place_without_rules_is_an_error(tmp_path: Path, path: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(RuleError, match="give a rule file or a folder of rules"):
        rules.load([tmp_path / path])


def test_a_rule_in_the_folder_of_another_recommendation_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "2-access", rules.scaffold(ID, 1))
    with pytest.raises(RuleError, match="does not belong in 2-access"):
        rules.load_file(path)


@pytest.mark.parametrize("name", ["AD-ACC-900.yaml", "AD-ACC-901-x.yaml", "AD-ACC-900-Name.yaml", "AD-ACC-900-a_b.yaml"])
def test_the_file_name_is_the_id_and_a_slug(tmp_path: Path, name: str) -> None:
    with pytest.raises(RuleError, match="must be called AD-ACC-900-<short-name>"):
        rules.load_file(write(tmp_path, rules.scaffold(ID, 1), name))


MISTAKES = {
    "unknown key": ("status: preview", "status: preview\nstatuss: preview", "statuss"),
    "missing French": ("  fr: Compte sans date d’expiration\n", "", "title.fr"),
    "empty text": ("  fr: Compte sans date d’expiration", '  fr: " "', "empty"),
    "id": (f"id: {ID}", "id: acc1", "not of the form"),
    "severity": ("severity: medium", "severity: urgent", "severity"),
    "recommendation": ("recommendation: 1", "recommendation: 6", "recommendation"),
    "status": ("status: preview", "status: new", "status"),
    "empty reference list": ("references: {}", "references: {anssi: []}", "references.anssi is empty"),
    "effort": ("effort_hours: 1", "effort_hours: 0", "effort_hours"),
    "undeclared parameter": ("max_days: 365", "days: 365", r"\$max_days is not declared"),
    "unused parameter": ("max_days: 365", "max_days: 365\n  other: 1", "params.other is not used"),
    "two statements": ("  where a.enabled\n", "  where a.enabled; drop table account\n", "exactly one SELECT"),
    "unknown table": ("from account a", "from accounts a", "there is no table accounts"),
    "unknown column": ("a.expires_at\n", "a.expired_at\n", "expired_at"),
    "column of another table": ("a.expires_at\n", "a.spn\n", "spn"),
    "clock": ("<= $as_of", "<= now()", "function now is not allowed"),
    "order of columns": (
        "    a.account_key as resource,\n",
        "    a.sam_account_name as who, a.account_key as resource,\n",
        "first columns",
    ),
    "column without name": ("    a.expires_at\n", "    a.expires_at as name\n", "name of its own"),
    "table in test": ("      account:", "      accounts:", "there is no table accounts"),
    "column in test": ("{account_key: disabled, enabled: false}", "{account_key: disabled, enable: false}", "has no column enable"),
    "number for text": ("{account_key: disabled,", "{account_key: 12,", "account_key is a text column"),
    "text for boolean": ("enabled: false}", "enabled: off}", "enabled is a boolean column"),
    "text for time": ('"2027-01-05T00:00:01"', '"tomorrow"', "is not a time"),
    "no fail": ("never: fail, late: fail, exact: pass, inconsistent: fail", "exact: pass", "no test expects fail"),
    "no pass": ("exact: pass, ", "", "no test expects pass"),
    "no unknown": ("not_known: unknown, maybe_enabled: unknown", "x: pass", "no test expects unknown"),
    "outcome": ("exact: pass", "exact: ok", "tests"),
    "claim about a table it does not read": ("tests:\n", "positive: [domain]\ntests:\n", "does not read"),
    "condition nested too deeply": ("where a.enabled", "where " + "(" * 900 + "a.enabled" + ")" * 900, "nested too deeply"),
    "endless condition": ("where a.enabled", "where " + "a.enabled and " * 1300 + "a.enabled", "nested too deeply"),
    "cap without a reason": ("status: preview", "status: preview\ncap: D", "cap and cap_reason go together"),
    "reason without a cap": ("status: preview", "status: preview\ncap_reason: {en: x, fr: y}", "cap and cap_reason go together"),
    "cap beyond E": ("status: preview", "status: preview\ncap: F\ncap_reason: {en: x, fr: y}", "cap: must be 'A'"),
    "cap reason in one language": ("status: preview", "status: preview\ncap: D\ncap_reason: {en: x}", "cap_reason.fr"),
    "duplicate key": ("status: preview", "status: preview\nstatus: stable", "duplicate key"),
    "alias": ("references: {}", "references: &x {}\nattribution: *x", "aliases"),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_is_one_sentence_with_file_and_line(tmp_path: Path, what: str) -> None:
    old, new, message = MISTAKES[what]
    path = write(tmp_path, changed(old, new))
    with pytest.raises(RuleError, match=message) as caught:
        rules.load_file(path)
    place, line, _ = str(caught.value).removeprefix(str(path)).split(":", 2)
    assert (place, line.isdigit()) == ("", True)
    assert "\n" not in str(caught.value)


def test_an_error_in_the_query_points_at_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, changed("a.expires_at <= $as_of", "random() <= $as_of"))
    with pytest.raises(RuleError) as caught:
        rules.load_file(path)
    assert "random()" in path.read_text(encoding="utf-8").splitlines()[caught.value.line - 1]


def test_times_in_tests_are_times_and_ids_stay_text(tmp_path: Path) -> None:
    rule = rules.load_file(write(tmp_path, changed("{account_key: disabled,", '{account_key: "0012", sam_account_name: off,')))
    row = rule.tests[0].given["account"][-1]
    assert (row["account_key"], row["sam_account_name"]) == ("0012", "off")
    assert rule.tests[0].given["account"][1]["expires_at"].__class__.__name__ == "datetime"


def test_unreadable_bytes_are_an_error_and_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / f"{ID}-x.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RuleError, match="UTF-8"):
        rules.load_file(path)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2500), st.integers(0, 80), st.text(max_size=20))
def test_a_damaged_file_is_a_rule_or_one_sentence(start: int, length: int, put: str) -> None:
    text = rules.scaffold(ID, 1)
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{ID}-x.yaml"
        path.write_bytes((text[:start] + put + text[start + length :]).encode("utf-8", "surrogatepass"))
        try:
            assert rules.load_file(path).id == ID
        except RuleError as error:
            assert "\n" not in str(error)


def test_a_combination_caps_nothing(tmp_path: Path) -> None:
    (shipped,) = (rules.shipped() / "combinations").glob("TOX-001-*.yaml")
    path = tmp_path / shipped.name
    path.write_text(shipped.read_text(encoding="utf-8") + "cap: D\ncap_reason: {en: x, fr: y}\n", encoding="utf-8")
    with pytest.raises(RuleError, match="a combination judges nothing and cannot cap the grade"):
        rules.load_file(path)


def test_a_cap_and_its_reason_are_read(tmp_path: Path) -> None:
    rule = rules.load_file(write(tmp_path, changed("status: preview", "status: preview\ncap: D\ncap_reason: {en: A fact, fr: Un fait}")))
    assert (rule.cap, rule.cap_reason) == ("D", Text("A fact", "Un fait"))
    plain = rules.load_file(write(tmp_path, rules.scaffold(ID, 1)))
    assert (plain.cap, plain.cap_reason) == ("", None)
    assert rules.rules_sha256([rule]) != rules.rules_sha256([plain])


def test_a_file_without_content_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuleError):
        rules.load_file(write(tmp_path, ""))
