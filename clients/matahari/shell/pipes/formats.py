"""Stages that write answers in another form: ``json``, ``yaml``, ``table`` and ``csv``.

They work on the records that ``--json`` prints, so that the keys are the same. A row of theirs is one line for the
stages behind, though it may be shown on several.

Imported when something is piped.
"""

from __future__ import annotations

import functools
import json
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from matahari.shell.base.outcome import ExitStatus
from matahari.shell.display.columns import columns_of, padded
from matahari.shell.display.output import Outlet, Output, Row
from matahari.shell.display.render import json_line, printable
from matahari.shell.pipes.stages import Stage

__all__ = ["MAX_HELD_CHARS", "MAX_HELD_ROWS", "Csv", "Json", "Table", "Yaml"]

MAX_HELD_ROWS: Final = 1_000
"""Rows that a table waits for to know its columns; more are no longer read from a screen, and the first should come."""

MAX_HELD_CHARS: Final = 16_000_000
"""Characters that it holds for that; rows with large values would take much memory long before there are so many."""

MAX_WIDTH: Final = 60  # columns of a terminal; a wider cell pushes what follows in its own row only
GAP: Final = "  "

#: Of an answer to a call, ``get`` or ``set`` a table has the rest: a person knows what was asked, and sees what failed.
_OBVIOUS: Final = ("agent", "class", "name", "ok", "duration")
_ANSWER: Final = frozenset({"host", "object", "ok", "value", "error"})


class Json(Stage):
    """One object per line, as with ``--json``."""

    def take(self, row: Row) -> None:
        """Hand on its record."""
        if not row.is_heading:
            self.outlet(Row((json_line(row.record),), row.record))


class Yaml(Stage):
    """One YAML document for each row."""

    def take(self, row: Row) -> None:
        """Hand on its record."""
        if not row.is_heading:
            self.outlet(Row((_document(row.record),), row.record))


def _document(record: Mapping[str, object]) -> str:
    plain = _plain(record)
    text = _dumped(plain, allow_unicode=True)
    if printable(text) != text:
        text = _dumped(plain, allow_unicode=False)  # YAML leaves marks that reorder text as they are
    return text


def _dumped(plain: Mapping[str, object], *, allow_unicode: bool) -> str:
    import yaml  # not wanted for the other formats

    text: object = yaml.dump(plain, Dumper=_dumper(), explicit_start=True, allow_unicode=allow_unicode, sort_keys=False)
    assert isinstance(text, str)  # without a stream
    return text.removesuffix("\n")


@functools.cache
def _dumper() -> type:
    """PyYAML's safe one, which writes texts with several lines as such."""
    import yaml

    def represent(dumper: yaml.SafeDumper, text: str) -> object:
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)

    # That of libyaml is five times as fast, and refuses lone surrogates, which JSON can carry.
    base = yaml.SafeDumper
    return type("Dumper", (base,), {"yaml_representers": {**base.yaml_representers, str: represent}})


def _plain(record: Mapping[str, object]) -> dict[str, object]:
    """The record in JSON's types, exactly as ``--json`` has them."""
    plain: object = json.loads(json_line(record))
    assert isinstance(plain, dict)
    return plain


@dataclass(frozen=True, slots=True)
class _Held:
    cells: Mapping[str, str]
    row: Row


class _Columns(Stage):
    """Rows of cells below a heading. What the columns are is known when some rows are there, so that they are held."""

    def __init__(self, outlet: Outlet, output: Output) -> None:
        super().__init__(outlet, output)
        self._held: list[_Held] = []
        self._chars = 0
        self._columns: tuple[str, ...] | None = None
        self._known: frozenset[str] = frozenset()
        self._left_out: dict[str, None] = {}

    def take(self, row: Row) -> None:
        """Hold it, or hand it on when the columns are known."""
        # What a running call reports is no answer; it would have columns of its own.
        if row.is_heading or "report" in row.record:
            return
        held = _Held(self.cells(row.record), row)
        if self._columns is not None:
            self._left_out |= dict.fromkeys(key for key, cell in held.cells.items() if cell and key not in self._known)
            self._hand_on(held, self._columns)
            return
        self._held.append(held)
        self._chars += sum(map(len, held.cells.values()))
        if len(self._held) >= MAX_HELD_ROWS or self._chars >= MAX_HELD_CHARS:
            self._release(is_all=False)

    def end(self) -> ExitStatus:
        """Hand on what is held, and say what could not be shown."""
        if self._columns is None and self._held:
            self._release(is_all=True)
        if self._left_out:
            keys = printable(", ".join(self._left_out))
            self.output.remark(f"% not shown, because they came after the columns were known: {keys}")
        return ExitStatus.OK

    def drop(self) -> None:
        """Forget the rows."""
        self._held = []

    def _release(self, *, is_all: bool) -> None:
        rows, self._held = self._held, []
        self._known = frozenset(key for held in rows for key in held.cells)
        self._columns = self.chosen([held.cells for held in rows], is_all=is_all)
        self.outlet(Row((self.line({key: self.title(key) for key in self._columns}, self._columns),), {}, False, True))
        for held in rows:
            self._hand_on(held, self._columns)

    def _hand_on(self, held: _Held, columns: Sequence[str]) -> None:
        self.outlet(Row((self.line(held.cells, columns),), held.row.record, held.row.failed))

    @abstractmethod
    def cells(self, record: Mapping[str, object]) -> Mapping[str, str]:
        """What each key of a record shows, in the order of columns."""

    @abstractmethod
    def line(self, cells: Mapping[str, str], columns: Sequence[str]) -> str:
        """One row."""

    def title(self, key: str) -> str:
        """The heading of a column."""
        return printable(key)

    def chosen(self, rows: Sequence[Mapping[str, str]], *, is_all: bool) -> tuple[str, ...]:
        """The columns for these rows.

        Args:
            is_all: no rows follow.
        """
        return _keys(rows)


