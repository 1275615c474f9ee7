"""What all agents of one process share: extensions, the gate of calls, the facts of the host."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass

from matahari.agent import Gate
from matahari.config import Settings, private_directory
from matahari.facts import FactKeeper, Facts, builtin_facts
from matahari.hooks import (
    AuditLog,
    BrokerRule,
    Extensions,
    OfferedLanguage,
    OwnerRule,
    Threads,
    find_languages,
    find_validators,
)
from matahari.shell.service.hooks import load_extensions

__all__ = ["AUDIT_FILE", "Surroundings", "surround"]

_log = logging.getLogger(__name__)

AUDIT_FILE = "audit.log"
"""Name of the audit log below the state directory."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """See the module."""

    extensions: Extensions
    gate: Gate
    facts: FactKeeper
    languages: tuple[OfferedLanguage, ...]


@contextlib.asynccontextmanager
async def surround(settings: Settings, hostname: str | None) -> AsyncIterator[Surroundings]:
    """Load, open and in the end close what agents need.

    Args:
        hostname: the name under which the host appears, None for the system's.

    Raises:
        ConfigError: the audit log cannot be opened.
    """
    extensions = load_extensions(settings)
    for failure in extensions.failures:
        _log.error("not loaded: %s", failure)
    for provider in extensions.providers:
        _log.info("extension %s (%s): %s", provider.name, provider.origin, ", ".join(provider.hooks))
    threads = Threads()
    validators, faults = await find_validators(extensions, threads)
    languages, more_faults = await find_languages(extensions, threads)
    for fault in (*faults, *more_faults):
        _log.error("%s", fault)
    audit = None
    if settings.audit != "off":
        consequence = "calls go on" if settings.audit == "on" else "only calls known to be read-only go on"
        audit = AuditLog(settings.state / AUDIT_FILE, extensions, consequence=consequence)
    if audit is not None:
        private_directory(settings.state)
        audit.start()
    facts = Facts(settings.facts, extensions, builtin=builtin_facts(hostname))
    keeper = FactKeeper(facts, extensions, threads, interval=settings.facts_interval)
    gate = Gate(
        extensions,
        threads,
        BrokerRule() if settings.authorisation == "broker" else OwnerRule(),
        audit=audit,
        audit_required=settings.audit == "required",
        validators=validators,
    )
    try:
        yield Surroundings(extensions, gate, keeper, languages)
    finally:
        keeper.stop()
        if audit is not None:
            await asyncio.to_thread(audit.close)
