"""report.sealed.html: the report, encrypted, in a page that opens it in any browser from disk with a passphrase.

AES-256-GCM under a key from PBKDF2-SHA256 (NIST SP 800-38D and 800-132), as WebCrypto offers them; the page holds no name. Salt, nonce and
passphrase come from the operating system's randomness, so this is the one file whose bytes differ from run to run. A page that unpacks
itself looks like an attack to a mail gateway: deliver it by a share.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import os
import re
import secrets
import unicodedata
from collections.abc import Mapping

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from mnemonic import Mnemonic

from auditor.errors import RenderError
from auditor.model import Language
from auditor.report import i18n
from auditor.report.i18n import Phrases

FILE = "report.sealed.html"
VERSION = "audit-report-v1"
"""Authenticated with the content: another version of this format does not open."""

_ROUNDS = 600_000
_WORDS = 6
"""Of lists of 2,048: 66 bits."""
_LISTS = {Language.FR: "french", Language.EN: "english"}
_POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)">')


def sealed(files: Mapping[str, str | bytes], language: Language) -> tuple[Mapping[str, str | bytes], str]:
    """The files with report.html replaced by its sealed form, and the passphrase, which is kept nowhere."""
    page = files["report.html"]
    words = passphrase(language)
    rest = {name: content for name, content in files.items() if name != "report.html"}
    return {**rest, FILE: seal(page if isinstance(page, str) else page.decode("utf-8"), words, language)}, words


def passphrase(language: Language) -> str:
    """Six words drawn from the BIP-39 list of the language."""
    return unicodedata.normalize("NFC", " ".join(secrets.choice(Mnemonic(_LISTS[language]).wordlist) for _ in range(_WORDS)))


def handed_over(words: str, language: Language, *, alone: bool) -> str:
    """What is said once, on the screen of whoever asked for the report; `alone`: no other format was written."""
    say = Phrases(language)
    told = say.gettext("Passphrase of %(file)s, shown this once and kept nowhere: %(words)s", file=FILE, words=words)
    advice = say.gettext("Give it by another way than the file, and deliver the file by a share, not by mail.")
    rest = "" if alone else " " + say.gettext("The other formats are not encrypted.")
    return f"{told}\n{advice}{rest}"


def plain(words: str) -> str:
    """What the key is made of: lower case, no accents, single spaces, so that any keyboard can type it; sealed.js does the same."""
    bare = "".join(char for char in unicodedata.normalize("NFD", words.lower()) if not unicodedata.combining(char))
    return " ".join(bare.split())


def seal(page: str, words: str, language: Language) -> str:
    """The page that opens `page` with the words; RenderError when `page` has no policy to keep."""
    salt, nonce = os.urandom(16), os.urandom(12)
    key = hashlib.pbkdf2_hmac("sha256", plain(words).encode(), salt, _ROUNDS)
    content = AESGCM(key).encrypt(nonce, gzip.compress(page.encode("utf-8"), mtime=0), VERSION.encode())
    style, script = ((i18n.folder() / name).read_text(encoding="utf-8") for name in ("sealed.css", "sealed.js"))
    environment = Environment(
        loader=FileSystemLoader(i18n.folder()), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("sealed.html.j2").render(
        texts=[_texts(Phrases(spoken)) for spoken in sorted(Language, key=lambda spoken: spoken is not language)],
        policy=Markup(_policy(page, style, script)), style=Markup(style), script=Markup(script),  # noqa: S704 - our own files
        version=VERSION, rounds=_ROUNDS, salt=_text(salt), nonce=_text(nonce), content=_text(content),
    )  # fmt: skip


def _texts(say: Phrases) -> dict[str, str]:
    """The texts of the page that opens the report, in one language."""
    return {
        "language": say.language.value,
        "title": say.gettext("Sealed report"),
        "what": say.gettext(
            "This file holds an audit report, encrypted. Type the six words you were given apart from it; nothing leaves this computer."
        ),
        "words": say.gettext("Passphrase"),
        "open": say.gettext("Open"),
        "wrong": say.gettext(
            "This passphrase does not open the file: check the six words; if they are right, the file was altered, ask for it again."
        ),
        "old": say.gettext("This browser cannot decrypt the file: open it from disk with a current one."),
        "script": say.gettext("Opening it needs JavaScript."),
    }


def _policy(page: str, style: str, script: str) -> str:
    """The policy of the report, which also holds for what is written into this page later, and the hashes of this page's own parts."""
    found = _POLICY.search(page)
    if not found:
        raise RenderError(
            "the report has no policy; write it again without --seal.",
            fr="le rapport n’a pas de politique\u00a0; refaites-le sans --seal.",
        )
    policy = found[1]
    for directive, text in (("style-src", style), ("script-src", script)):
        own = f"{directive} 'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        policy = policy.replace(directive, own, 1) if directive in policy else f"{policy}; {own}"
    return policy


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
