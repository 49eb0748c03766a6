"""The one loader for files people edit."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from auditor import strict_yaml
from auditor.errors import ConfigError


class Example(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    sizes: tuple[int, ...] = ()


def test_scalars_mean_what_they_look_like() -> None:
    raw = b"a: 010\nb: off\nc: 12:30:45\nd: 2026-01-05\ne: 12\nf: true\ng:\nh: 1.5\ni: 01000123456\nj: 1e3\nk: yes"
    assert strict_yaml.parse(raw, "x").data == {
        "a": "010", "b": "off", "c": "12:30:45", "d": "2026-01-05", "e": 12, "f": True, "g": None, "h": 1.5, "i": "01000123456",
        "j": "1e3", "k": "yes",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"a: 1\na: 2", "x.yaml:2: duplicate key 'a'"),
        (b"a: &x 1\nb: *x", "x.yaml:2: aliases are not allowed"),
        (b"- " * 30, "nested too deeply"),
        (b"[" * 5000, "nested too deeply"),
        (b"a: {b: c", "x.yaml:1"),
        (b"a: !!python/object/apply:os.system [x]", "could not determine a constructor"),
        (b"\xff\xfe", "not UTF-8"),
        (b"? [a]\n: b", "keys must be plain words"),
        (b"a: 1" + b" " * (256 * 1024), "larger than 256 KiB"),
        (b"a: \x07", "x.yaml"),
    ],
)
def test_surprising_yaml_is_refused_with_its_place(raw: bytes, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        strict_yaml.parse(raw, "x.yaml")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.text.fr != caught.value.text.en


@pytest.mark.parametrize(
    ("text", "said", "dit"),
    [
        ("name: a\nsize: 1", "a.yaml:2: size: is not a known key", "clé inconnue"),
        ("sizes: [1]", "name: is missing", "clé manquante"),
        ("name: a\nsizes:\n  - 1\n  - b", "a.yaml:4: sizes.1: must be a whole number", "nombre entier"),
        ("name: 12", "a.yaml:1: name: must be text", "entre guillemets"),
        ("", "the file", "suite de clés"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, text: str, said: str, dit: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        strict_yaml.load(path, Example)
    assert said in caught.value.text.en
    assert dit in caught.value.text.fr


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        strict_yaml.load(tmp_path / "no.yaml", Example)
    with pytest.raises(ConfigError, match="cannot be read"):
        strict_yaml.load(tmp_path, Example)
