"""Globs and regular expressions, both in time that grows with the text and not with tricks in the pattern.

Regular expressions are those of the Rust crate ``regex``, through pydantic's core: they cannot backtrack, so no
pattern of an operator freezes a shell. They know no look-around and no references back. Python's own could take
centuries for ``(a+)+$``, and nothing could stop them but the end of the process.

Source: documentation of the crate regex, "Untrusted input"
"""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Callable
from typing import Final

__all__ = ["MAX_PATTERN", "MAX_SUBJECT", "glob_matcher", "regex_matcher"]

MAX_PATTERN: Final = 1000
"""Longest glob or regular expression in characters; nobody types more, and compiling takes time too."""

MAX_SUBJECT: Final = 65_536
"""Longest text that is looked at: longer is no name and no fact worth a pattern, and never matches."""

_MAX_COMPILED = 256  # patterns kept compiled; a filter has a handful

Matcher = Callable[[str], bool]


@functools.lru_cache(_MAX_COMPILED)
def glob_matcher(pattern: str, *, ignore_case: bool = False) -> Matcher:
    """Matches whole texts: ``*``, ``?``, ``[abc]``, ``[!abc]``."""
    # fnmatch gives every star to the first place where it fits, so that this cannot explode.
    compiled = re.compile(fnmatch.translate(pattern), re.IGNORECASE if ignore_case else 0)

    def matches(text: str) -> bool:
        return len(text) <= MAX_SUBJECT and compiled.match(text) is not None

    return matches


@functools.lru_cache(_MAX_COMPILED)
def regex_matcher(pattern: str, *, ignore_case: bool = False, longest: int = MAX_SUBJECT) -> Matcher:
    """Finds the pattern anywhere in a text.

    Args:
        longest: characters of the longest text that is looked at; a longer one never matches.

    Raises:
        ValueError: it is no regular expression, or too large once it is compiled.
    """
    from pydantic_core import SchemaError, SchemaValidator  # costs more than the rest of a shell's start

    try:
        source = f"(?i){pattern}" if ignore_case else pattern
        validator = SchemaValidator({"type": "str", "pattern": source, "regex_engine": "rust-regex", "strict": True})
    except SchemaError as error:
        raise ValueError(_reason(str(error))) from error

    def matches(text: str) -> bool:
        return len(text) <= longest and validator.isinstance_python(text)

    return matches


def _reason(message: str) -> str:
    """The last line says what is wrong; those above show where, in a pattern that may be long."""
    last = message.strip().rsplit("\n", 1)[-1]
    return last.strip().removeprefix("error: ").removeprefix("SchemaError: ").rstrip(".")
