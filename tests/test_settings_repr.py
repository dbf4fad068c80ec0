"""No secret in the repr of settings."""

import time
from collections import namedtuple
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiotoolkit._redaction import is_secret_name, mask_text
from aiotoolkit.settings import Settings, immutable_settings, load_settings

Login = namedtuple("Login", "user password")  # noqa: PYI024 - the untyped form is what older settings modules hold


@pytest.mark.parametrize(
    "name",
    [
        "SECRET_KEY", "APIKEY", "AWS_ACCESS_KEY_ID", "TOKEN", "DB_PASSWORD", "DB_PASSWD", "DB_PASS", "PWD",
        "SENTRY_DSN", "GOOGLE_CREDENTIALS", "PRIVATE_PEM", "HASH_SALT", "AZURE_CONNECTION_STRING", "secret",
        "Authorization", "api-token", "accessToken", "JWT",
    ],
)  # fmt: skip
def test_secret_names(name: str) -> None:
    """These names look secret."""
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name", ["DEBUG", "DATABASE_URL", "LOCALE", "TIME_ZONE", "AUTHOR", "HOST", "", None, 3, ("KEY",)]
)
def test_plain_names(name: object) -> None:
    """These do not."""
    assert not is_secret_name(name)


def test_repr() -> None:
    """The repr reads like a mapping, with secrets replaced and the rest as it is."""
    settings = immutable_settings(
        {
            "DEBUG": True,
            "EMPTY": (),
            "HOSTS": ["a", "b"],
            "ONE": (1,),
            "PATH": Path("x"),
            "SECRET_KEY": "hunter2",
            "SENTRY_DSN": None,
            "SERVICES": {"mail": {"user": "me", "password": "hunter2"}, "list": [{"api_key": 5}]},
            "SET": {1},
        }
    )
    assert repr(settings) == (
        "Settings({'DEBUG': True, 'EMPTY': (), 'HOSTS': ('a', 'b'), 'ONE': (1,), "
        f"'PATH': {Path('x')!r}, 'SECRET_KEY': '***', 'SENTRY_DSN': None, "
        "'SERVICES': {'mail': {'user': 'me', 'password': '***'}, 'list': ({'api_key': '***'},)}, "
        "'SET': frozenset({1})})"
    )
    assert str(settings) == f"{settings}" == repr(settings)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgresql://me:pw@db:5432/app", "postgresql://me:***@db:5432/app"),
        ("redis://:pw@host/0", "redis://:***@host/0"),
        ("https://pw@sentry.example/1", "https://***@sentry.example/1"),
        ("postgresql://me@server:pw@host/db", "postgresql://***@server:***@host/db"),
        ("postgresql://me:pw/w?o#r@d@host/db", "postgresql://me:***@host/db"),
        ("postgresql://me:pw with 'quotes\"\n@host/db", "postgresql://me:***@host/db"),
        ("amqp://a:pw@one;amqp://b:pw@two", "amqp://a:***@two"),
        ("postgresql://host/db?user=me&password=pw", "postgresql://host/db?user=me&password=***"),
        ("host=db password=pw user=me", "host=db password=*** user=me"),
        ("host=db password='p w' user=me", "host=db password=*** user=me"),
        ("Server=x;AccountKey=pw==;Y=1", "Server=x;AccountKey=***"),
        ('{"user": "me", "private_key": "pw\\"pw"}', '{"user": "me", "private_key": ***}'),
        ("https://cdn.example/npm/vue@3/vue.js", "https://cdn.example/npm/vue@3/vue.js"),
        ("http://localhost:8080/a", "http://localhost:8080/a"),
        ("me@example.com", "me@example.com"),
        ("%(asctime)s [%(levelname)s] %(message)s", "%(asctime)s [%(levelname)s] %(message)s"),
    ],
)
def test_texts(text: str, masked: str) -> None:
    """Passwords in URLs, connection strings and JSON are hidden under any name; other texts are shown."""
    assert mask_text(text) == masked
    assert repr(immutable_settings({"A": text})) == f"Settings({{'A': {masked!r}}})"


def test_objects() -> None:
    """Secrets in the reprs of other objects are hidden too, and in keys, bytes and named tuples."""

    @dataclass
    class Database:
        host: str
        password: str
        tokens: list[str]

    class Url:
        def __repr__(self) -> str:
            return "Url('https://me:hunter2@host')"

    settings = immutable_settings(
        {
            "A": Database("h", "hunter2 with blanks'", ["hunter2", "hunter2"]),
            "B": Url(),
            "C": b"redis://:hunter2@host",
            "D": {"https://me:hunter2@host": 1},
            "E": Login("me", "hunter2"),
            "F": {frozenset({"https://me:hunter2@host"})},
        }
    )
    assert "hunter2" not in repr(settings)
    assert "host='h'" in repr(settings)


@given(
    st.dictionaries(
        st.sampled_from(["API_KEY", "password", "dsn", "url", "NAME"]),
        st.recursive(
            st.sampled_from(["hunter2", "https://me:hunter2@host"]),
            lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["Token", "host", "x"]), inner),
        ),
    ),
    st.text(),
    st.text(),
)
def test_no_secret_is_shown(data: dict[str, Any], before: str, after: str) -> None:
    """Under a secret name, or as a password in a URL whatever its characters, no secret is ever shown."""

    def hide(value: Any, *, secret: bool) -> Any:
        if isinstance(value, dict):
            return {name: hide(item, secret=secret or is_secret_name(name)) for name, item in value.items()}
        if isinstance(value, list):
            return [hide(item, secret=secret) for item in value]
        return before + "hunter2" + after if secret else f"https://me:{before}hunter2{after}@host"

    settings = immutable_settings(
        {name.upper(): hide(value, secret=is_secret_name(name)) for name, value in data.items()} | {"A": 1}
    )
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize("size", [100_000])
@pytest.mark.parametrize("part", ["a", "://", "key", "password='", "://a:", "@://a:", "@", "key=", "\\'"])
def test_long_texts_are_fast(part: str, size: int) -> None:
    """Masking a long text costs no more than linear time, whatever the text is made of."""
    start = time.process_time()
    mask_text(part * (size // len(part)))
    assert time.process_time() - start < 2  # some milliseconds; a quadratic pattern takes a minute


def test_dataclass() -> None:
    """The dataclass of load_settings hides the same."""

    @dataclass(frozen=True)
    class Config:
        url: str
        hosts: list[str]

    config = load_settings(Config, environ={"URL": "https://me:hunter2@x", "HOSTS": "a,https://me:hunter2@y"})
    assert repr(config).endswith("Config(url='https://me:***@x', hosts=['a', 'https://me:***@y'])")


def test_settings_inside_settings() -> None:
    """Settings keep their secrets inside other settings and collections."""
    inner = immutable_settings({"SECRET_KEY": "hunter2"})
    assert "hunter2" not in repr([immutable_settings({"INNER": inner, "LIST": [inner]}), Settings({"A": {1: inner}})])
