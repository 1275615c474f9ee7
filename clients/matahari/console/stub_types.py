"""Types for stub files, as text, from JSON Schemas that come from the bus. Pure.

Nothing of a schema gets into the text but names that were looked at and values as Python writes them. What is not
understood is ``Any``. The text takes ``typing`` for ``_t``, and ``builtins`` for ``_b`` where a name may be taken.
"""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

__all__ = ["ANY", "TypeWriter", "is_safe_name", "new_class_name", "string_literal"]

ANY: Final = "_t.Any"
#: Longest name that is written, in characters; what is longer is no name that somebody types.
MAX_NAME: Final = 100
#: How deep types within types are written, classes counting anew.
MAX_DEPTH: Final = 8
#: Most alternatives of a type, and most characters of all of them; above, their common types say enough.
MAX_ALTERNATIVES: Final = 64
MAX_LITERALS: Final = 2000
#: Members of one class.
MAX_MEMBERS: Final = 500
#: Classes made for one plugin; a plugin's schemas share one message on the bus.
MAX_CLASSES: Final = 200
#: Schemas looked at for one type, and its longest text; what refers to others may mean any number of them.
MAX_PARTS: Final = 5000
MAX_TEXT: Final = 10_000
_REFERENCE: Final = "#/$defs/"
_Key: TypeAlias = tuple[str, bool, str, str]
_SIMPLE: Final[Mapping[str, str]] = {"integer": "int", "number": "float", "string": "str", "boolean": "bool"}
_BUILTINS: Final = frozenset({"int", "float", "str", "bool", "list", "dict", "tuple"})


def is_safe_name(name: str) -> bool:
    """Whether Python reads ``name`` as one identifier and as nothing else; others than ASCII are read as other names."""
    return len(name) <= MAX_NAME and name.isascii() and name.isidentifier() and not keyword.iskeyword(name)


def string_literal(text: str, *, is_long: bool = False) -> str:
    """``text`` as Python source that means the same; ``is_long`` keeps its lines, for documentation."""
    if not is_long:
        return repr(text)
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    shown = "".join(one if one.isprintable() or one == "\n" else repr(one)[1:-1] for one in escaped)
    # mypy takes a line that begins with "# mypy:" for its options, wherever it stands.
    return '"""' + shown.replace("\n#", "\n\\x23") + '"""'


class TypeWriter:
    """Writes the types of one plugin, and the classes that they need.

    Args:
        owner: begins the names of classes.
        taken: names of classes that there are; those that are made here are added.
        shadowed: names that mean something else where the types are used, e.g. a method ``list``.

    Attributes:
        classes: source of each class made, by name, in the order in which they were needed.
    """

    def __init__(self, owner: str, taken: set[str], shadowed: Iterable[str] = ()) -> None:
        self._owner = owner
        self._taken = taken
        self._prefix = "_b." if _BUILTINS & set(shadowed) else ""
        self.classes: dict[str, str] = {}
        self._known: dict[_Key, str] = {}
        self._keys: dict[tuple[str, int], _Key] = {}
        self._open: set[str] = set()
        self._left = 0

    @property
    def text_type(self) -> str:
        """The type of texts."""
        return f"{self._prefix}str"

    def type_of(self, schema: object, named: Mapping[str, object], *, is_given: bool) -> str:
        """The type of the values that fit ``schema``.

        Args:
            schema: anything; what is no schema is ``Any``.
            named: the schemas of ``$defs``, by name.
            is_given: they are arguments, for which tuples are as good as lists.
        """
        self._left = MAX_PARTS
        self._keys.clear()  # they are those of objects that live as long as this call
        return _union(self._alternatives(schema, named, is_given, 0))

    # --- inside ---------------------------------------------------------------------------------------------

    def _alternatives(self, schema: object, named: Mapping[str, object], is_given: bool, depth: int) -> list[str]:
        self._left -= 1
        if not isinstance(schema, Mapping) or depth > MAX_DEPTH or self._left < 0:
            return [ANY]
        reference = schema.get("$ref")
        if isinstance(reference, str):
            return self._referred(reference.removeprefix(_REFERENCE), named, is_given, depth)
        values = [schema["const"]] if "const" in schema else schema.get("enum")
        if isinstance(values, list) and (literal := _literal(values)):
            return [literal]
        several = schema.get("anyOf") or schema.get("oneOf")
        said = schema.get("type")
        kinds = said if isinstance(said, list) else [said]
        if len(several if isinstance(several, list) else kinds) > MAX_ALTERNATIVES:
            return [ANY]
        if isinstance(several, list):
            return [text for one in several for text in self._alternatives(one, named, is_given, depth + 1)]
        return [text for one in kinds for text in self._kind(one, schema, named, is_given, depth)]

    def _inner(self, schema: object, named: Mapping[str, object], is_given: bool, depth: int) -> str:
        return _union(self._alternatives(schema, named, is_given, depth + 1))

    def _kind(
        self, kind: object, schema: Mapping[str, object], named: Mapping[str, object], is_given: bool, depth: int
    ) -> list[str]:
        if kind == "null":
            return ["None"]
        if isinstance(kind, str) and kind in _SIMPLE:
            return [self._prefix + _SIMPLE[kind]]
        if kind == "array":
            return self._array(schema, named, is_given, depth)
        if kind != "object":
            return [ANY]
        if _has_members(schema):
            title = schema.get("title")
            return [self._class(title if isinstance(title, str) else "Value", schema, named, is_given)]
        return [self._map(self._inner(schema.get("additionalProperties"), named, is_given, depth))]

    def _map(self, value: str) -> str:
        return f"{self._prefix}dict[{self._prefix}str, {value}]"

    def _array(
        self, schema: Mapping[str, object], named: Mapping[str, object], is_given: bool, depth: int
    ) -> list[str]:
        parts = schema.get("prefixItems")
        if isinstance(parts, list) and 0 < len(parts) <= MAX_ALTERNATIVES:
            inner = [self._inner(one, named, is_given, depth) for one in parts]
            item, exact = _union(inner), ", ".join(inner)
        else:
            item = self._inner(schema.get("items"), named, is_given, depth)
            exact = f"{item}, ..."
        found = [f"{self._prefix}list[{item}]"]
        return [*found, f"{self._prefix}tuple[{exact}]"] if is_given else found  # JSON has no tuples

    def _referred(self, name: str, named: Mapping[str, object], is_given: bool, depth: int) -> list[str]:
        schema = named.get(name)
        if not isinstance(schema, Mapping) or name in self._open:
            return [ANY]  # nobody knows it, or it is nothing but itself
        if schema.get("type") == "object" and _has_members(schema):
            return [self._class(name, schema, named, is_given)]
        self._open.add(name)
        try:
            return self._alternatives(schema, named, is_given, depth + 1)
        finally:
            self._open.discard(name)

    def _class(self, title: str, schema: Mapping[str, object], named: Mapping[str, object], is_given: bool) -> str:
        """The name of a class of dictionaries with these members."""
        members = schema["properties"]
        assert isinstance(members, Mapping)
        key = self._keys.get((title, id(schema)))
        if key is None:
            key = self._keys[title, id(schema)] = _key(title, schema, named, is_given)
        if key in self._known:
            return self._known[key]
        if len(self._known) >= MAX_CLASSES:
            return self._map(ANY)
        name = self._known[key] = new_class_name(f"{self._owner}_{title}", self._taken)
        # In its place, before those that it needs; it may need itself. So it stays when they are nested too deeply.
        self.classes[name] = f"{name} = {self._map(ANY)}"
        said = schema.get("required")
        required = said if isinstance(said, list) else []
        types = {str(one): self._inner(inner, named, is_given, 0) for one, inner in members.items()}
        fields = {one: text if one in required else f"_t.NotRequired[{text}]" for one, text in types.items()}
        if all(is_safe_name(one) and one not in _BUILTINS and not one.startswith("_") for one in fields):
            lines = [f"class {name}(_t.TypedDict):", *(f"    {one}: {text}" for one, text in fields.items())]
        else:
            inside = (f"    {string_literal(one)}: {text}," for one, text in fields.items())
            lines = [f"{name} = _t.TypedDict({string_literal(name)}, {{", *inside, "})"]
        self.classes[name] = "\n".join(lines)
        return name


