"""Reports of calls that run, in words. Pure."""

from __future__ import annotations

from matahari.qmf import Value
from matahari.tap.text import compact

__all__ = ["reports_in_words"]


def reports_in_words(items: Value, limit: int) -> str:
    """Each report as its kind and what it tells, in about ``limit`` characters, made harmless."""
    if not isinstance(items, list):
        return compact(items, limit)
    words: list[str] = []
    for item in items:
        if limit <= 0:
            words.append("…")
            break
        words.append(_words(item, limit))
        limit -= len(words[-1]) + 2
    return ", ".join(words)


def _words(item: Value, limit: int) -> str:
    if not isinstance(item, dict):
        return compact(item, limit)
    kind = compact(item.get("kind"), limit).strip("\"'")
    if kind == "progress":
        total = item.get("total")
        done = compact(item.get("done"), limit) + ("" if total is None else f"/{compact(total, limit)}")
        return f"{kind} {done}" + (f" {compact(item.get('text'), limit)}" if item.get("text") else "")
    if kind == "output":
        return f"{kind} {compact(item.get('chunk'), limit)}"
    if kind == "partial":
        return f"{kind} {compact(item.get('value'), limit)}"
    return compact(item, limit)
