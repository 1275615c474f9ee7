"""``NAME.toml`` from values: what is written reads back as it was, and the plugin's own limits stay."""

from __future__ import annotations

import datetime
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matahari.rpcagent import Limits
from matahari.testing.options import dump_toml, options_text, own_limits

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(TEXTS, VALUES, max_size=5))
def test_what_is_written_reads_back(table: dict[str, object]) -> None:
    assert tomllib.loads(dump_toml({"settings": table})) == {"settings": table}


def test_paths_and_dates_are_written_as_toml_has_them() -> None:
    text = dump_toml({"settings": {"path": Path("/srv"), "day": datetime.date(2020, 1, 2), "two": (1, 2)}})
    assert tomllib.loads(text)["settings"] == {"path": "/srv", "day": datetime.date(2020, 1, 2), "two": [1, 2]}


@pytest.mark.parametrize(
    ("value", "error"),
    [(None, TypeError), (object(), TypeError), ({1: 2}, TypeError), (float("nan"), ValueError), ([None], TypeError)],
)
def test_what_toml_has_no_form_for_is_refused(value: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        dump_toml({"settings": {"key": value}})


def test_settings_take_the_place_of_the_plugins_own_and_its_limits_stay(tmp_path: Path) -> None:
    own = tmp_path / "calc.toml"
    own.write_text('[limits]\ncall_timeout = 300\nenvironment = { LANG = "C" }\n[settings]\nold = 1\n')
    assert tomllib.loads(options_text({"new": 2}, own)) == {
        "limits": {"call_timeout": 300, "environment": {"LANG": "C"}},
        "settings": {"new": 2},
    }
    assert tomllib.loads(options_text({}, None)) == {"limits": {}, "settings": {}}


def test_the_bounds_of_a_plugin_are_those_of_the_file_that_counts(tmp_path: Path) -> None:
    plugin, defaults = tmp_path / "a.py", Limits(call_timeout=7.0)
    assert own_limits(plugin, None, defaults) is defaults
    (tmp_path / "a.toml").write_text("[limits]\nload_timeout = 20\n")
    (tmp_path / "other.toml").write_text("[limits]\nload_timeout = 30\n")
    (tmp_path / "bad.toml").write_text("[limits]\nload_timeout = -1\n")
    assert (own_limits(plugin, None, defaults).load_timeout, own_limits(plugin, None, defaults).call_timeout) == (20, 7)
    assert own_limits(plugin, {"keep": 1}, defaults).load_timeout == 20  # settings of a test leave the limits
    assert own_limits(plugin, tmp_path / "other.toml", defaults).load_timeout == 30
    assert own_limits(plugin, tmp_path / "bad.toml", defaults) is defaults
    assert own_limits(plugin, tmp_path / "absent.toml", defaults) is defaults
