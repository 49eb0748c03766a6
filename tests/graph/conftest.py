"""A small tenant, its emulator, and a collection from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import trustme

from auditor.collect import entra_graph
from auditor.config_entra import Entra
from sample_data.generator import entra, entra_pages, hospital
from tests.collect.files import run
from tests.graph import emulator
from tests.graph.emulator import CLIENT, SECRET, TENANT, Emulator
from tests.graph.reading import Live


@pytest.fixture(scope="session")
def pages() -> dict[str, bytes]:
    """A small tenant of the sample's kind."""
    return entra_pages.files(entra.plan(hospital.build(7, "small", datetime(2026, 11, 20, 6))))


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tenant(pages: dict[str, bytes], authority: trustme.CA) -> Iterator[Emulator]:
    with emulator.running(Emulator.of_pages(pages), authority) as started:
        yield started
    assert started.writes == []


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waits between retries, which take no time here."""
    asked: list[float] = []
    monkeypatch.setattr(entra_graph, "sleep", asked.append)
    return asked


@pytest.fixture
def source(tenant: Emulator, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Entra]:
    """Settings that read the tenant with a client secret, unless told otherwise."""
    monkeypatch.setenv("TEST_ENTRA_SECRET", SECRET)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")

    def settings(**changes: Any) -> Entra:
        return Entra.model_validate({
            "type": "entra", "tenant": TENANT, "client_id": CLIENT, "sign_in": "secret", "secret": {"env": "TEST_ENTRA_SECRET"},
            "login_url": tenant.url, "graph_url": tenant.url, "ca_file": tmp_path / "ca.pem", "deadline": 20, **changes,
        })  # fmt: skip

    return settings


@pytest.fixture
def live(source: Callable[..., Entra], tmp_path: Path, waits: list[float]) -> Live:
    """Collects the tenant with the settings of `source`."""
    return lambda **changes: run(source(**changes), tmp_path)
