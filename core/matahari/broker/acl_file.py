"""Reads access rules. The file is TOML::

[groups]
consoles = ["alice", "bob"]

[[rules]]
who = "@consoles"               # a login, a @group, "*" for everybody, or a list of these
allow = ["publish", "bind"]     # or deny; "all" stands for publish, bind and attach
node = "qmf.default.direct"     # or a list; every node when left out
key = "direct-console.#"        # or a list; every key when left out
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from matahari.broker.acl import ACTIONS, LOGIN, NODES, Acl, Action, Rule
from matahari.broker.patterns import words_of
from matahari.errors import ConfigError

__all__ = ["parse_acl", "read_acl"]

MAX_FILE = 1 << 20  # bytes; a wrong path may be a disk image
MAX_RULES = 1000  # each costs time at the first message of each key
MAX_PATTERN = 255  # bytes, as a routing key

_FIELDS = ("who", "allow", "deny", "node", "key")
_GROUP = re.compile(r"[A-Za-z0-9_.-]+")
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def read_acl(path: Path) -> Acl:
    """The rules in ``path``.

    Raises:
        ConfigError: it cannot be read, others may write to it, or a rule is wrong; with file, rule and remedy.
    """
    file = str(path)
    try:
        with path.open("rb") as stream:
            found = os.fstat(stream.fileno())
            content = stream.read(MAX_FILE + 1)
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}; mend it or name another by --acl", file=file) from error
    if found.st_uid not in (0, os.geteuid()):
        raise ConfigError(
            f"belongs to user {found.st_uid}, who could grant himself every right; give it to root or to the"
            " broker's user",
            file=file,
        )
    if found.st_mode & _OTHERS_WRITE:
        mode = stat.S_IMODE(found.st_mode)
        raise ConfigError(f"has mode {mode:04o}, so others can write to it; take that away (chmod go-w)", file=file)
    if len(content) > MAX_FILE:
        raise ConfigError(f"has more than {MAX_FILE} bytes, so it is no file of access rules", file=file)
    try:
        return parse_acl(content.decode(), file)
    except UnicodeDecodeError as error:
        raise ConfigError("is not UTF-8 text; access rules are TOML", file=file) from error


def parse_acl(text: str, file: str) -> Acl:
    """The rules in ``text``; ``file`` is for errors.

    Raises:
        ConfigError: see :func:`read_acl`.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"is not valid TOML: {error}", file=file) from error
    for name in content:
        if name not in ("groups", "rules"):
            raise ConfigError("there is no such table; a file of rules has [groups] and [[rules]]", file=file, key=name)
    groups = _groups(content.get("groups", {}), file)
    rules = content.get("rules", [])
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise ConfigError("must be a list of tables; begin each rule with [[rules]]", file=file, key="rules")
    if not rules:
        raise ConfigError("has no [[rules]], so nobody could do anything; write one, or drop --acl", file=file)
    if len(rules) > MAX_RULES:
        raise ConfigError(f"has more than {MAX_RULES} rules; use groups and patterns", file=file)
    return Acl([_rule(number, rule, groups, file) for number, rule in enumerate(rules, 1)])


def _groups(table: object, file: str) -> dict[str, frozenset[str]]:
    if not isinstance(table, dict):
        raise ConfigError('must be a table of lists, as in consoles = ["alice"]', file=file, key="groups")
    groups = {}
    for name, members in table.items():
        key = f"groups.{name}"
        if not _GROUP.fullmatch(name):
            raise ConfigError("a group's name has letters, digits, '_', '-' and '.' only", file=file, key=key)
        if not isinstance(members, list) or not all(isinstance(one, str) for one in members):
            raise ConfigError('must be a list of logins, as in ["alice", "bob"]', file=file, key=key)
        for one in members:
            if not LOGIN.fullmatch(one):
                raise ConfigError(
                    f"{one!r} is no login; groups hold logins, not groups or patterns", file=file, key=key
                )
        groups[name] = frozenset(members)
    return groups


def _rule(number: int, raw: Mapping[str, object], groups: Mapping[str, frozenset[str]], file: str) -> Rule:
    key = f"rule {number}"
    for name in raw:
        if name not in _FIELDS:
            raise ConfigError(f"has the unknown entry {name!r}; known are {', '.join(_FIELDS)}", file=file, key=key)
    if ("allow" in raw) == ("deny" in raw):
        raise ConfigError('needs one of allow and deny, as in allow = "publish"', file=file, key=key)
    if "who" not in raw:
        raise ConfigError('says not for whom; add who = "LOGIN", "@GROUP" or "*"', file=file, key=key)
    effect = "allow" if "allow" in raw else "deny"
    actions = _words(raw[effect], f"{key}: {effect}", file)
    nodes = _words(raw["node"], f"{key}: node", file) if "node" in raw else list(NODES)
    for node in nodes:
        if node not in NODES:
            raise ConfigError(f"there is no node {node!r}; nodes are {', '.join(NODES)}", file=file, key=f"{key}: node")
    keys = None
    if "key" in raw:
        keys = tuple(_words(raw["key"], f"{key}: key", file))
        for pattern in keys:
            _check_pattern(pattern, f"{key}: key", file)
    chosen = _actions(actions, f"{key}: {effect}", file)
    if keys is not None and chosen == {"attach"}:
        raise ConfigError("attach has no key; leave key out", file=file, key=key)
    logins = _logins(_words(raw["who"], f"{key}: who", file), groups, f"{key}: who", file)
    return Rule(number, effect == "allow", logins, chosen, frozenset(nodes), keys)


def _actions(words: Sequence[str], key: str, file: str) -> frozenset[Action]:
    if words == ["all"]:
        return frozenset(ACTIONS)
    for word in words:
        if word not in ACTIONS:
            raise ConfigError(f"{word!r} is none of {', '.join(ACTIONS)} and all", file=file, key=key)
    return frozenset(action for action in ACTIONS if action in words)


def _logins(words: Sequence[str], groups: Mapping[str, frozenset[str]], key: str, file: str) -> frozenset[str] | None:
    found: set[str] = set()
    for word in words:
        if word == "*":
            return None
        if word.startswith("@"):
            if word[1:] not in groups:
                raise ConfigError(f"there is no group {word!r}; define it in [groups]", file=file, key=key)
            found |= groups[word[1:]]
        elif LOGIN.fullmatch(word):
            found.add(word)
        else:
            raise ConfigError(f"{word!r} is no login; write a login, @GROUP, or * for everybody", file=file, key=key)
    return frozenset(found)


def _check_pattern(pattern: str, key: str, file: str) -> None:
    if len(pattern.encode()) > MAX_PATTERN:
        raise ConfigError(f"a key has {MAX_PATTERN} bytes at most", file=file, key=key)
    if re.search(r"[{}]", pattern.replace("{login}", "")):
        raise ConfigError(f"{pattern!r}: only {{login}} may stand in braces", file=file, key=key)
    for word in words_of(pattern):
        if ("#" in word and word != "#") or "*" in word[:-1]:
            raise ConfigError(
                f"{pattern!r}: '#' must be a word of its own, '*' too or the end of one", file=file, key=key
            )


def _words(raw: object, key: str, file: str) -> list[str]:
    """One text, or a list of them that is not empty."""
    words = [raw] if isinstance(raw, str) else raw
    if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
        raise ConfigError("must be a text or a list of texts", file=file, key=key)
    return words
