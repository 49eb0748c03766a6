"""python -m sample_data.generator --seed 20261120 --size full --out sample_data/hospital"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from sample_data.generator import hospital, weeks

SEED, AS_OF = 20261120, datetime(2026, 11, 20, 6, 0)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def main() -> None:
    """Write the sample hospital."""
    parser = argparse.ArgumentParser(prog="python -m sample_data.generator", description="Write the fictitious hospital group.")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--size", choices=sorted(hospital.SIZES), default="full")
    parser.add_argument("--as-of", type=_moment, default=AS_OF, help="audit instant, UTC; every date is relative to it")
    parser.add_argument("--out", type=Path, default=Path("sample_data/hospital"))
    parser.add_argument("--week", type=int, choices=range(3), help="a folder to audit of that week; --as-of is the instant of week 1")
    options = parser.parse_args()
    if options.week is None:
        content = hospital.files(hospital.build(options.seed, options.size, options.as_of))
    else:
        content = weeks.files(options.seed, options.size, options.as_of, options.week)
    hospital.write(options.out, content)


if __name__ == "__main__":
    main()
