"""Healthcare identity-access hardening auditor: who can get in, how they prove themselves, what should be closed first."""

__version__ = "0.1.0"
