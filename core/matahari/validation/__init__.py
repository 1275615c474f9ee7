"""Does a call fit its method, and a result what was declared? One answer for consoles and agents, in the same words."""

from __future__ import annotations

from .action import ARGUMENTS_LIMIT, MAX_CHECKED, ActionSchema, Refusal, RefusalKind
from .names import close_names, did_you_mean, unknown_action
from .rules import HIDDEN, FormatCheck, JsonValue, Rule, preload
from .secret_names import SECRET_WORDS, is_secret_name

__all__ = [
    "ARGUMENTS_LIMIT",
    "HIDDEN",
    "MAX_CHECKED",
    "SECRET_WORDS",
    "ActionSchema",
    "FormatCheck",
    "JsonValue",
    "Refusal",
    "RefusalKind",
    "Rule",
    "close_names",
    "did_you_mean",
    "is_secret_name",
    "preload",
    "unknown_action",
]
