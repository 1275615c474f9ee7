"""What ``help`` says of things that are no command of the mode: filters, pipes, values, and what needs a class first.

Imported when somebody asks for one of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["TOPICS", "topic_lines"]

TOPICS: Final = ("filter", "pipe", "value")

_TEXTS: Final[Mapping[str, str]] = {
    "filter": """\
A filter says which hosts are meant: select hosts FILTER, mhsh call PLUGIN.METHOD --hosts FILTER, mhsh hosts FILTER.
  web1  web*  /^web[0-9]+$/        a host by its name, a glob, a regular expression
  role = db  role in (db, web)     a fact or label by its value: = != < <= > >= and, with an expression, =~ !~
  has role                         a fact or label that is there
  Host.free_mem > 2GiB             a property of an object, with a unit
  class Host  plugin disks >= 2    a class that the host publishes, a plugin and its version
  agent rpc                        an agent that runs there
  role = db and not (db1 or db2)   and, or, not, parentheses
help select has the commands; select hosts explain FILTER tells why a host is meant or not.""",
    "pipe": """\
Answers go through stages behind a | with blanks around it: list hosts | grep web | count.
  grep (-i) (-v) PATTERN  head (ROWS)  count  json  yaml  csv  table  file (-a) PATH
help STAGE explains one.""",
    "value": """\
A word is a value; blanks in it need quotes: 'two words', "with \\n", or a backslash before the blank.
  of a property     as its type says: 5, 1.5, true, text, JSON for lists and maps
  of an argument    by position or as NAME=VALUE; JSON where it parses as JSON and the method takes it, else text;
                    in quotes it is text: '42', 'HOME=/root'""",
}

_MEMBERS: Final[Mapping[str, str]] = {
    "call": " > call METHOD ([ARG])\n\nCall a method on all selected objects: call add 1 2, call add x=1 y=2.",
    "get": " > get PROPERTY\n\nShow a property of all selected objects.",
    "set": " > set PROPERTY VALUE\n\nSet a property of all selected objects.",
    "summary": " > summary NAME\n\nShow what the summary NAME, of an extension, makes of the answers to the last call "
    "or get.",
}
"""Of commands that a class brings, where none is selected."""


def topic_lines(topic: str, note: str) -> list[str]:
    """What there is to say of a topic; empty for one that is none.

    Args:
        note: stands below what a class would bring.
    """
    if topic in _MEMBERS:
        return [*_MEMBERS[topic].splitlines(), "", note]
    return _TEXTS.get(topic, "").splitlines()
