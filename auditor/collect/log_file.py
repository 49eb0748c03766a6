"""Log files that are not what their source declares: compressed, or text of another encoding."""

from __future__ import annotations

import codecs
from pathlib import Path

from auditor.collect import SourceError
from auditor.model import Text

_COMPRESSED = (b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\xfd7zXZ\0", b"7z\xbc\xaf", b"\x28\xb5\x2f\xfd")
"""How files of gzip, zip, bzip2, xz, 7-Zip and zstd begin."""
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def check(path: Path, *, utf16: Text | None) -> None:
    """SourceError when the file is compressed, or UTF-16 where `utf16` says what to do about it. What cannot be opened is the reader's."""
    try:
        with path.open("rb") as file:
            start = file.read(8)
    except OSError:
        return
    if start.startswith(_COMPRESSED):
        raise SourceError(
            Text(
                en=f"{path.name} is compressed: decompress it and give the file it holds",
                fr=f"{path.name} est compressé\u00a0: décompressez-le et fournissez le fichier qu’il contient",
            )
        )
    if utf16 and start.startswith(_UTF16):
        raise SourceError(Text(en=f"{path.name} is UTF-16 text: {utf16.en}", fr=f"{path.name} est du texte UTF-16\u00a0: {utf16.fr}"))
