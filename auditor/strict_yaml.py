"""The one loader for files people edit: audit.yaml, rules. Refuses what makes YAML surprising; types come from a pydantic model."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from auditor.errors import ConfigError, os_reason
from auditor.model import Text

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20

Model = TypeVar("Model", bound=BaseModel)


class _Loader(yaml.SafeLoader):
    """SafeLoader without aliases, duplicate keys, deep nesting, or YAML 1.1's octal, sexagesimal and on/off readings."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(problem="aliases are not allowed", problem_mark=_mark(self))
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise yaml.MarkedYAMLError(problem="nested too deeply", problem_mark=_mark(self))
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:  # noqa: FBT001, FBT002 - PyYAML's signature
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                raise yaml.MarkedYAMLError(problem="keys must be plain words", problem_mark=key.start_mark)
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"duplicate key {key.value!r}", problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def _mark(loader: _Loader) -> yaml.Mark:
    mark: yaml.Mark = loader.peek_event().start_mark  # type: ignore[no-untyped-call]
    return mark


# YAML 1.1 reads 010 as 8, 12:30 as 750, off as False and 2026-01-05 as a date: here a plain scalar is a number, true, false, null or text.
_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"true|false", "tf"),
    ("int", r"-?(?:0|[1-9][0-9]*)", "-0123456789"),
    ("float", r"-?(?:0|[1-9][0-9]*)\.[0-9]+", "-0123456789"),
    ("null", r"null|~|", ["n", "~", ""]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})\\Z"), list(_first))


_HINTS = {
    "extra_forbidden": Text(en="is not a known key; check its spelling", fr="clé inconnue ; vérifiez son orthographe"),
    "missing": Text(en="is missing; add it", fr="clé manquante ; ajoutez-la"),
    "union_tag_invalid": Text(
        en="is not a known type of source; check its spelling", fr="type de source inconnu ; vérifiez son orthographe"
    ),
    "union_tag_not_found": Text(en="has no type; add the type of the source", fr="il manque le type de la source ; ajoutez-le"),
    "string_type": Text(en="must be text; put it between quotes", fr="doit être un texte ; mettez-le entre guillemets"),
    "int_type": Text(en="must be a whole number", fr="doit être un nombre entier"),
    "int_parsing": Text(en="must be a whole number", fr="doit être un nombre entier"),
    "model_type": Text(en="must be a list of keys and values", fr="doit être une suite de clés et de valeurs"),
    "tuple_type": Text(en="must be a list", fr="doit être une liste"),
    "too_short": Text(en="needs at least one entry", fr="demande au moins un élément"),
    "literal_error": Text(en="must be {expected}", fr="doit valoir {expected}"),
    "enum": Text(en="must be {expected}", fr="doit valoir {expected}"),
    "bool_type": Text(en="must be true or false", fr="doit valoir true ou false"),
    "bool_parsing": Text(en="must be true or false", fr="doit valoir true ou false"),
    "float_type": Text(en="must be a number", fr="doit être un nombre"),
    "greater_than": Text(en="must be more than {gt}", fr="doit dépasser {gt}"),
    "greater_than_equal": Text(en="must be at least {ge}", fr="doit valoir au moins {ge}"),
    "less_than": Text(en="must be less than {lt}", fr="doit être inférieur à {lt}"),
    "less_than_equal": Text(en="must be at most {le}", fr="doit valoir au plus {le}"),
    "dict_type": Text(en="must be a list of keys and values", fr="doit être une suite de clés et de valeurs"),
}
"""What people most often get wrong, by pydantic's name of the error; braces name what pydantic says of the limit."""

_PROBLEMS = {
    "aliases are not allowed": "les alias ne sont pas admis",
    "nested too deeply": "trop de niveaux imbriqués",
    "keys must be plain words": "les clés doivent être des mots simples",
}
"""What this loader itself refuses, in French, by its English sentence."""


