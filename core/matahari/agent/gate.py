"""The way of every call of every agent: validate, authorise, audit, run, validate the reply, audit the outcome.

One :class:`Gate` serves all agents of a process. What a call is, its object says (:meth:`AgentObject.prepare`); who may
call, the extensions and the rule of the house; and what is written, the audit log.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from matahari.agent.action import Action
from matahari.agent.allowance import Allowance
from matahari.agent.objects import AfterState, AgentObject, CallContext, Fault
from matahari.hooks import (
    ActionRequest,
    ActionSteps,
    AuditLog,
    Caller,
    Completed,
    Decision,
    Extensions,
    Failed,
    JsonValue,
    NamedCheck,
    Problem,
    Refused,
    Threads,
    authorise,
    end_record,
    refusal_record,
    run_action,
)
from matahari.qmf import Value

__all__ = ["Gate"]

_log = logging.getLogger(__name__)

#: Refusals that are logged at once, and then a second: whoever may do nothing must not fill the disk. The audit log, which
#: cannot grow beyond its bounds, has every one of them.
LOG_BURST: Final = 20
LOG_RATE: Final = 1.0
#: Digests of large arguments for the audit log that are made at once: they share one interpreter with the event loop.
MAX_DIGESTS: Final = 2
#: Seconds for one, its turn included; then the record goes without. A megabyte takes less than one.
DIGEST_TIMEOUT: Final = 10.0
MAX_LOGGED: Final = 600  # characters of a refusal in the log; its reason and the method's name may be a caller's


class Gate:
    """Takes calls through all steps. One event loop owns it.

    Args:
        extensions: those whose ``authorise`` hook is asked.
        threads: where hooks run.
        rule: decides where no extension has an opinion.
        audit: where records go, started and closed by whoever made it; None writes nothing.
        audit_required: what cannot be written beforehand is refused, unless it is known to be read-only.
        validators: checks of values by name, for objects whose schemas name them.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        extensions: Extensions,
        threads: Threads,
        rule: Callable[[ActionRequest], Decision],
        *,
        audit: AuditLog | None = None,
        audit_required: bool = False,
        validators: Mapping[str, NamedCheck] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.extensions = extensions
        self.threads = threads
        self.rule = rule
        self.audit = audit
        self.audit_required = audit_required
        self.validators = validators or {}
        self._logged = Allowance(LOG_BURST, LOG_RATE)
        self._digests = Threads(MAX_DIGESTS, may_hang=False)
        self._clock = clock

    async def run(
        self, item: AgentObject, method: str, arguments: dict[str, Value], context: CallContext, caller: Caller
    ) -> Mapping[str, Value]:
        """The output arguments of a call.

        Raises:
            Fault: it does not fit, is refused (kind ``refused``, with the rule and what to do), or failed.
            Exception: what the method raised.
        """
        passage = _Passage(self, method, context, caller)
        try:
            await passage.prepare(item, arguments)
        except asyncio.CancelledError:
            self.note_refusal(context.request, item.name, method, caller, context.ending())
            raise
        # an object's fault in looking at a call; its caller is told, as by whoever runs the gate
        except Exception:
            self.note_refusal(context.request, item.name, method, caller, "failed")
            raise
        action = passage.action
        request = _request(item, method, context, caller, action)
        steps = ActionSteps(
            passage.validate,
            passage.authorise,
            self._write,
            passage.run,
            passage.validate_reply,
            self.audit_required and self.audit is not None,
            ending=context.ending,
            goes_on=passage.goes_on,
            digest=None if self.audit is None else self._digest,
        )
        match await run_action(request, steps):
            case Completed(value=value, problems=()):
                return value
            case Completed(value=value, problems=problems):
                # Not a declared argument: the class stays what it is, and consoles that do not know it pass it over.
                return {**value, "mismatch": "; ".join(one.text for one in problems)}
            case Failed(error=error):
                raise error
            case Refused() as refused:
                raise passage.fault or self._fault(item, request, refused) from refused.error

    def note_refusal(self, request: str, name: str, method: str, caller: Caller, rule: str) -> None:
        """Write that a request ended before it was known to be a call that fits; of its arguments, nothing."""
        if self.audit is not None:
            asked = ActionRequest(request, name, method, caller)
            self.audit.submit(refusal_record(asked, "validate", rule))

    def note_end(self, asked: ActionRequest, state: str, late: float) -> None:
        """Write that what went on after its outcome has ended, ``late`` seconds after that."""
        if self.audit is not None:
            self.audit.submit(end_record(asked, state, late))

    def now(self) -> float:
        """Monotonic seconds."""
        return self._clock()

    async def _digest(self, find: Callable[[], JsonValue]) -> JsonValue:
        return await self._digests.run(find, timeout=DIGEST_TIMEOUT)

    async def _write(self, record: Mapping[str, JsonValue]) -> bool:
        """Intents are waited for, where they must be in the file before anything runs; nothing else is."""
        if self.audit is None:
            return True
        if self.audit_required and record["event"] == "intent" and record["read_only"] is not True:
            return await self.audit.write(record)
        return self.audit.submit(record)

    def _fault(self, item: AgentObject, request: ActionRequest, refused: Refused) -> Fault:
        what = f"{request.plugin}.{request.action}"
        if refused.stage == "validate":
            kind = "refused" if refused.error is not None else "invalid_argument"
            return item.fault(kind, f"{what}: {refused.reason}")
        text = f"{what} is refused: {refused.reason} (rule {refused.rule}); {self._remedy(refused)}"
        is_logged, left_out = self._logged.take(self._clock())
        if left_out:
            where = "is off" if self.audit is None else f"has them: {self.audit.path}"
            _log.warning("%d more refusals were not logged here; the audit log %s", left_out, where)
        if is_logged:
            user = request.caller.user or "somebody unnamed"
            _log.warning("call %s: %s; it was asked for by %s", request.id, _in_a_line(text), _in_a_line(user))
        return item.fault("refused", text)

    def _remedy(self, refused: Refused) -> str:
        if refused.stage == "audit":
            assert self.audit is not None
            why = f" ({self.audit.trouble})" if self.audit.trouble else ""
            return f'make {self.audit.path} writable{why}, or set audit = "on" below [agent] in the configuration'
        provider, separator, _ = refused.rule.partition(": ")
        if separator and any(one.name == provider for one in self.extensions.providers):
            return f"`matahari hooks` on this host shows the extension {provider}, which decided"
        return 'call as that user or root, or set authorisation = "broker" below [agent] in the configuration'


