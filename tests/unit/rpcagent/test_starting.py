"""What a worker is told first."""

from __future__ import annotations

from matahari.hostproto import Load
from matahari.rpcagent import Limits
from matahari.rpcagent.limits import Options
from matahari.rpcagent.orders import Content
from matahari.rpcagent.starting import load_message


def test_a_worker_is_told_all_that_it_needs_to_load_a_plugin() -> None:
    options = Options("sha256:0", {}, {"keep": 7}, "/p/a.toml")
    content = Content("/p/a.py", "python", "sha256:1", {"": "eA=="}, None, options)
    message = load_message("a", 3, content, Limits(concurrency=2, result_limit=1000), {"os": "linux"})
    assert message == Load(
        "/p/a.py", "a", "sha256:1", 3, 2, 1000, {"": "eA=="}, {"keep": 7}, {"os": "linux"}, settings_file="/p/a.toml"
    )
