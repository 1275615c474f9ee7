"""Names that secrets have."""

from __future__ import annotations

import pytest

from matahari.validation import is_secret_name


@pytest.mark.parametrize(
    "name",
    [
        "password", "PassWd", "db_password_1", "passphrase", "secret", "clientSecret", "token", "x-auth-TOKEN", "key",
        "Key", "keys", "api_key", "apiKey", "APIKEY", "key_id", "ssh-key", "credential", "Credentials", "Authorization",
    ],
)  # fmt: skip
def test_names_like_these_are_secret(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name", ["user", "keyboard", "hockey_team", "routing-key", "routingKey", "x-routing-key", "bindingKey", ""]
)
def test_names_like_these_are_not(name: str) -> None:
    assert not is_secret_name(name)
