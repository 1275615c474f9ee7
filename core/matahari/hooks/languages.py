"""Languages that plugins can be written in, as extensions offer them."""

from __future__ import annotations

from dataclasses import dataclass

from matahari.errors import HookError

from .calls import call_all_within
from .extensions import Extensions
from .records import LanguageBackend
from .specifications import LANGUAGES
from .threads import Threads

__all__ = ["OfferedLanguage", "find_languages"]


@dataclass(frozen=True, slots=True)
class OfferedLanguage:
    """A backend, and the name of the extension that offers it."""

    provider: str
    backend: LanguageBackend


async def find_languages(
    extensions: Extensions, threads: Threads
) -> tuple[tuple[OfferedLanguage, ...], tuple[HookError, ...]]:
    """The languages by name in alphabetical order, and what is wrong with some.

    Of two with the same name or suffix the first one counts, in the order in which extensions are asked; the other is
    left out as a whole.
    """
    outcome = await call_all_within(extensions, LANGUAGES, threads)
    found: list[OfferedLanguage] = []
    faults = list(outcome.failures)
    for result in outcome.results:
        for backend in result.value:
            clash = next((text for each in found if (text := _clash(each, backend))), "")
            if clash:
                text = f"language {backend.name} is left out: {clash}"
                faults.append(HookError(text, provider=result.provider, hook=LANGUAGES.name))
            else:
                found.append(OfferedLanguage(result.provider, backend))
    return tuple(sorted(found, key=lambda each: each.backend.name)), tuple(faults)


def _clash(earlier: OfferedLanguage, later: LanguageBackend) -> str:
    """What the later one wants and the earlier one has, empty when there is nothing."""
    if earlier.backend.name == later.name:
        return f"{earlier.provider} has a language of that name"
    both = sorted(set(earlier.backend.suffixes) & set(later.suffixes))
    return f"{', '.join(both)} is for {earlier.backend.name} of {earlier.provider}" if both else ""
