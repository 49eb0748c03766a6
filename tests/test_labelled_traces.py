"""Real attacks on real Windows machines, labelled: what the LOG rules claim they see, and quiet where nothing happened."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.model import Severity, Verdict
from tests.collect.traces import MISSED, SEVERITY, Trace, judged, needed, raised, traces


def test_the_traces_are_there_and_cover_the_core() -> None:
    needed()
    assert len(traces()) > 40
    assert {"LOG-001", "LOG-002", "LOG-005", "LOG-020", "LOG-034", "LOG-050", "LOG-051", "LOG-060"} <= {
        r for t in traces() for r in t.expected
    }
    assert sum(trace.quiet for trace in traces()) >= 4


@pytest.mark.slow
@pytest.mark.parametrize("trace", traces() or [None], ids=lambda trace: trace.path.name if trace else "absent")
def test_a_trace_raises_what_its_label_says(trace: Trace | None, tmp_path: Path) -> None:
    needed()
    assert trace
    run = judged(trace.path, tmp_path)
    assert not any(judged.verdict is Verdict.ERROR for judged in run.assessments)
    found = raised(run)
    assert trace.expected - found == MISSED.get(trace.path.name, {}).keys()
    if trace.quiet:
        assert {rule for rule in found if SEVERITY[rule] in (Severity.HIGH, Severity.CRITICAL)} == set()