class RefusedValueError(ValueError):
    """A value that a validator of ours refuses, said in both languages, without a full stop."""

    def __init__(self, en: str, fr: str) -> None:
        super().__init__(en)
        self.text = Text(en, fr)


class Document:
    """A parsed file with the line of every key path, so that errors can point at it."""

    def __init__(self, data: object, lines: dict[tuple[str | int, ...], int]) -> None:
        self.data = data
        self.lines = lines

    def line(self, path: tuple[str | int, ...]) -> int:
        """Line of the nearest known key on `path`, from 1."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def parse(raw: bytes, name: str) -> Document:
    """Parse one document; ConfigError with file and line when it is not plain, strict YAML."""
    if len(raw) > MAX_BYTES:
        raise ConfigError(
            f"{name}: larger than {MAX_BYTES // 1024} KiB; split the file.",
            fr=f"{name} : plus de {MAX_BYTES // 1024} Kio ; répartissez son contenu.",
        )
    try:
        loader = _Loader(raw.decode("utf-8-sig"))
        try:
            node = loader.get_single_node()
            data = loader.construct_document(node) if node is not None else None
        finally:
            loader.dispose()
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{name}: not UTF-8 text (byte {error.start}); save the file as UTF-8.",
            fr=f"{name} : ce n’est pas du texte UTF-8 (octet {error.start}) ; enregistrez le fichier en UTF-8.",
        ) from error
    except RecursionError as error:
        raise ConfigError(
            f"{name}: nested too deeply; flatten the file.", fr=f"{name} : trop de niveaux imbriqués ; aplatissez le fichier."
        ) from error
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        place = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        french = _PROBLEMS.get(problem) or f"YAML refusé ({problem})"
        raise ConfigError(
            f"{name}{place}: {problem}; correct this line.", fr=f"{name}{place} : {french} ; corrigez cette ligne."
        ) from error
    lines: dict[tuple[str | int, ...], int] = {}
    if node is not None:
        _index(node, (), lines)
    return Document(data, lines)


def _index(node: yaml.Node, path: tuple[str | int, ...], lines: dict[tuple[str | int, ...], int]) -> None:
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            _index(value, (*path, key.value), lines)
            lines[(*path, key.value)] = key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for position, value in enumerate(node.value):
            _index(value, (*path, position), lines)


def validate(document: Document, model: type[Model], name: str) -> Model:
    """The document as `model`; the first mistake becomes one sentence with file and line."""
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        # A misspelt key makes two errors, itself and the key now missing: name the one to correct.
        first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
        place = tuple(part for part in first["loc"] if isinstance(part, (str, int)))
        key = ".".join(str(part) for part in place)
        hint = _hint(first)
        line = document.line(place)
        raise ConfigError(
            f"{name}:{line}: {key or 'the file'}: {hint.en}.", fr=f"{name}:{line} : {key or 'le fichier'} : {hint.fr}."
        ) from error


def _hint(error: ErrorDetails) -> Text:
    context = error.get("ctx", {})
    if isinstance(refused := context.get("error"), RefusedValueError):
        return refused.text
    if hint := _HINTS.get(error["type"]):
        french = {name: str(value).replace(" or ", " ou ") for name, value in context.items()}
        return Text(en=hint.en.format(**context), fr=hint.fr.format(**french))
    said = error["msg"].removeprefix("Value error, ")
    return Text(en=said, fr=f"valeur refusée ({said})")


def load(path: Path, model: type[Model]) -> Model:
    """Read `path` as `model`; ConfigError in one sentence on any mistake."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise ConfigError(
            f"{path} does not exist; give the path of an existing file.",
            fr=f"{path} n’existe pas ; donnez le chemin d’un fichier existant.",
        ) from error
    except OSError as error:
        reason = os_reason(error)
        raise ConfigError(
            f"{path} cannot be read: {reason.en}; check the path and its rights.",
            fr=f"{path} ne peut pas être lu : {reason.fr} ; vérifiez le chemin et les droits.",
        ) from error
    return validate(parse(raw, path.name), model, path.name)
