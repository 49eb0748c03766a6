"""Does the token of a break-glass account still work? Its code against its seed, at a drill, with how far its clock has drifted.

The seed is in memory while this runs and nowhere else: no message, no file, no exception holds any part of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pyotp
from pyotp.utils import strings_equal

from auditor.errors import ConfigError
from auditor.model import Text


def drift(seed: str, code: str, at: datetime, window: int) -> int | None:
    """How many steps the token is ahead of `at` (an aware time), negative when behind; None when no step within `window` gives `code`.

    `seed` is an otpauth:// address or a base32 seed of a six-digit, 30-second token. A counter is only looked for ahead of the one in
    the address. ConfigError when the seed or the code cannot be used.
    """
    wanted = "".join(code.split())
    if not (wanted.isascii() and wanted.isdigit()):
        raise ConfigError(
            "the code is not made of digits; type what the token shows.",
            fr="le code n’est pas fait de chiffres\u00a0; saisissez ce que le jeton affiche.",
        )
    token = _token(seed)
    if len(wanted) != token.digits:
        raise ConfigError(
            f"the code has {len(wanted)} digits, the token gives {token.digits}; type all of them.",
            fr=f"le code a {len(wanted)} chiffres, le jeton en donne {token.digits}\u00a0; saisissez-les tous.",
        )
    for steps in _steps(token, window):
        counter = token.timecode(at) if isinstance(token, pyotp.TOTP) else token.initial_count
        if counter + steps >= 0 and strings_equal(wanted, token.generate_otp(counter + steps)):
            return steps
    return None


def sentence(steps: int | None, window: int) -> Text:
    """What `drift` found, for the person at the drill."""
    if steps is None:
        return Text(
            f"no match within {window} steps: wrong code, wrong seed, or a clock too far off",
            f"aucune correspondance à {window} pas près\u00a0: code faux, graine fausse ou horloge trop décalée",
        )
    if steps == 0:
        return Text("match, no drift", "correspondance, sans décalage")
    return Text(f"match, steps of drift: {steps:+d}", f"correspondance, pas de décalage\u00a0: {steps:+d}")


def _token(seed: str) -> pyotp.TOTP | pyotp.HOTP:
    text = seed.strip()
    try:
        token = pyotp.parse_uri(text) if text.lower().startswith("otpauth:") else pyotp.TOTP("".join(text.split()).rstrip("="))
    except ValueError:
        # The exception of the library may quote what it was given.
        token = None
    if isinstance(token, (pyotp.TOTP, pyotp.HOTP)) and type(token) in (pyotp.TOTP, pyotp.HOTP):
        return token
    raise ConfigError(
        "the seed cannot be used; give an otpauth:// address or a base32 seed of at least 112 bits.",
        fr="la graine est inutilisable\u00a0; donnez une adresse otpauth:// ou une graine en base32 d’au moins 112 bits.",
    )


def _steps(token: pyotp.TOTP | pyotp.HOTP, window: int) -> Iterator[int]:
    """Nearest first."""
    yield 0
    for steps in range(1, window + 1):
        yield steps
        if isinstance(token, pyotp.TOTP):
            yield -steps
