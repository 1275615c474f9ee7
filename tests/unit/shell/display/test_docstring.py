"""Docstrings as they are shown."""

from __future__ import annotations

import pytest

from matahari.shell.display.docstring import reflowed, without_parameters

DOC = """Copy files.

Args:
    source, target: where from
        and where to.
    *more (str): further ones.

Returns:
    their number."""


def test_a_section_whose_parameters_are_listed_elsewhere_goes() -> None:
    assert without_parameters(DOC, ["source", "target", "*more"]) == "Copy files.\n\nReturns:\n    their number."


@pytest.mark.parametrize("names", [[], ["source", "target"], ["source", "*more"]])
def test_a_section_that_says_more_stays(names: list[str]) -> None:
    assert without_parameters(DOC, names) == DOC


@pytest.mark.parametrize("doc", ["", "Args:", "One line.", "A\n\nArguments:\n    x: y", "  Args:\n    x: y"])
def test_what_is_left_has_no_blank_lines_around_it(doc: str) -> None:
    assert without_parameters(doc, ["x"]) in ("", "One line.", "A")


def test_only_paragraphs_that_are_too_wide_are_filled_anew() -> None:
    text = "one two three\nfour\n\na b\nc\n\n    laid out as it is\n    two"
    assert reflowed(text, 10) == [
        "one two", "three four", "", "a b", "c", "", "    laid out as it is", "    two",
    ]  # fmt: skip
    assert reflowed(text, 80) == text.split("\n")
