"""How objects are called in text, and the column where what they say begins. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from matahari.shell.base.ports import ObjectLike, ObjectsLike
from matahari.shell.display.columns import columns_of
from matahari.shell.display.render import one_line

__all__ = ["Labels", "common_width", "key_of", "labels"]

#: Columns that the values of others are moved to the right for one long name. A name of the bus may have any length.
MAX_WIDTH: Final = 40


class Labels:
    """The labels of some objects, and of the hosts that are expected and not there.

    Attributes:
        width: columns of the widest, for :func:`matahari.shell.display.render.value_lines`.
    """

    def __init__(self, objects: ObjectsLike) -> None:
        self._labels = labels(objects)
        self._places = {key: at for at, key in enumerate(self._labels)}
        self.width = common_width([*self._labels.values(), *map(one_line, objects.missing)])

    def of(self, item: ObjectLike) -> str:
        """The label of one of them; of another object its host."""
        return self._labels.get(key_of(item)) or one_line(item.host)

    def place_of(self, item: ObjectLike) -> int:
        """The place of one of them in their order; others stand behind them."""
        return self._places.get(key_of(item), len(self._places))


def labels(objects: Iterable[ObjectLike]) -> dict[tuple[str, str], str]:
    """How each object (agent, object name) is called in text: its host, and ``[object]`` where a host has several.

    Where several agents of a host have one of that name it is ``[agent:object]``. An agent that tells no host, as a broker's own, stands for itself.
    """
    places = {key_of(found): found.host or found.agent for found in objects}
    count = Counter(places.values())
    named = Counter((place, name) for (_, name), place in places.items())
    return {
        (agent, name): one_line(_label(place, agent, name, count[place], named[place, name]))
        for (agent, name), place in places.items()
    }


def _label(place: str, agent: str, name: str, there: int, alike: int) -> str:
    if there == 1:
        return place
    # As `show selection` has it: two answers must not be taken for one.
    return f"{place}[{name}]" if alike == 1 else f"{place}[{agent}:{name}]"


def key_of(item: ObjectLike) -> tuple[str, str]:
    """What tells an object from all others."""
    return item.agent, item.name


def common_width(heads: Iterable[str]) -> int:
    """Columns of the widest of them, those left out that take too many."""
    return max((width for width in map(columns_of, heads) if width <= MAX_WIDTH), default=0)
