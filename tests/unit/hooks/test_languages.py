"""Language backends of extensions."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from matahari.errors import HookError
from matahari.hooks import (
    LANGUAGES,
    Extensions,
    LanguageBackend,
    OfferedLanguage,
    Threads,
    find_languages,
    hookimpl,
)

RUBY = LanguageBackend("ruby", (".rb",), ("/usr/bin/ruby", "host.rb"))


class Offers:
    def __init__(self, *backends: LanguageBackend) -> None:
        self.backends = backends

    @hookimpl
    def languages(self) -> Sequence[LanguageBackend]:
        if not self.backends:
            raise LookupError("none")
        return self.backends


def found(**offers: Offers) -> tuple[tuple[OfferedLanguage, ...], tuple[HookError, ...]]:
    extensions = Extensions()
    for name, offer in offers.items():
        extensions.register(offer, name=name, origin="test")
    return asyncio.run(find_languages(extensions, Threads()))


def test_languages_come_in_alphabetical_order_with_the_names_of_their_extensions() -> None:
    lua = LanguageBackend("lua", (".lua",), ("lua-host",))
    languages, faults = found(a=Offers(lua), b=Offers(RUBY))
    assert languages == (OfferedLanguage("a", lua), OfferedLanguage("b", RUBY))
    assert found(a=Offers(RUBY), b=Offers(lua))[0][0].backend == lua
    assert faults == ()


def test_of_two_with_one_name_or_suffix_the_first_counts_and_the_other_is_named() -> None:
    jruby = replace(RUBY, name="jruby", suffixes=(".jrb", ".rb"))
    other = replace(RUBY, suffixes=(".rbx",))
    languages, faults = found(later=Offers(jruby, other), first=Offers(RUBY))
    assert languages == (OfferedLanguage("first", RUBY),)
    assert [str(each) for each in faults] == [
        "hook languages of later: language jruby is left out: .rb is for ruby of first",
        "hook languages of later: language ruby is left out: first has a language of that name",
    ]


def test_an_extension_that_raises_is_named_and_the_others_stay() -> None:
    languages, [fault] = found(broken=Offers(), good=Offers(RUBY))
    assert languages == (OfferedLanguage("good", RUBY),)
    assert str(fault) == "hook languages of broken: LookupError: none"


@pytest.mark.parametrize(
    "backend",
    [
        RUBY,
        replace(RUBY, suffixes=(".rb", ".RB2")),
        replace(RUBY, command=("ruby-host",)),
        replace(RUBY, command=(), reason="ruby is not installed"),
        replace(RUBY, main_file="init.rb"),
    ],
)
def test_what_a_backend_may_be(backend: LanguageBackend) -> None:
    assert LANGUAGES.read([backend]) == (backend,)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"name": "Ruby"}, "the name 'Ruby'; use lower-case letters"),
        ({"name": "python"}, "the name python, which is built in"),
        ({"name": 3}, "whose name is no text"),
        ({"suffixes": ()}, "ruby without a suffix"),
        ({"suffixes": ".rb"}, "whose suffixes must be a list of texts"),
        ({"suffixes": ("rb",)}, "the suffix 'rb'; write it as in '.rb'"),
        ({"suffixes": (".tar.gz",)}, "the suffix '.tar.gz'"),
        ({"suffixes": (".py",)}, "the suffix .py, which is Python's"),
        ({"suffixes": (".toml",)}, "the suffix .toml, which is for the limits and settings of plugins"),
        ({"suffixes": (".rb", ".rb")}, "a suffix twice"),
        ({"command": "ruby host.rb"}, "whose command must be a list of texts"),
        ({"command": ()}, "without a command and without a reason"),
        ({"command": ("",)}, "without a command and without a reason"),
        ({"command": ("bin/ruby",)}, "the program 'bin/ruby'; give an absolute path"),
        ({"command": ("ruby", "a\0b")}, "a zero character in its command"),
        ({"reason": None}, "whose reason is no text"),
        ({"main_file": "init.py"}, "the main file 'init.py'; it is a file name with a suffix of the backend"),
        ({"main_file": "lib/init.rb"}, "the main file 'lib/init.rb'"),
    ],
)
def test_what_a_backend_may_not_be(changes: dict[str, object], text: str) -> None:
    with pytest.raises((TypeError, ValueError)) as raised:
        LANGUAGES.read([replace(RUBY, **changes)])  # type: ignore[arg-type]  # wrong types are the point
    assert text in str(raised.value)
