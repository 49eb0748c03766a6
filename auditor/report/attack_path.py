"""The attack path that a chapter draws: how someone ordinary comes to control the directory, from the evidence of the findings alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from auditor.facts import Control, Facts
from auditor.model import Finding

RIGHTS = ("AD-ACL-001", "AD-ACL-002", "AD-ACL-004")
"""Rules whose findings say that `trustee_name`, who is not in tier 0, holds a `permission` on `name`, which is."""

MEMBER = "AD-HOS-014"
"""Rule whose findings say through which groups (`path`) a service account is a domain administrator."""

_MAX_STATIONS = 6


@dataclass(frozen=True)
class Edge:
    """How one station leads to the next: a permission or `member`, by a finding of `control`, whose remediation cuts it."""

    relation: str
    control: Control


@dataclass(frozen=True)
class AttackPath:
    """Stations from someone ordinary to control of the directory; `edges` has one fewer."""

    stations: tuple[str, ...]
    edges: tuple[Edge, ...]

    @property
    def cut(self) -> int:
        """Position of the edge that costs the fewest hours to cut, the first of equals."""
        return min(range(len(self.edges)), key=lambda place: self.edges[place].control.hours)


def of(facts: Facts) -> AttackPath | None:
    """The longest path that two findings make together (a right over a service account that is itself an administrator), else one
    that a single right makes; None when no such rule has a finding that counts."""
    failing = {control.rule.id: control for control in facts.failing}
    members = failing[MEMBER].confirmed if MEMBER in failing else ()
    paths = (path for rule in RIGHTS if rule in failing for path in _paths(failing[rule], members, failing.get(MEMBER)))
    known = [path for path in paths if len(path.stations) <= _MAX_STATIONS and all(path.stations)]
    return min(known, key=lambda path: (-len(path.stations), path.stations), default=None)


def _paths(control: Control, members: tuple[Finding, ...], membership: Control | None) -> Iterator[AttackPath]:
    accounts = {member.resource: member for member in members}
    for finding in control.confirmed:
        held = finding.evidence
        start, end = str(held.get("trustee_name") or ""), str(held.get("name") or "")
        right = Edge(str(held.get("permission", "dcsync")), control)
        # The resource of a right is object/trustee/permission; that of a membership is the object.
        member = accounts.get(finding.resource.split("/")[0])
        if member and membership and (groups := str(member.evidence.get("path") or "")):
            names = groups.split(" > ")
            yield AttackPath((start, end, *names), (right, *(Edge("member", membership) for _ in names)))
        else:
            yield AttackPath((start, end), (right,))
