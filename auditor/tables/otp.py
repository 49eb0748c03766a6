"""OATH one-time password tokens, without their seeds. Meanings: RFC 4226 (HOTP), RFC 6238 (TOTP), the otpauth key URI format."""

from __future__ import annotations

from auditor.model import Text
from auditor.tables.schema import Table, flag, integer, text

_TOKENS = Text(
    en="Export the token inventory (otpauth addresses, or a table of hardware tokens with their seeds) under a source of type otp.",
    fr="Exporter l’inventaire des jetons (adresses otpauth, ou tableau de jetons matériels avec leurs graines) dans une source de type otp.",
)
_INPUTS = Text(
    en="This table is computed: complete the sources it comes from.",
    fr="Cette table est calculée : compléter les sources dont elle provient.",
)

OTP_TOKEN = Table(
    "otp_token",
    "Each one-time password token. Its seed is measured and compared while the file is read, then forgotten.",
    ("token_key",),
    (
        text(
            "token_key",
            "Stable id: source and serial number, or source, issuer and holder; the second of the same name ends in #2.",
            "otp:t1",
            personal="id",
        ),
        text("source", "Name of the source in audit.yaml.", "otp:test"),
        text("name", "Serial number, or issuer and holder.", "neutral token", personal="id"),
        text("holder", "Account name the token was made for, as written.", "neutral", personal="login"),
        text("kind", "totp (by time) or hotp (by counter).", "totp"),
        flag("hardware", "From a table of hardware tokens."),
        flag("active", "The inventory does not call it disabled, lost or revoked.", True),
        integer("seed_bits", "Length of the seed.", 160),
        integer("seed_group", "Tokens of one source with the same number hold the same seed; the number says nothing of the seed.", 1),
        text("algorithm", "SHA1, SHA256, SHA512, or as written; SHA1 when the file does not say, as the format has it.", "SHA1"),
        integer("digits", "Digits of a code; 6 when the file does not say, as the format has it.", 6),
        integer("period", "Seconds a code lasts; NULL with event_based true for a counter.", 30, absent_when="event_based"),
        flag("event_based", "The code depends on a counter, not on time."),
    ),
    _TOKENS,
)

TABLES = (OTP_TOKEN,)

TOKEN_ACCOUNT = Table(
    "token_account",
    "Each token and the directory account it belongs to: one row per token and account, or one that says none; no row without an inventory.",
    ("token_key", "account_key"),
    (
        text("token_key", "Token.", "otp:t1", personal="id"),
        text(
            "account_key",
            "Account whose logon name, principal name or mail address is the token's holder; empty when there is none.",
            personal="id",
        ),
        text("matched_by", "logon_name, principal_name, mail or none.", "logon_name"),
        flag("active", "As in otp_token.", True),
    ),
    _INPUTS,
    ("account",),
    enriched_by=("otp_token",),
    may_be_empty=True,
)

DERIVED_TABLES = (TOKEN_ACCOUNT,)
