"""Who may run what: the extensions are asked first, then the rule of the house.

One refusal refuses, whoever else allows; an extension that fails refuses too, because what it would have said is
not known. Where no extension has an opinion, :class:`OwnerRule` decides.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable
from typing import Final

from .calls import HOOK_TIMEOUT, Outcome, call_all_within
from .extensions import Extensions
from .records import ActionRequest, Decision
from .specifications import AUTHORISE
from .threads import Threads

__all__ = ["BrokerRule", "OwnerRule", "authorise", "decide"]

ROOT: Final = "root"


class OwnerRule:
    """The user who runs the agent, and root, may do everything; nobody else may do anything.

    Args:
        owner: name of that user, None for the one who runs this process.
        trusts_broker: whoever a broker elsewhere lets through may do everything too. For brokers whose own rules say
            who may call, and only for those that vouch for the name of a caller.
    """

    def __init__(self, owner: str | None = None, *, trusts_broker: bool = False) -> None:
        self._owner = _own_name() if owner is None else owner
        self._trusts_broker = trusts_broker

    def __call__(self, request: ActionRequest) -> Decision:
        caller = request.caller
        if caller.user is not None:
            # The broker may add its own name behind an @; the name of a local user has none.
            user = caller.user.partition("@")[0]
            if caller.is_local and user == self._owner:
                return Decision(True, "you are the owner of this agent", "owner")
            if caller.is_local and user == ROOT:
                return Decision(True, "you are root on this host", "root")
            if not caller.is_local and self._trusts_broker:
                return Decision(True, "the broker lets you call", "broker")
        who = "a caller without a name" if caller.user is None else caller.user
        return Decision(False, f"{who} may not call {request.action} of {request.plugin}: only its owner may", "owner")


class BrokerRule:
    """Whoever got a request through the broker may do everything: its access rules have decided who that is.

    The embedded broker lets its own user and root through, and whom its file of access rules names. Brokers elsewhere
    have rules of their own, and some vouch for no names, so that callers without one are let through as well.

    Args:
        owner: as of :class:`OwnerRule`; the owner and root are named as such.
    """

    def __init__(self, owner: str | None = None) -> None:
        self._owner_rule = OwnerRule(owner)

    def __call__(self, request: ActionRequest) -> Decision:
        decision = self._owner_rule(request)
        return decision if decision.allowed else Decision(True, "the broker lets you call", "broker")


async def authorise(
    extensions: Extensions,
    request: ActionRequest,
    *,
    threads: Threads,
    rule: Callable[[ActionRequest], Decision],
    timeout: float = HOOK_TIMEOUT,
) -> Decision:
    """Whether ``request`` may run, by the extensions and, where they are silent, by ``rule``."""
    if not extensions.implementations(AUTHORISE.name):
        return rule(request)
    outcome = await call_all_within(extensions, AUTHORISE, threads, timeout=timeout, request=request)
    return decide(outcome, lambda: rule(request))


def decide(outcome: Outcome[Decision], otherwise: Callable[[], Decision]) -> Decision:
    """One decision out of many: failures refuse, then refusals, then permissions, then ``otherwise``."""
    for failure in outcome.failures:
        return Decision(False, f"it could not be decided: {failure}", f"{failure.provider}: failed")
    for allowed in (False, True):
        for result in outcome.results:
            # Neither a text nor a number stands for a permission.
            if (result.value.allowed is True) == allowed:
                return Decision(allowed, result.value.reason, f"{result.provider}: {result.value.rule}")
    return otherwise()


def _own_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"uid-{os.geteuid()}"  # as the embedded broker names a user without an entry
