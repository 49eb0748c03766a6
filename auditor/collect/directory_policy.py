"""Password policies of the domain and of password settings objects. Source: MS-ADTS 3.1.1.3.2 and 3.1.1.5.2.2 (dSHeuristics)."""

from __future__ import annotations

from datetime import timedelta

from auditor.collect import directory_values as values
from auditor.collect.directory_entry import Entry, Row

REQUIRED = ("min_password_length", "password_history_length", "passwords_never_expire", "complexity_enabled", "lockout_threshold")
"""Columns without which the policy of a domain was not really read."""

_DAY, _MINUTE = timedelta(days=1), timedelta(minutes=1)


def domain_row(entry: Entry) -> Row:
    """The domain's own policy, without what the configuration partition says."""
    properties = entry.value("pwdproperties", values.integer)
    days, unlimited = _longest_age(entry, "maxpwdage")
    return {
        "dns_name": ".".join(part[3:] for part in values.naming_context(entry.name).split(",")),
        "functional_level": entry.value("msds-behavior-version", values.integer),
        "min_password_length": entry.value("minpwdlength", values.integer),
        "password_history_length": entry.value("pwdhistorylength", values.integer),
        "max_password_age_days": days,
        "passwords_never_expire": unlimited,
        "min_password_age_days": _whole(entry, "minpwdage", _DAY),
        "complexity_enabled": None if properties is None else bool(properties & 1),
        "reversible_encryption": None if properties is None else bool(properties & 16),
        "lockout_threshold": entry.value("lockoutthreshold", values.integer),
        "lockout_window_minutes": _whole(entry, "lockoutobservationwindow", _MINUTE),
        "machine_account_quota": entry.value("ms-ds-machineaccountquota", values.integer),
    }


def settings_row(entry: Entry) -> Row:
    """A fine-grained policy, without its key and source."""
    days, unlimited = _longest_age(entry, "msds-maximumpasswordage")
    return {
        "name": entry.value("name", values.exact_text) or entry.value("cn", values.exact_text),
        "precedence": entry.value("msds-passwordsettingsprecedence", values.integer),
        "min_password_length": entry.value("msds-minimumpasswordlength", values.integer),
        "password_history_length": entry.value("msds-passwordhistorylength", values.integer),
        "max_password_age_days": days,
        "passwords_never_expire": unlimited,
        "complexity_enabled": entry.value("msds-passwordcomplexityenabled", values.boolean),
        "reversible_encryption": entry.value("msds-passwordreversibleencryptionenabled", values.boolean),
        "lockout_threshold": entry.value("msds-lockoutthreshold", values.integer),
        "target_count": len(entry.texts("msds-psoappliesto")) or (0 if entry.known_absent("msds-psoappliesto") else None),
    }


def recycle_bin(entry: Entry) -> bool:
    """Whether the object lists the Recycle Bin among the enabled features of the forest."""
    return bool(entry.has("msds-enabledfeature", b"cn=recycle bin feature,"))


def _longest_age(entry: Entry, attribute: str) -> tuple[int | None, bool | None]:
    """(days, unlimited); both None when it is not known."""
    read = entry.value(attribute, lambda raw: (values.interval(raw),))
    if read is None:
        return None, None
    return (None, True) if read[0] is None else (read[0] // _DAY, False)


def _whole(entry: Entry, attribute: str, unit: timedelta) -> int | None:
    """An interval in whole units; 0 when it is unset."""
    length = entry.value(attribute, lambda raw: values.interval(raw) or timedelta())
    return None if length is None else length // unit
