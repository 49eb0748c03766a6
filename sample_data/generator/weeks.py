"""A week of the hospital as a folder that can be audited, with the difference from the week before it."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from pathlib import Path

from sample_data.generator import ageing, answers, hospital
from sample_data.generator.model import Hospital

WRITTEN = Path(__file__).parents[1] / "hospital"
"""What people wrote and the generator does not: audit.yaml and the like, as of week 1."""

_MOMENT = re.compile(r"\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")
_RELEASE = re.compile(r"(?<=activite_)\d{12}")


def build(seed: int, size: str, first: datetime, week: int) -> Hospital:
    """The hospital of a week; `first` is the audit instant of week 1."""
    return hospital.build(seed, size, first + timedelta(weeks=week - 1), week)


def files(seed: int, size: str, first: datetime, week: int) -> dict[str, bytes]:
    """Every file of the folder of that week. Without an earlier week there is no expected-diff.json."""
    content = hospital.files(build(seed, size, first, week))
    for path in sorted(WRITTEN.glob("*.yaml")):
        content[path.name] = path.read_bytes()
    content["audit.yaml"] = _moved(content["audit.yaml"].decode(), timedelta(weeks=week - 1)).encode()
    if week > 0:
        keys = [answers.key(build(seed, size, first, earlier)) for earlier in range(week)]
        expected = ageing.difference([*keys, json.loads(content["expected.json"])["rules"]])
        content["expected-diff.json"] = (json.dumps(expected, indent=1) + "\n").encode()
    return content


def _moved(text: str, by: timedelta) -> str:
    """audit.yaml with its moments and the names of registry releases moved along."""
    text = _MOMENT.sub(lambda found: f"{datetime.fromisoformat(found[0]) + by:%Y-%m-%dT%H:%M:%SZ}", text)
    return _RELEASE.sub(lambda found: f"{datetime.fromisoformat(f'{found[0][:8]}T{found[0][8:]}') + by:%Y%m%d%H%M}", text)
