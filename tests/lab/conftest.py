"""Running domain controllers for tests. Each is restored from a snapshot under .lab/, made once per state of the files it comes from."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.lab import samba
from tests.lab.samba import Lab

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".lab"
CLINIC = Path(__file__).with_name("clinic.ldif")
HOSPITAL = ROOT / "sample_data" / "hospital" / "directory" / "chu-valdore.ldif"
SCRIPTS = (Path(samba.__file__), Path(__file__).with_name("ldif.py"))

_numbers = itertools.count(os.getpid() * 16)


def new_address() -> str:
    """A loopback address of this process alone: LDAP ports are fixed, so controllers that run at once differ by address."""
    number = next(_numbers)
    return "127." + ".".join(str(1 + number // 254**place % 254) for place in (2, 1, 0))


def snapshot_of(ldif: Path) -> Path:
    """The archive of a controller that holds `ldif` and the audit accounts; made when there is none yet, by one worker."""
    if reason := samba.missing():
        pytest.skip(reason)
    import fcntl  # after the check: there is none on Windows

    CACHE.mkdir(exist_ok=True)
    key = sha256(b"".join(path.read_bytes() for path in (ldif, *SCRIPTS))).hexdigest()[:16]
    archive = CACHE / f"{ldif.stem}-{key}.tar"
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not archive.exists():
            with TemporaryDirectory(prefix="lab-") as build:
                lab = Lab.provision(Path(build), new_address())
                lab.load_ldif(ldif)
                lab.add_readers()
                lab.snapshot(archive)
            for old in CACHE.glob(f"{ldif.stem}-*.tar"):
                if old != archive:
                    old.unlink()
    return archive


@contextmanager
def restored(snapshot: Path) -> Iterator[Lab]:
    """A stopped controller of its own; stopped again and erased at the end (the hospital's takes 280 MB)."""
    with TemporaryDirectory(prefix="lab-") as folder:
        lab = Lab.restore(snapshot, Path(folder), new_address())
        try:
            yield lab
        finally:
            lab.stop()


@pytest.fixture(scope="session")
def lab_snapshot() -> Path:
    """A small domain with one object of each shape."""
    return snapshot_of(CLINIC)


@pytest.fixture(scope="session")
def dc(lab_snapshot: Path) -> Iterator[Lab]:
    """The small domain, running; tests only read it."""
    with restored(lab_snapshot) as lab:
        lab.start()
        yield lab


@pytest.fixture
def own_dc(lab_snapshot: Path) -> Iterator[Lab]:
    """The small domain, stopped, for one test to change and start."""
    with restored(lab_snapshot) as lab:
        yield lab


@pytest.fixture(scope="session")
def hospital_dc() -> Iterator[Lab]:
    """The sample hospital, running; tests only read it."""
    with restored(snapshot_of(HOSPITAL)) as lab:
        lab.start()
        yield lab
