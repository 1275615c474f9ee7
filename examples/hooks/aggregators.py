"""Aggregators: how often each answer was given, and by which hosts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from matahari.hooks import Aggregator, JsonValue, hookimpl


def _groups(values: Mapping[str, JsonValue]) -> JsonValue:
    groups: dict[str, list[JsonValue]] = {}
    for host, value in sorted(values.items()):
        groups.setdefault(json.dumps(value, sort_keys=True), []).append(host)
    return [{"value": json.loads(value), "hosts": hosts} for value, hosts in groups.items()]


@hookimpl
def aggregators() -> Sequence[Aggregator]:
    return [Aggregator("groups", "hosts with the same answer together", _groups)]
