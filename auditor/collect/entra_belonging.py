"""Whether users and registrations are all of this tenant: saved pages may come from another one, or from another day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from auditor import safe
from auditor.collect.entra_graph import Item
from auditor.collect.entra_rows import objects, text
from auditor.model import Text

STRAY_SHARE = 0.01
"""Share of registrations whose user is not listed above which a page is missing or of another tenant. A few are usual: the report of Entra
is renewed later than the list, so that it still names users who have just been deleted."""


def domains(organization: Item) -> frozenset[str]:
    """Domains that names of users may end with (organization.verifiedDomains), in lower case; empty when they were not read."""
    return frozenset(name.lower() for domain in objects(organization, "verifiedDomains") if (name := text(domain, "name")))


def other_domain(user_principal_name: object, own: Collection[str]) -> str:
    """The domain of a user's name when it is none of `own`; empty for guests, and when `own` is not known."""
    name = str(user_principal_name or "").lower()
    domain = name.rpartition("@")[2]
    return "" if not own or not domain or domain in own or "#ext#" in name else domain


def foreign(found: Counter[str]) -> Text:
    """What is said of users by their foreign domain."""
    count, domain = found.total(), safe.visible(min(found))[:100]
    return Text(
        f"{count} users bear a domain that is not of this tenant (first {domain}): a page may be of another tenant",
        f"{count} utilisateurs portent un domaine qui n’est pas de ce tenant (d’abord {domain})\u00a0: "
        "une page est peut-être d’un autre tenant",
    )


def strays(count: int) -> Text:
    """What is said of registrations whose user is not listed."""
    return Text(
        f"{count} registrations of authentication methods name users who are not in the list of users: "
        "deleted since, or a page is missing or of another tenant",
        f"{count} inscriptions de méthodes d’authentification citent des utilisateurs absents de la liste des utilisateurs\u00a0: "
        "supprimés depuis, ou une page manque ou vient d’un autre tenant",
    )