def _key(title: str, schema: Mapping[str, object], named: Mapping[str, object], is_given: bool) -> _Key:
    """What tells one class from another: two methods with one dataclass share the class that stands for it.

    So what else a method names counts only where the class refers to it, and whether values are given only where there
    are lists, which may then be tuples.
    """
    reached: dict[str, object] = {}
    waiting: list[object] = [schema]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            waiting.extend(one.values())
            reference = one.get("$ref")
            name = reference.removeprefix(_REFERENCE) if isinstance(reference, str) else ""
            if name in named and name not in reached:
                reached[name] = named[name]
                waiting.append(named[name])
        elif isinstance(one, list):
            waiting.extend(one)
    text, others = json.dumps(schema, sort_keys=True), json.dumps(reached, sort_keys=True)
    return title, is_given and '"array"' in text + others, text, others


def _literal(values: list[object]) -> str:
    """The values themselves; empty where that cannot be said, or not shortly."""
    if (
        not values
        or len(values) > MAX_ALTERNATIVES
        or not all(one is None or isinstance(one, str | int) for one in values)
    ):
        return ""
    try:
        text = ", ".join(dict.fromkeys(map(repr, values)))
    except ValueError:  # an integer of thousands of digits
        return ""
    return f"_t.Literal[{text}]" if len(text) <= MAX_LITERALS else ""


def _has_members(schema: Mapping[str, object]) -> bool:
    members = schema.get("properties")
    return isinstance(members, Mapping) and 0 < len(members) <= MAX_MEMBERS


def new_class_name(text: str, taken: set[str]) -> str:
    """A name for a class, made of the letters and digits of ``text``; it is added to ``taken``."""
    words = [one for one in re.split("[^A-Za-z0-9]+", text[:MAX_NAME]) if one]
    name = "".join(one[0].upper() + one[1:] for one in words)
    if not name[:1].isalpha() or keyword.iskeyword(name):
        name = f"Plugin{name}"
    chosen, number = name, 2
    while chosen in taken:
        chosen, number = f"{name}{number}", number + 1
    taken.add(chosen)
    return chosen


def _union(texts: Iterable[str]) -> str:
    """Each once, null last, where people look for it."""
    found = list(dict.fromkeys(texts))
    if ANY in found or not found or len(found) > MAX_ALTERNATIVES:
        return ANY
    text = " | ".join(sorted(found, key=lambda one: one == "None"))
    return text if len(text) <= MAX_TEXT else ANY
