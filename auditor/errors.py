"""Everything that can end a command, in one tree.

AuditorError
├── ConfigError        audit.yaml, a command-line value or another file people edit is wrong
├── CollectError       a source could not be read, or not to its end
├── SnapshotError      a snapshot is missing, altered or of another format
├── HistoryError       the history of earlier runs cannot be read or written
├── RuleError          a rule file is wrong (carries file and line)
├── EngineError        a query crashed, ran out of time or of memory
└── RenderError        a report could not be written

Each message is one sentence for the person at the keyboard and ends with what to do.
"""

from __future__ import annotations

import errno
from pathlib import Path

from auditor.model import Text

_REASONS = {
    errno.ENOENT: "le fichier ou le dossier n’existe pas",
    errno.EACCES: "l’accès est refusé",
    errno.EPERM: "l’opération n’est pas permise",
    errno.EISDIR: "c’est un dossier",
    errno.ENOTDIR: "ce n’est pas un dossier",
    errno.EEXIST: "il existe déjà",
    errno.ENOSPC: "il n’y a plus de place sur le disque",
    errno.EROFS: "le disque est en lecture seule",
    errno.EIO: "le disque ne répond pas comme il faut",
    errno.EPIPE: "la sortie a été fermée",
    errno.ENAMETOOLONG: "le nom est trop long",
    errno.EMFILE: "trop de fichiers sont ouverts",
}
"""What the system says of the commonest failures, in French; it speaks English itself."""


class AuditorError(Exception):
    """Base of every error this program raises on purpose: one sentence, in English and, in `fr`, in French."""

    def __init__(self, message: str, *, fr: str = "") -> None:
        super().__init__(message)
        self.text = Text(en=message, fr=fr or message)


class ConfigError(AuditorError):
    """A file people edit, or an option, cannot be used as it stands."""


class CollectError(AuditorError):
    """A source could not be read, or not to its end."""


class SnapshotError(AuditorError):
    """A snapshot folder cannot be trusted."""


class HistoryError(AuditorError):
    """The history of earlier runs cannot be read or written."""


class RuleError(AuditorError):
    """A rule file is wrong; the message starts with file:line."""

    def __init__(self, message: str, *, fr: str = "", file: Path | str = "", line: int = 0) -> None:
        place = f"{file}:{line}: " if line else f"{file}: " if file else ""
        super().__init__(f"{place}{message}", fr=f"{place}{fr}" if fr else "")
        self.file = str(file)
        self.line = line


class EngineError(AuditorError):
    """A query was stopped or failed."""


class RenderError(AuditorError):
    """A report could not be written."""


def os_reason(error: OSError) -> Text:
    """Why the system refused, in a few words, without a path; in English where there is no French for it."""
    english = error.strerror or type(error).__name__
    return Text(en=english, fr=_REASONS.get(error.errno or 0, english))
