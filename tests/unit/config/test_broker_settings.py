"""How a broker is addressed, as configured."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from matahari.bus import Kind
from matahari.config import Settings, load
from matahari.config.declaration import BROKER_KINDS
from matahari.errors import ConfigError


def settings(cli: dict[str, object] | None = None, **environ: str) -> Settings:
    return load(cli or {}, environ=environ, files=[], uid=1000, checkout=Path("/nowhere"))


def test_by_default_the_broker_is_asked_and_no_virtual_host_is_named() -> None:
    found = settings()
    assert (found.broker_kind, found.virtual_host) == ("auto", None)


def test_both_can_be_set_by_environment_and_command_line() -> None:
    found = settings({"virtual_host": "vhost:qmf"}, MATAHARI_BROKER_KIND="rabbitmq3", MATAHARI_VIRTUAL_HOST="x")
    assert (found.broker_kind, found.virtual_host) == ("rabbitmq3", "vhost:qmf")


def test_both_can_be_set_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "matahari.toml"
    file.write_text('broker_kind = "router"\nvirtual_host = "vhost:qmf"\n')
    found = load({}, environ={}, files=[file], uid=1000)
    assert (found.broker_kind, found.virtual_host) == ("router", "vhost:qmf")


def test_every_foreign_kind_can_be_named_and_no_other() -> None:
    assert set(BROKER_KINDS) == {"auto", *get_args(Kind)} - {"matahari"}
    with pytest.raises(ConfigError, match="broker-kind"):
        settings({"broker_kind": "kafka"})


@pytest.mark.parametrize("name", ["a b", "", "a\0", "x" * 256])
def test_a_virtual_host_has_a_name_without_blanks(name: str) -> None:
    with pytest.raises(ConfigError, match="virtual-host"):
        settings({"virtual_host": name})