class Table(_Columns):
    """Aligned columns below a heading. Texts with several lines stay in their column."""

    _widths: Mapping[str, int] = {}

    def cells(self, record: Mapping[str, object]) -> Mapping[str, str]:
        """The host first; of an answer also its object, value and error, and what else is not obvious."""
        plain = _plain(record)
        if not record.keys() >= _ANSWER:
            return {key: _cell(plain[key]) for key in _first(plain, ("host",))}
        if isinstance(error := plain["error"], dict):
            plain["error"] = error.get("text", "")
        if plain["ok"] and plain["value"] is None:
            plain["value"] = "null"
        return {
            key: _cell(plain[key]) for key in _first(plain, ("host", "object", "value", "error")) if key not in _OBVIOUS
        }

    def chosen(self, rows: Sequence[Mapping[str, str]], *, is_all: bool) -> tuple[str, ...]:
        """Without objects where each host has one, and without columns of an answer that stay empty."""
        columns = _keys(rows)
        if is_all and "value" in columns and "error" in columns:
            hosts = {row.get("host", "") for row in rows}
            needless = {key for key in ("value", "error") if not any(row.get(key) for row in rows)}
            if len(hosts) == len(rows):
                needless.add("object")
            columns = tuple(key for key in columns if key not in needless)
        self._widths = {key: self._width(key, rows) for key in columns}
        return columns

    def line(self, cells: Mapping[str, str], columns: Sequence[str]) -> str:
        """One row, on as many lines as its longest text has."""
        parts = {key: cells.get(key, "").split("\n") for key in columns}
        height = max(map(len, parts.values()), default=0)
        return "\n".join(
            GAP.join(
                padded(parts[key][at] if at < len(parts[key]) else "", self._widths[key]) for key in columns
            ).rstrip()
            for at in range(height)
        )

    def title(self, key: str) -> str:
        """Upper case, as other tools have it."""
        return printable(key).replace("\n", " ").upper()

    def _width(self, key: str, rows: Iterable[Mapping[str, str]]) -> int:
        widths = [columns_of(line) for row in rows for line in row.get(key, "").split("\n")]
        return max([columns_of(self.title(key)), *(width for width in widths if width <= MAX_WIDTH)])


class Csv(_Columns):
    """Values separated by commas, as spreadsheets read them, with the keys of ``--json`` in the first line."""

    def cells(self, record: Mapping[str, object]) -> Mapping[str, str]:
        """All keys, in their order."""
        return {key: _text(value) for key, value in _plain(record).items()}

    def line(self, cells: Mapping[str, str], columns: Sequence[str]) -> str:
        """One row; texts with commas, quotes or line breaks are in quotes."""
        import csv  # only this stage needs it
        import io

        text = io.StringIO()
        # What is in the end of a line is put into quotes.
        csv.writer(text, lineterminator="\n").writerow([cells.get(key, "") for key in columns])
        return text.getvalue().removesuffix("\n")


def _text(value: object) -> str:
    """Text as it is, nothing for null, all else as compact JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return printable(value)
    return printable(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _cell(value: object) -> str:
    return _text(value).rstrip("\n").expandtabs()


def _keys(rows: Iterable[Mapping[str, str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for row in rows for key in row))


def _first(record: Mapping[str, object], keys: Iterable[str]) -> list[str]:
    front = [key for key in keys if key in record]
    return [*front, *(key for key in record if key not in front)]
