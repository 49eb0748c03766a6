"""Add a signed statement to a YAML file of evidence, checked exactly as the audit will check it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import yaml
from pydantic import BaseModel

from auditor import safe, strict_yaml
from auditor.collect import SourceError
from auditor.collect.attestation_entry import KINDS
from auditor.collect.attestations import entries, proof_hash, row_of
from auditor.errors import ConfigError, os_reason
from auditor.model import Text


def add(path: Path, kind: str, values: Iterable[str], proof: Path | None, as_of: datetime) -> str:
    """Append a statement to `path`, which is made if it does not exist, and return the text added.

    `values` are `key=value` words; the SHA-256 of `proof`, a file in the folder of `path` or below, is computed here. ConfigError,
    and `path` untouched, when the statement or the file as a whole is not what the source attestations would accept at `as_of`.
    """
    if kind not in KINDS:
        known = ", ".join(KINDS)
        raise ConfigError(
            f"{kind} is not a kind of statement; choose among {known}.", fr=f"{kind} n’est pas une attestation ; choisissez parmi {known}."
        )
    data: dict[str, object] = {"kind": kind, **_pairs(values)}
    if proof is not None:
        data |= _proof(path, proof)
    if path.suffix.lower() not in (".yaml", ".yml"):
        raise ConfigError(
            f"{path}: the file must end in .yaml; change its name.", fr=f"{path} : le fichier doit finir par .yaml ; changez son nom."
        )
    before = _read(path)
    added = _yaml(strict_yaml.validate(strict_yaml.Document(data, {}), KINDS[kind], "attest"))
    whole = f"{before.rstrip()}\n\n{added}" if before.strip() else added
    document = strict_yaml.parse(whole.encode("utf-8"), path.name)
    seen = set()
    for line, of_kind, statement in entries(document, path, as_of):
        if isinstance(statement, Text):
            text = Text(statement.en.rstrip("."), statement.fr.rstrip("."))
            raise ConfigError(f"{text.en}; nothing was written.", fr=f"{text.fr} ; rien n’a été écrit.")
        key = (of_kind, *row_of(statement, "")[0])
        if key in seen:
            raise ConfigError(
                f"{path.name}:{line}: it is said already; nothing was written.",
                fr=f"{path.name}:{line}\u00a0: elle figure déjà\u00a0; rien n’a été écrit.",
            )
        seen.add(key)
    try:
        safe.private_write(path, whole)
    except OSError as error:
        reason = os_reason(error)
        raise ConfigError(
            f"{path}: {reason.en}; check the folder and its rights.", fr=f"{path} : {reason.fr} ; vérifiez le dossier et ses droits."
        ) from error
    return added


def _pairs(values: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for word in values:
        key, equals, value = word.partition("=")
        if not equals or not key or key in ("kind", "sha256", "proof_file"):
            raise ConfigError(
                f"“{word}”: write key=value, and give a proof with --proof.",
                fr=f"« {word} » : écrivez clé=valeur, et donnez une preuve par --proof.",
            )
        if re.fullmatch(r"[<‹].*[>›]", value.strip()):
            raise ConfigError(
                f"“{word}”: write the value itself in the place of {value}.",
                fr=f"«\u00a0{word}\u00a0»\u00a0: écrivez la valeur elle-même à la place de {value}.",
            )
        if key in found:
            raise ConfigError(f"{key} is given twice; give it once.", fr=f"{key} est donné deux fois ; donnez-le une fois.")
        found[key] = value
    return found


def _proof(path: Path, proof: Path) -> dict[str, str]:
    folder = path.parent.resolve()
    try:
        name = proof.resolve().relative_to(folder).as_posix()
        return {"proof_file": name, "sha256": proof_hash(folder, name)}
    except ValueError as error:
        raise ConfigError(
            f"{proof} is not in the folder of {path.name}; copy it there first.",
            fr=f"{proof} n’est pas dans le dossier de {path.name} ; copiez-le d’abord dans ce dossier.",
        ) from error
    except SourceError as error:
        raise ConfigError(f"{error.text.en}; correct --proof.", fr=f"{error.text.fr} ; corrigez --proof.") from error


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > strict_yaml.MAX_BYTES:
            raise ConfigError(f"{path} is full; begin another file.", fr=f"{path} est plein ; commencez un autre fichier.")
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path} cannot be read; check the path and its rights.", fr=f"{path} ne peut pas être lu ; vérifiez le chemin et les droits."
        ) from error


def _yaml(statement: BaseModel) -> str:
    """One list entry; days without time, keys in the order of the model's documentation."""
    values = statement.model_dump(exclude_none=True)
    plain = {key: value.date().isoformat() if isinstance(value, datetime) else value for key, value in values.items()}
    ordered = {"kind": plain.pop("kind"), **plain}
    text: str = yaml.safe_dump([ordered], allow_unicode=True, sort_keys=False, width=1000)
    return text
