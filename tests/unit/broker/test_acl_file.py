"""Files of access rules, right and wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from matahari.broker import parse_acl, read_acl
from matahari.broker.acl import NODES
from matahari.broker.acl_file import MAX_FILE, MAX_RULES
from matahari.errors import ConfigError

RULE = '[[rules]]\nwho = "alice"\nallow = "publish"\n'


def test_what_is_left_out_means_everything() -> None:
    [rule] = parse_acl(RULE, "f")._rules
    assert (rule.number, rule.is_allowing, rule.logins) == (1, True, frozenset({"alice"}))
    assert rule.actions == {"publish"}
    assert rule.nodes == set(NODES)
    assert rule.keys is None


def test_lists_stand_for_several_and_groups_for_their_members() -> None:
    text = """
    [groups]
    one = ["a", "b"]
    none = []
    [[rules]]
    who = ["@one", "@none", "c@REALM"]
    deny = ["bind", "publish"]
    node = ["qmf.default.topic", "amq.direct"]
    key = ["x.#", "y.*", "{login}.z*"]
    """
    [rule] = parse_acl(text, "f")._rules
    assert rule.logins == frozenset({"a", "b", "c@REALM"})
    assert not rule.is_allowing
    assert rule.actions == {"bind", "publish"}
    assert rule.nodes == {"qmf.default.topic", "amq.direct"}
    assert rule.keys == ("x.#", "y.*", "{login}.z*")


def test_a_star_is_everybody_and_all_is_every_action() -> None:
    [rule] = parse_acl('[[rules]]\nwho = ["a", "*"]\nallow = "all"\n', "f")._rules
    assert rule.logins is None
    assert rule.actions == {"publish", "bind", "attach"}


@pytest.mark.parametrize(
    ("text", "key", "message"),
    [
        ("", "", "has no [[rules]]"),
        ("x =", "", "is not valid TOML"),
        ("[rules]\nwho = 1", "rules", "begin each rule with [[rules]]"),
        ("rules = [1]", "rules", "begin each rule with [[rules]]"),
        ("[group]\na = []", "group", "has [groups] and [[rules]]"),
        ('groups = ["a"]', "groups", "must be a table of lists"),
        ('[groups]\na = "b"', "groups.a", 'as in ["alice", "bob"]'),
        ("[groups]\na = [1]", "groups.a", 'as in ["alice", "bob"]'),
        ('[groups]\na = ["@b"]', "groups.a", "hold logins, not groups"),
        ('[groups]\n"a b" = []', "groups.a b", "letters, digits"),
        ('[[rules]]\nwho = "a"', "rule 1", "needs one of allow and deny"),
        ('[[rules]]\nwho = "a"\nallow = "all"\ndeny = "all"', "rule 1", "needs one of allow and deny"),
        (RULE + '[[rules]]\nallow = "all"', "rule 2", "says not for whom"),
        (RULE + 'keys = "x"', "rule 1", "unknown entry 'keys'; known are who, allow, deny, node, key"),
        ('[[rules]]\nwho = "@x"\nallow = "all"', "rule 1: who", "no group '@x'; define it in [groups]"),
        ('[[rules]]\nwho = "a b"\nallow = "all"', "rule 1: who", "write a login, @GROUP, or *"),
        ('[[rules]]\nwho = ""\nallow = "all"', "rule 1: who", "is no login"),
        ('[[rules]]\nwho = []\nallow = "all"', "rule 1: who", "a text or a list of texts"),
        ('[[rules]]\nwho = 7\nallow = "all"', "rule 1: who", "a text or a list of texts"),
        ('[[rules]]\nwho = "a"\nallow = true', "rule 1: allow", "a text or a list of texts"),
        ('[[rules]]\nwho = "a"\ndeny = "read"', "rule 1: deny", "'read' is none of publish, bind, attach and all"),
        ('[[rules]]\nwho = "a"\nallow = ["all", "bind"]', "rule 1: allow", "'all' is none of"),
        (RULE + 'node = "qmf.topic"', "rule 1: node", "no node 'qmf.topic'; nodes are qmf.default.topic"),
        (RULE + 'key = "a#"', "rule 1: key", "'#' must be a word of its own"),
        (RULE + 'key = "a.*b"', "rule 1: key", "'*' too or the end of one"),
        (RULE + 'key = "a.{user}"', "rule 1: key", "only {login} may stand in braces"),
        (RULE + f'key = "{"k" * 256}"', "rule 1: key", "255 bytes at most"),
        (RULE + "key = []", "rule 1: key", "a text or a list of texts"),
        ('[[rules]]\nwho = "a"\nallow = "attach"\nkey = "k"', "rule 1", "attach has no key; leave key out"),
        (RULE * (MAX_RULES + 1), "", "more than 1000 rules"),
    ],
)
def test_a_fault_is_named_by_file_rule_and_remedy(text: str, key: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_acl(text, "/etc/acl.toml")
    assert (caught.value.file, caught.value.key) == ("/etc/acl.toml", key)
    assert message in str(caught.value)


def test_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "acl.toml"
    file.write_text(RULE)
    file.chmod(0o644)
    assert read_acl(file).admits("alice")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff", "is not UTF-8"),
        (b"#" * (MAX_FILE + 1), "so it is no file of access rules"),
        (None, "cannot be read: No such file or directory; mend it or name another by --acl"),
    ],
    ids=["not-utf-8", "too-large", "missing"],
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    file = tmp_path / "acl.toml"
    if content is not None:
        file.write_bytes(content)
        file.chmod(0o600)
    with pytest.raises(ConfigError, match=message) as caught:
        read_acl(file)
    assert caught.value.file == str(file)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_to_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "acl.toml"
    file.write_text(RULE)
    file.chmod(mode)
    with pytest.raises(ConfigError, match=f"has mode {mode:04o}.*chmod go-w"):
        read_acl(file)


def test_a_file_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "acl.toml"
    file.write_text(RULE)
    file.chmod(0o600)
    real = os.fstat

    def foreign(descriptor: int) -> os.stat_result:
        found = list(real(descriptor))
        found[4] = 4711  # st_uid
        return os.stat_result(found)

    monkeypatch.setattr("matahari.broker.acl_file.os.fstat", foreign)
    with pytest.raises(ConfigError, match="belongs to user 4711"):
        read_acl(file)
