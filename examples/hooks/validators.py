"""Validators: checks of values by name."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from matahari.hooks import JsonValue, Validator, hookimpl


def _ip_address(value: JsonValue) -> str:
    try:
        ipaddress.ip_address(str(value))
    except ValueError as error:
        return str(error)
    return ""


@hookimpl
def validators() -> Sequence[Validator]:
    return [Validator("ip_address", "an IPv4 or IPv6 address", _ip_address)]
