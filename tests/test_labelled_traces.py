"""Real attacks on real Windows machines, labelled: what the LOG rules claim they see, and quiet where nothing happened."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.model import Severity, Verdict
from tests.collect.traces import RULES, Trace, judged, needed, traces

MISSED = {
    # Many additions to ordinary groups: staff arrivals look the same, only privileged groups are judged.
    "e2m_ID4728-Massive_account_group_membership_change.evtx": {"LOG-050"},
    # Windows itself adds the first user while it is being installed.
    "new-user-security.evtx": {"LOG-050"},
}
"""Labels that the rules do not reach, on purpose; a label that comes within reach must leave this list."""

SEVERITY = {rule.id: rule.severity for rule in RULES}


def test_the_traces_are_there_and_cover_the_core() -> None:
    needed()
    assert len(traces()) > 40
    assert {"LOG-001", "LOG-002", "LOG-005", "LOG-020", "LOG-050", "LOG-051", "LOG-060"} <= {r for t in traces() for r in t.expected}
    assert sum(trace.quiet for trace in traces()) >= 2


@pytest.mark.slow
@pytest.mark.parametrize("trace", traces() or [None], ids=lambda trace: trace.path.name if trace else "absent")
def test_a_trace_raises_what_its_label_says(trace: Trace | None, tmp_path: Path) -> None:
    needed()
    assert trace
    run = judged(trace.path, tmp_path)
    assert not any(judged.verdict is Verdict.ERROR for judged in run.assessments)
    raised = {assessed.rule for assessed in run.assessments if any(finding.confirmed for finding in assessed.findings)}
    assert trace.expected - raised == MISSED.get(trace.path.name, set())
    if trace.quiet:
        assert {rule for rule in raised if SEVERITY[rule] in (Severity.HIGH, Severity.CRITICAL)} == set()
