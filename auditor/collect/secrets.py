"""Passwords, from where audit.yaml points: the system keyring, an environment variable, a private file (in a service: the
credential systemd made of it) or a prompt. Never echoed."""

from __future__ import annotations

import os
import sys
from getpass import getpass
from hashlib import sha256
from pathlib import Path

import keyring
from keyring.errors import KeyringError

from auditor import safe
from auditor.collect import SourceError
from auditor.config import Secret
from auditor.errors import os_reason
from auditor.model import Text


def resolve(secret: Secret, user: str) -> str:
    """The password of `user`. SourceError in one sentence, without any part of it, when it is not where `secret` says, is empty
    (a directory takes an empty password for an anonymous bind and calls it a success), or lies in a file that others may read."""
    if secret.keyring is not None:
        password = _from_keyring(secret.keyring, user)
    elif secret.env is not None:
        password = os.environ.get(secret.env, "")
    elif secret.file is not None:
        password = _from_file(secret.file)
    elif not sys.stdin.isatty():
        raise SourceError(Text(
            "the password cannot be asked for without a terminal; use keyring, env or file.",
            "le mot de passe ne peut pas être demandé sans terminal ; utiliser keyring, env ou file.",
        ))  # fmt: skip
    else:
        password = getpass(f"{user}: ")
    if not password:
        place = f"keyring {secret.keyring}" if secret.keyring else f"env {secret.env}" if secret.env else str(secret.file or "prompt")
        raise SourceError(Text(f"no password in {place}; store it there.", f"pas de mot de passe dans {place} ; l’y enregistrer."))
    return password


def _from_keyring(service: str, user: str) -> str:
    try:
        return keyring.get_password(service, user) or ""
    except KeyringError as error:
        raise SourceError(Text(
            f"the system keyring cannot be read ({type(error).__name__}); use env or file instead.",
            f"le trousseau du système est illisible ({type(error).__name__}) ; utiliser env ou file.",
        )) from None  # fmt: skip


def credential(path: Path) -> str:
    """The name under which systemd hands the file to a service (LoadCredential=, systemd.exec(5)): letters, digits and hyphens."""
    return f"audit-{sha256(str(path).encode()).hexdigest()[:16]}"


def _from_file(path: Path) -> str:
    handed = Path(os.environ.get("CREDENTIALS_DIRECTORY", "")) / credential(path)
    try:
        if "CREDENTIALS_DIRECTORY" in os.environ and handed.is_file():
            # systemd guards it with an access list, which the mode bits show as readable by the group.
            return handed.read_text(encoding="utf-8-sig").rstrip("\r\n")
        if safe.readable_by_others(path):
            raise SourceError(Text(
                f"{path.name} can be read by others; make it private (chmod 600).",
                f"{path.name} est lisible par d’autres ; le rendre privé (chmod 600).",
            ))  # fmt: skip
        return path.read_text(encoding="utf-8-sig").rstrip("\r\n")
    except OSError as error:
        reason = os_reason(error)
        en, fr = f"{path.name} cannot be read ({reason.en}); check", f"{path.name} est illisible ({reason.fr}) ; vérifier"
        raise SourceError(Text(f"{en} its path and rights.", f"{fr} le chemin et les droits.")) from None
    except UnicodeDecodeError:
        en, fr = f"{path.name} is not UTF-8 text; save it so.", f"{path.name} n’est pas du texte UTF-8 ; l’enregistrer ainsi."
        raise SourceError(Text(en, fr)) from None
