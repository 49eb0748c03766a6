"""The clouds of Microsoft that hold tenants: where each signs in and answers, and what it does not offer.

What Bleu lacks comes from Microsoft's own description of it (v1.0-Bleu.csdl, August 2026): it has no `identity` root, no policy of
authentication methods and no verified publishers. An address is asked for all the same, because a cloud grows: the list only explains a
refusal. A property cannot be asked for, because one unknown name refuses the whole request.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Cloud:
    """`name` is what people call it; `lacks` holds addresses of Graph and properties of `/servicePrincipals`."""

    name: str
    login_url: str
    graph_url: str
    lacks: frozenset[str] = frozenset()

    def has(self, properties: Iterable[str]) -> str:
        """Those of `properties` that may be selected, as $select wants them."""
        return ",".join(name for name in properties if name not in self.lacks)


CLOUDS = {
    "global": Cloud("Microsoft", "https://login.microsoftonline.com", "https://graph.microsoft.com"),
    "us_government": Cloud("US Government", "https://login.microsoftonline.us", "https://graph.microsoft.us"),
    "china": Cloud("China", "https://login.partner.microsoftonline.cn", "https://microsoftgraph.chinacloudapi.cn"),
    "bleu": Cloud(
        "Bleu",
        "https://login.sovcloud-identity.fr",
        "https://graph.svc.sovcloud.fr",
        frozenset(("/policies/authenticationMethodsPolicy", "/identity/conditionalAccess/namedLocations", "verifiedPublisher")),
    ),
}
"""By the word that audit.yaml uses."""

ALIASES = {"/identity/conditionalAccess/policies": "/policies/conditionalAccessPolicies"}
"""A second address of the same objects, for a cloud without the first."""
