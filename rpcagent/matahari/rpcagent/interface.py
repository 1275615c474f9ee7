"""What is published of a plugin's methods: their place in its class, their schemas, and the digest of these. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from matahari.hostproto import MethodSpec
from matahari.qmf import Method, Property, PropertyType, Value

__all__ = ["described", "method_of", "schema_digest"]


def method_of(spec: MethodSpec) -> Method:
    """The method in the plugin's class."""
    # 2012 declared both arguments without a default; here both may be left out, which no console notices.
    return Method(
        spec.name,
        spec.doc.strip().partition("\n")[0],
        (
            Property("args", PropertyType.LIST, optional=True, description="Positional arguments, each a JSON text"),
            Property("kwargs", PropertyType.MAP, optional=True, description="Named arguments, each a JSON text"),
            Property("result", PropertyType.STRING, direction="O", description="Return value as a JSON text"),
        ),
    )


def described(spec: MethodSpec) -> dict[str, Value]:
    """The entry of the property ``methods``; schemas are JSON texts."""
    entry: dict[str, Value] = {"params": json.dumps(spec.params), "doc": spec.doc}
    if spec.result is not None:
        entry["result"] = json.dumps(spec.result)
    if spec.effects:
        entry["effects"] = dict(spec.effects)
    if spec.timeout is not None:
        entry["timeout"] = spec.timeout
    if spec.sensitive:
        entry["sensitive"] = list(spec.sensitive)
    if spec.streams:
        entry["streams"] = True
    return entry


def schema_digest(specs: Iterable[MethodSpec]) -> str:
    """SHA-256 of what callers depend on, as ``sha256:`` and hexadecimal digits.

    It is that of canonical JSON (keys sorted, no blanks, UTF-8): a map from the name of each method to its entry of
    ``methods`` without ``doc``, with the schemas as JSON values instead of texts. So whoever reads the property can
    compute it, and neither another docstring nor another order of the methods changes it.
    """
    found: dict[str, dict[str, object]] = {}
    for spec in specs:
        entry: dict[str, object] = {**described(spec), "params": spec.params}
        del entry["doc"]
        if spec.result is not None:
            entry["result"] = spec.result
        found[spec.name] = entry
    text = json.dumps(found, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"sha256:{hashlib.sha256(text.encode('utf-8', 'backslashreplace')).hexdigest()}"
