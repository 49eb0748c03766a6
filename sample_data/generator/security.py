"""Security descriptors of the objects everything depends on, from SDDL (MS-DTYP 2.5.1) to bytes (MS-DTYP 2.4.6)."""

from __future__ import annotations

import re
import struct
import uuid

from sample_data.generator.identifiers import sid_bytes
from sample_data.generator.model import DOMAIN_SID, PROTECTED, Account, Group, Hospital

FULL_CONTROL = "RPWPCRCCDCLCLORCWOWDSDDTSW"
_CONTROL_WITHOUT_TREE = "RPWPCRCCLCLORCWOWDSDSW"
_MEMBER_OF_TIER_0 = "RPWPCRCCLCLORCWOWDSW"

_RIGHTS = {
    "CC": 0x1, "DC": 0x2, "LC": 0x4, "SW": 0x8, "RP": 0x10, "WP": 0x20, "DT": 0x40, "LO": 0x80, "CR": 0x100,
    "SD": 0x10000, "RC": 0x20000, "WD": 0x40000, "WO": 0x80000,
}  # fmt: skip
_FLAGS = {"OI": 0x1, "CI": 0x2, "NP": 0x4, "IO": 0x8, "ID": 0x10}
_TYPES = {"A": 0, "D": 1, "OA": 5, "OD": 6}
_TRUSTEES = {
    "WD": "S-1-1-0", "AU": "S-1-5-11", "PS": "S-1-5-10", "SY": "S-1-5-18", "ED": "S-1-5-9", "BA": "S-1-5-32-544", "AO": "S-1-5-32-548",
    "PO": "S-1-5-32-550", "RU": "S-1-5-32-554", "TB": "S-1-5-32-557", "WAA": "S-1-5-32-560", "TS": "S-1-5-32-561",
    "DA": f"{DOMAIN_SID}-512", "EA": f"{DOMAIN_SID}-519", "DD": f"{DOMAIN_SID}-516", "CP": f"{DOMAIN_SID}-517", "ER": f"{DOMAIN_SID}-498",
}  # fmt: skip

_CHANGE_OWN = "ab721a53-1e2f-11d0-9819-00aa0040529b"
_CERTIFICATE, _TOKEN_GROUPS = "bf967a7f-0de6-11d0-a285-00aa003049e2", "46a9b11d-60ae-405a-b7e8-ff8a58d456d2"
_REPLICATION = ("1131f6aa", "1131f6ab", "1131f6ac", "1131f6ae")

_STAMPED = (
    f"(A;;RPLCLORC;;;AU)(A;;{FULL_CONTROL};;;SY)(A;;{_MEMBER_OF_TIER_0};;;DA)(A;;{_MEMBER_OF_TIER_0};;;EA)(A;;{_CONTROL_WITHOUT_TREE};;;BA)"
    f"(OA;;CR;{_CHANGE_OWN};;PS)(OA;;CR;{_CHANGE_OWN};;WD)(OA;;RPWP;{_CERTIFICATE};;CP)(OA;;RP;{_TOKEN_GROUPS};;WAA)"
    "(OA;;RPWP;6db69a1c-9422-11d1-aebd-0000f80367c1;;TS)"
)
"""What AdminSDHolder holds by default, and stamps on protected accounts and groups."""

