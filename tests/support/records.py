"""Records of ``mhsh --json`` against their schema, strictly: keys that are not documented are faults."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any, Final

from jsonschema import Draft202012Validator

__all__ = ["KINDS", "SCHEMA", "faults"]

SCHEMA: Final[dict[str, Any]] = json.loads(files("matahari.shell").joinpath("records.schema.json").read_text())
PARTS: Final = ("error", "parameter", "part")  # stand within records
KINDS: Final = tuple(name for name in SCHEMA["$defs"] if name not in PARTS)

_STRICT: Final = {
    **SCHEMA,
    "$defs": {name: {**one, "additionalProperties": False} for name, one in SCHEMA["$defs"].items()},
}
Draft202012Validator.check_schema(SCHEMA)


def faults(kind: str, record: object) -> list[str]:
    """What is wrong with a record of that kind."""
    validator = Draft202012Validator({**_STRICT, "anyOf": [{"$ref": f"#/$defs/{kind}"}]})
    return [f"{kind}: {one.message}: {one.context or ''} in {record}" for one in validator.iter_errors(record)]
