"""Names that do not exist."""

from __future__ import annotations

from matahari.validation import did_you_mean, unknown_action


def test_close_names_are_offered_and_others_are_not() -> None:
    assert did_you_mean("usge", ["usage", "mount"]) == "; did you mean 'usage'?"
    assert did_you_mean("ad", ["add", "and", "mount"]) == "; did you mean 'and' or 'add'?"
    assert did_you_mean("zzz", ["usage"]) == ""


def test_an_unknown_method_is_told_with_what_was_meant() -> None:
    assert unknown_action("disk", "usge", ["usage"]) == "disk has no method 'usge'; did you mean 'usage'?"
    assert len(unknown_action("disk", "x" * 100_000, ["usage"])) < 300