_CONTROLLER = (
    f"(A;;{FULL_CONTROL};;;DA)(A;;{FULL_CONTROL};;;AO)(A;;{FULL_CONTROL};;;SY)(A;;RPLCLORC;;;AU)(OA;;CR;{_CHANGE_OWN};;WD)(A;;CCDC;;;PS)"
    f"(OA;;CCDC;bf967aa8-0de6-11d0-a285-00aa003049e2;;PO)(OA;;RPWP;{_CERTIFICATE};;CP)(OA;;SW;f3a64788-5306-11d1-a9c5-0000f80367c1;;PS)"
    f"(OA;;RPWP;77b5b886-944a-11d1-aebd-0000f80367c1;;PS)(OA;;SW;72e39547-7b18-11d1-adef-00c04fd8d5cd;;PS)(OA;;RP;{_TOKEN_GROUPS};;WAA)"
    f"(A;CIID;{FULL_CONTROL};;;EA)(A;CIID;LC;;;RU)(A;CIID;{_CONTROL_WITHOUT_TREE};;;BA)"
)
_DOMAIN = (
    "(OA;;CR;1131f6aa-9c07-11d1-f79f-00c04fc2dcd2;;ER)(OA;;CR;1131f6ad-9c07-11d1-f79f-00c04fc2dcd2;;DD)"
    + "".join(f"(OA;;CR;{right}-9c07-11d1-f79f-00c04fc2dcd2;;{who})" for who in ("BA", "ED") for right in _REPLICATION)
    + "(OA;;CR;1131f6ad-9c07-11d1-f79f-00c04fc2dcd2;;BA)(OA;;CR;89e95b76-444d-4c62-991a-0facbeda640c;;BA)"
    "(OA;;CR;89e95b76-444d-4c62-991a-0facbeda640c;;ED)(OA;;CR;e2a36dc9-ae17-47c3-b58b-be34c55ba633;;TB)"
    "(OA;;RP;c7407360-20bf-11d0-a768-00aa006e0529;;RU)(OA;;RP;b8119fd0-04f6-4762-ab7a-4986c76b3f9a;;RU)"
    "(OA;;CR;05c74c5e-4deb-43b4-bd9f-86664c2a7fd5;;AU)(OA;;CR;ccc2dc7d-a6ad-4a7a-8846-c04e3cc53501;;AU)"
    "(OA;;CR;280f369c-67c7-438e-ae98-1d46f3c6f541;;AU)(OA;;RP;b8119fd0-04f6-4762-ab7a-4986c76b3f9a;;AU)"
    "(OA;CIIO;RPLCLORC;;bf967a9c-0de6-11d0-a285-00aa003049e2;RU)(OA;CIIO;RPLCLORC;;bf967aba-0de6-11d0-a285-00aa003049e2;RU)"
    f"(A;;{_MEMBER_OF_TIER_0};;;DA)(A;CI;{FULL_CONTROL};;;EA)(A;;RPRC;;;RU)(A;CI;LC;;;RU)(A;CI;{_CONTROL_WITHOUT_TREE};;;BA)"
    f"(A;;RP;;;WD)(A;;RPLCLORC;;;ED)(A;;RPLCLORC;;;AU)(A;;{FULL_CONTROL};;;SY)"
)
_DACL_PRESENT, _DACL_PROTECTED, _SELF_RELATIVE = 0x4, 0x1000, 0x8000


def descriptor(owner: str, dacl: str, *, protected: bool) -> bytes:
    """The self-relative descriptor of that owner and access list."""
    owner_bytes = sid_bytes(_TRUSTEES.get(owner, owner))
    entries = [_ace(text) for text in re.findall(r"\(([^)]*)\)", dacl)]
    body = b"".join(entries)
    acl = struct.pack("<BBHHH", 4, 0, 8 + len(body), len(entries), 0) + body
    control = _SELF_RELATIVE | _DACL_PRESENT | (_DACL_PROTECTED if protected else 0)
    return struct.pack("<BBHLLLL", 1, 0, control, 20, 0, 0, 20 + len(owner_bytes)) + owner_bytes + acl


def _ace(text: str) -> bytes:
    kind, flags, rights, object_type, inherited_type, trustee = text.split(";")
    mask = sum(_RIGHTS[rights[i : i + 2]] for i in range(0, len(rights), 2))
    body = struct.pack("<L", mask)
    if kind in ("OA", "OD"):
        body += struct.pack("<L", bool(object_type) + 2 * bool(inherited_type))
        body += b"".join(uuid.UUID(guid).bytes_le for guid in (object_type, inherited_type) if guid)
    body += sid_bytes(_TRUSTEES.get(trustee, trustee))
    flag_bits = sum(_FLAGS[flags[i : i + 2]] for i in range(0, len(flags), 2))
    return struct.pack("<BBH", _TYPES[kind], flag_bits, 4 + len(body)) + body


def allowed_to_act(accounts: list[Account]) -> bytes:
    """msDS-AllowedToActOnBehalfOfOtherIdentity: a descriptor whose access list names who may impersonate."""
    return descriptor("BA", "".join(f"(A;;{FULL_CONTROL};;;{account.sid})" for account in accounts), protected=False)


def of_object(hospital: Hospital, target: Account | Group | str) -> bytes:
    """Default descriptor of the object with what was planted on it: denials first, then the rest, then inherited entries."""
    owner = "BA" if target == PROTECTED[0] else "DA"
    base = _DOMAIN if target == PROTECTED[0] else _STAMPED
    if isinstance(target, Account) and target.is_domain_controller:
        base = _CONTROLLER
    planted = ""
    for grant in hospital.grants:
        if grant.target is target or grant.target == target:
            if grant.ace == "owner":
                owner = grant.trustee.sid
            else:
                planted += grant.ace.format(sid=grant.trustee.sid)
    entries = re.findall(r"\([^)]*\)", planted)
    denials = [entry for entry in entries if entry.startswith(("(D;", "(OD;"))]
    grants = [entry for entry in entries if entry not in denials]
    return descriptor(owner, "".join((*denials, *grants, base)), protected=base is _STAMPED)
