"""The referee of the Graph emulator: Microsoft's own description of Graph v1.0, read where it lies, never copied.

Known false refusals of the description are lifted: null members, flag enumerations, nested expands (see its README). Names that it does not
check (unknown properties of an answer) are checked here.
"""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse

DESCRIPTION = Path(os.environ.get("GRAPH_DESCRIPTION", Path(__file__).parents[3] / "shared/data/graph/graph-v1.0-subset.openapi.yaml"))
HOST, VERSION = "https://graph.microsoft.com", "/v1.0"
_FLAGS = {"guestOrExternalUserTypes", "transferMethod", "transferMethods", "insiderRiskLevels", "allowedCombinations"}


@cache
def _loaded() -> tuple[OpenAPI, dict[str, Any]]:
    document = yaml.load(DESCRIPTION.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return OpenAPI.from_dict(document), document


def check(method: str, path: str, query: dict[str, list[str]], status: int, body: object) -> None:
    """An exception of openapi-core, or ValueError, when Graph would not take the request or not give the answer."""
    args = {name: values[0] for name, values in query.items() if name not in ("$skiptoken",)}
    said = {name: value for name, value in body.items() if name != "@odata.nextLink"} if isinstance(body, dict) else body
    _judge(method, path, json.dumps(args), status, json.dumps(said))


@cache
def _judge(method: str, path: str, options: str, status: int, answer: str) -> None:
    """The same exchange is judged once: most tests ask for the same tenant."""
    described, document = _loaded()
    args, body = json.loads(options), json.loads(answer)
    request = MockRequest(HOST, method.lower(), f"{VERSION}{path}", args=args, view_args={})
    described.validate_request(request)
    response = MockResponse(json.dumps(lenient(body)).encode(), status_code=status, content_type="application/json")
    described.validate_response(request, response)
    if status == 200:
        _known_names(document, path, body)


def lenient(node: Any, key: str = "") -> Any:
    """A copy without nulls and with flag enumerations cut to their first member."""
    if isinstance(node, dict):
        return {name: lenient(value, name) for name, value in node.items() if value is not None}
    if isinstance(node, list):
        return [lenient(value, key) for value in node if value is not None]
    return node.split(",")[0] if key in _FLAGS and isinstance(node, str) else node


def _known_names(document: dict[str, Any], path: str, body: object) -> None:
    """The properties that the emulator sends are properties of the description."""
    template = next((t for t in document["paths"] if _matches(t, path)), None)
    if template is None:
        raise ValueError(f"{path} is not described")
    answers = document["paths"][template]["get"]["responses"]
    code = next(code for code in answers if str(code).startswith("2"))
    schema = _resolved(document, answers[code])["content"]["application/json"]["schema"]
    names = _properties(document, schema)
    if "value" in names and isinstance(body, dict) and isinstance(body.get("value"), list):
        items = _properties(document, _resolved(document, names["value"])["items"])
        unknown = {key for item in body["value"] for key in item if "@" not in key} - items.keys()
        # Named locations and members of groups are derived types, which the description leaves out.
        if unknown and "namedLocations" not in path and "transitiveMembers" not in path:
            raise ValueError(f"{path}: no property {sorted(unknown)}")


def _matches(template: str, path: str) -> bool:
    wanted, given = template.strip("/").split("/"), path.strip("/").split("/")
    return len(wanted) == len(given) and all(w == g or w.startswith("{") for w, g in zip(wanted, given, strict=True))


def _resolved(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        found: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node


def _properties(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    node = _resolved(document, node)
    found = dict(node.get("properties", {}))
    for part in (*node.get("allOf", ()), *node.get("anyOf", ())):
        found |= _properties(document, part)
    return found
