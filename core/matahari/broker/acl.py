"""Who may publish, bind and attach what: rules in order, the first that fits decides, and without one it is denied.

Pure; :mod:`matahari.broker.acl_file` reads the rules. In the spirit of qpidd's (``brokers.md`` 6.1).

``publish`` is asked for each message; a link to send to an exchange needs some rule that lets the login publish there.
``bind`` is asked for a receiver on an exchange. ``attach`` is asked for links to nodes without keys: ``relay`` (the
anonymous terminus), ``dynamic``, ``matahari.bindings`` and ``matahari.tap``. A rule with a key does not concern it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from matahari.broker.nodes import BINDINGS, EXCHANGES, TAP, TOPIC
from matahari.broker.patterns import covers, fits, overlaps, words_of

__all__ = ["ACTIONS", "DYNAMIC", "LOGIN", "NODES", "RELAY", "Acl", "Action", "Rights", "Rule"]

Action: TypeAlias = Literal["publish", "bind", "attach"]

RELAY: Final = "relay"
DYNAMIC: Final = "dynamic"
NODES: Final = (*EXCHANGES, BINDINGS, TAP, DYNAMIC, RELAY)

ACTIONS: Final[tuple[Action, ...]] = ("publish", "bind", "attach")
LOGIN = re.compile(r"[^@*#{}\s][^*#{}\s]*")
"""A login that a pattern can hold without meaning something else."""

MAX_DECISIONS = 1024  # remembered for one login; a flood of new keys starts afresh
MAX_LOGINS = 256  # whose rights are kept ready; a machine has few


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule with its groups replaced by their members.

    Attributes:
        number: place in the file, from 1.
        logins: whom it concerns, None for everybody.
        keys: patterns, in which ``{login}`` stands for the login; None for every key.
    """

    number: int
    is_allowing: bool
    logins: frozenset[str] | None
    actions: frozenset[Action]
    nodes: frozenset[str]
    keys: tuple[str, ...] | None

    def concerns(self, login: str) -> bool:
        return self.logins is None or login in self.logins


class Rights:
    """What one login may do. Decisions are remembered."""

    def __init__(self, login: str, rules: Iterable[Rule]) -> None:
        self._login = login
        self._rules = [
            (rule, None if rule.keys is None else [words_of(key.replace("{login}", login)) for key in rule.keys])
            for rule in rules
        ]
        self._decisions: dict[tuple[Action, str, str], str] = {}

    def refusal(self, action: Action, node: str, key: str = "") -> str:
        """Why ``action`` is refused, for the client and the log; empty when it is allowed."""
        asked = action, node, key
        found = self._decisions.get(asked)
        if found is None:
            found = self._decide(action, node, key)
            if len(self._decisions) >= MAX_DECISIONS:
                self._decisions.clear()
            self._decisions[asked] = found
        return found

    def sending_refusal(self, node: str) -> str:
        """Why a link to send to the exchange ``node`` is refused: there is no key that would be allowed."""
        why = "no rule allows it"
        for rule, patterns in self._rules:
            if "publish" in rule.actions and node in rule.nodes:
                if rule.is_allowing:
                    return ""
                if patterns is None:
                    why = f"rule {rule.number} denies it"
                    break
        return f"{self._login} may publish nothing on {node}: {why}"

    def _decide(self, action: Action, node: str, key: str) -> str:
        for rule, patterns in self._rules:
            if action in rule.actions and node in rule.nodes and _applies(rule, patterns, action, node, key):
                return "" if rule.is_allowing else self._text(action, node, key, f"rule {rule.number} denies it")
        return self._text(action, node, key, "no rule allows it")

    def _text(self, action: Action, node: str, key: str, why: str) -> str:
        what = f"{action} {node}" if action == "attach" else f"{action} {key!r} on {node}"
        return f"{self._login} may not {what}: {why}"


def _applies(rule: Rule, patterns: Sequence[Sequence[str]] | None, action: Action, node: str, key: str) -> bool:
    if patterns is None:
        return True
    if action == "attach":
        return False
    words = words_of(key)
    if action == "bind" and node == TOPIC:
        test = covers if rule.is_allowing else overlaps
        return any(test(pattern, words) for pattern in patterns)
    return any(fits(pattern, words) for pattern in patterns)


class Acl:
    """All rules of one file."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = tuple(rules)
        self._rights: dict[str, Rights] = {}

    def __len__(self) -> int:
        return len(self._rules)

    def rights(self, login: str) -> Rights:
        found = self._rights.get(login)
        if found is None:
            if len(self._rights) >= MAX_LOGINS:
                self._rights.clear()
            # A login that would itself be a pattern could reach beyond its own keys: no rule is for it.
            rules = [rule for rule in self._rules if rule.concerns(login)] if LOGIN.fullmatch(login) else []
            found = self._rights[login] = Rights(login, rules)
        return found

    def admits(self, login: str) -> bool:
        """Whether any rule allows ``login`` anything, so that it may connect at all."""
        return bool(LOGIN.fullmatch(login)) and any(rule.is_allowing and rule.concerns(login) for rule in self._rules)
