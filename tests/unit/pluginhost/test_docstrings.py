"""What docstrings say about parameters."""

from __future__ import annotations

import inspect

from matahari.pluginhost.docstrings import parameter_texts


def test_the_args_section_is_read_in_its_usual_forms() -> None:
    doc = inspect.cleandoc(
        """Do it.

        Args:
            name: whose it is,
                in two lines.
            size (int): how much.
            first, second: both of them.
            *rest: more.
            **others: by name.
            empty:

            after: an empty line, and a colon: within.

        Returns:
            name: not a parameter.
        """
    )
    assert parameter_texts(doc) == {
        "name": "whose it is, in two lines.",
        "size": "how much.",
        "first": "both of them.",
        "second": "both of them.",
        "rest": "more.",
        "others": "by name.",
        "after": "an empty line, and a colon: within.",
    }


def test_text_that_is_no_section_says_nothing() -> None:
    for doc in ("", "Args:", "Args: a: b", "Args:\nname: not indented", "Args:\n    just words\n", "a: b"):
        assert parameter_texts(doc) == {}


def test_a_text_on_the_next_line_and_several_sections_are_read() -> None:
    doc = "Args:\n    a:\n        below\nKeyword Args:\n    b: c\n"
    assert parameter_texts(doc) == {"a": "below", "b": "c"}
