"""Square's official API description, read where it lies; nothing of it is part of this project."""

from __future__ import annotations

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from jsonschema import Draft4Validator

_BESIDE = Path(__file__).resolve().parents[3] / "shared" / "specs"
WHERE = Path(os.environ.get("PAYWELL_SPECS") or _BESIDE) / "square-openapi-trimmed.json"
ABSENT = f"Square's API description is not at {WHERE.parent.name}/{WHERE.name} beside the project."


@cache
def read_description() -> dict[str, Any] | None:
    """The description; None where it is absent: then the requests are not judged."""
    return json.loads(WHERE.read_text()) if WHERE.exists() else None


def find_operation(method: str, path: str) -> dict[str, Any] | None:
    """What the description says about this request. None where it (trimmed as it is) says nothing."""
    description = read_description()
    for pattern, operations in (description or {}).get("paths", {}).items():
        wanted = re.sub(r"\\?\{[^}]*\}", "[^/]+", re.escape(pattern).replace(r"\{", "{").replace(r"\}", "}"))
        if re.fullmatch(wanted, path) and method.lower() in operations:
            return dict(operations[method.lower()])
    return None


def find_problems(method: str, path: str, query: str, body: bytes) -> list[str]:
    """Where the request goes against the description. Fields that it does not know count, too."""
    description, operation = read_description(), find_operation(method, path)
    if description is None or operation is None:
        return []
    known = {each["name"] for each in operation.get("parameters", []) if each["in"] == "query"}
    problems = [f"query {name}" for name, _ in parse_qsl(query) if name not in known]
    if not body:
        return problems
    value = json.loads(body)
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    validator = Draft4Validator({**schema, "components": description["components"]})
    problems += [f"{'/'.join(map(str, error.path))}: {error.message}" for error in validator.iter_errors(value)]
    name = schema["$ref"].rpartition("/")[2]
    properties = description["components"]["schemas"][name].get("properties", {})
    return problems + [f"unknown {key}" for key in value if key not in properties]
