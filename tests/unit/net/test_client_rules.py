"""Where a client may connect at all."""

from __future__ import annotations

import pytest

from matahari.errors import ConnectFailedError
from matahari.net import check_allowed, parse_address


@pytest.mark.parametrize(
    ("text", "insecure"),
    [
        ("unix:/run/x", False),
        ("unix:/run/x", True),
        ("localhost", True),
        ("127.0.0.1:5672", True),
        ("[::1]:5672", True),
    ],
)
def test_allowed(text: str, insecure: bool) -> None:
    check_allowed(parse_address(text), insecure_anonymous=insecure)


@pytest.mark.parametrize(
    ("text", "insecure", "remedy"),
    [
        ("localhost", False, "use a Unix socket .* or --insecure-anonymous"),
        ("127.0.0.1:5672", False, "TCP without authentication is refused, on loopback too"),
        ("example.org", False, "other machines need TLS"),
        ("example.org", True, "reaches this machine only"),
        ("10.0.0.1:5672", True, "reaches this machine only"),
        ("0.0.0.0:5672", True, "reaches this machine only"),
        ("amqps://example.org", False, "use a Unix socket"),
        ("amqps://localhost", True, "use a Unix socket"),
    ],
)
def test_refused_with_the_remedy(text: str, insecure: bool, remedy: str) -> None:
    address = parse_address(text)
    with pytest.raises(ConnectFailedError, match=remedy) as caught:
        check_allowed(address, insecure_anonymous=insecure)
    assert caught.value.address == str(address)
    assert str(caught.value).startswith(f"{address}: ")
