"""Saved answers of Microsoft Graph: an export of a tenant that an administrator made, read like the live one."""

from __future__ import annotations

from collections.abc import Callable

from auditor.collect import entra_sign_ins
from auditor.collect.entra_graph import Folder
from auditor.collect.entra_tenant import Tenant
from auditor.config_entra import EntraFiles
from auditor.snapshot import Writer


def collect(settings: EntraFiles, writer: Writer, progress: Callable[[str, int], None]) -> None:
    """Fill the tables of a tenant; an address that was not saved leaves its tables absent."""
    graph = Folder(settings.path)
    Tenant(graph, writer, settings.name, settings.name, settings.professional_id_attribute, progress).collect(writer.as_of)
    if settings.sign_in_days:
        entra_sign_ins.collect(graph, writer, settings.name, settings.sign_in_days, progress)