class _Passage:
    """One call on its way: what the steps of the order need to know."""

    __slots__ = ("_caller", "_context", "_gate", "_method", "_name", "_outlived", "action", "fault", "goes_on_since")

    def __init__(self, gate: Gate, method: str, context: CallContext, caller: Caller) -> None:
        self._gate = gate
        self._method = method
        self._context = replace(context, afterlife=self._afterlife)
        self._outlived = context.afterlife
        self._caller = caller
        self._name = ""
        self.action: Action | None = None
        self.fault: Fault | None = None
        self.goes_on_since: float | None = None

    def goes_on(self) -> bool:
        """Whether what the method has begun has not ended with it."""
        return self.goes_on_since is not None

    def _afterlife(self, state: AfterState) -> None:
        self._outlived(state)
        if state == "running":
            self.goes_on_since = self._gate.now()
        elif self.goes_on_since is not None:
            late = self._gate.now() - self.goes_on_since
            asked = ActionRequest(self._context.request, self._name, self._method, self._caller)
            self._gate.note_end(asked, state, late)

    async def prepare(self, item: AgentObject, arguments: dict[str, Value]) -> None:
        """Have the object look at the call: what it is, or why it does not fit."""
        self._name = item.name
        beside = item.prepare_beside(self._method, arguments, self._context)
        try:
            if beside is None:
                self.action = item.prepare(self._method, arguments, self._context)
            else:
                self.action = await beside
        except Fault as fault:
            self.fault = fault

    async def validate(self, request: ActionRequest) -> Sequence[Problem]:
        if self.action is not None:
            return () if self.action.check is None else await self.action.check()
        assert self.fault is not None
        if self.fault.kind == "refused":
            return ()  # it fits, and is not allowed
        return (Problem("", self.fault.kind or "failed", self.fault.text),)

    async def authorise(self, request: ActionRequest) -> Decision:
        if self.fault is not None:
            return Decision(False, self.fault.text, request.plugin)
        gate = self._gate
        return await authorise(gate.extensions, request, threads=gate.threads, rule=gate.rule)

    async def run(self, request: ActionRequest) -> Mapping[str, Value]:
        assert self.action is not None
        return await self.action.run()

    async def validate_reply(self, request: ActionRequest, value: Mapping[str, Value]) -> Sequence[Problem]:
        assert self.action is not None
        return () if self.action.check_reply is None else await self.action.check_reply(value)


def _in_a_line(text: str) -> str:
    """``text``, which has words of the caller's, as it may stand in a log: harmless, and no longer than a sentence."""
    if len(text) > MAX_LOGGED:
        text = f"{text[: MAX_LOGGED // 2]} … {text[-MAX_LOGGED // 2 :]}"  # what to do stands at the end
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")


def _request(
    item: AgentObject, method: str, context: CallContext, caller: Caller, action: Action | None
) -> ActionRequest:
    if action is None:
        return ActionRequest(context.request, item.name, method, caller)
    effects = action.effects
    return ActionRequest(
        context.request,
        item.name,
        method,
        caller,
        action.arguments,
        action.sensitive,
        effects.read_only,
        effects.destructive,
        effects.idempotent,
    )
