from __future__ import annotations

import hashlib

from matahari.hostproto import SINGLE_FILE, content_digest


def test_the_digest_of_a_file_is_that_of_its_bytes() -> None:
    assert content_digest({SINGLE_FILE: b"abc"}) == f"sha256:{hashlib.sha256(b'abc').hexdigest()}"


def test_the_digest_of_a_folder_covers_paths_and_contents_in_any_order() -> None:
    one = content_digest({"__init__.py": b"a", "b/c.py": b"d"})
    assert one == content_digest({"b/c.py": b"d", "__init__.py": b"a"})
    assert one != content_digest({"__init__.py": b"a", "b/x.py": b"d"})
    assert one != content_digest({"__init__.py": b"a", "b/c.py": b"e"})
    assert content_digest({"a": b"bc"}) != content_digest({"ab": b"c"})
