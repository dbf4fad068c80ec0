"""Settings from the environment: load_settings, from_env, to_bool."""

import contextlib
import dataclasses
import os
import pickle
import re
import sys
from dataclasses import InitVar, dataclass, field
from datetime import timedelta
from enum import Enum, IntEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal, NewType, Optional, assert_type

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiotoolkit.settings import SettingsError, from_env, load_settings, to_bool
from tests.settings_helpers import run_python


class Color(Enum):
    RED = "red"
    BLUE = "#00f"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


UserId = NewType("UserId", int)


@dataclass(frozen=True)
class Config:
    """A usual configuration."""

    database_url: str
    secret_key: str
    port: int = 8080
    debug: bool = False


ENVIRON = {"DATABASE_URL": "postgresql://me:s3cret@db/app", "SECRET_KEY": "hunter2"}


def load_one(annotation: Any, text: str, **options: Any) -> Any:
    """Load a class with one required field of this type from this text."""
    cls = dataclasses.make_dataclass("One", [("value", annotation, field(**options))], frozen=True)
    return load_settings(cls, environ={"VALUE": text}).value


def problems(cls: type, environ: dict[str, Any], **options: Any) -> dict[str, str]:
    """Return what the error says about each variable."""
    with pytest.raises(SettingsError) as caught:
        load_settings(cls, environ=environ, **options)
    return caught.value.errors


class TestLoadSettings:
    """A dataclass filled from variables."""

    def test_fields(self) -> None:
        """Each field is the variable of its name in upper case, by its type, or else the default."""
        config = load_settings(Config, environ={**ENVIRON, "DEBUG": "yes"})
        assert_type(config, Config)
        assert config == Config("postgresql://me:s3cret@db/app", "hunter2", 8080, debug=True)
        assert type(config) is Config

    def test_prefix(self) -> None:
        """The prefix stands before each variable, and before those in errors."""
        environ = {f"APP_{name}": text for name, text in ENVIRON.items()}
        assert load_settings(Config, environ=environ, prefix="APP_").secret_key == "hunter2"
        assert list(problems(Config, ENVIRON | {"APP_PORT": "x"}, prefix="APP_")) == [
            "APP_DATABASE_URL",
            "APP_SECRET_KEY",
            "APP_PORT",
        ]

    def test_os_environ(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without ``environ`` the process's environment counts, as it is at the call."""
        for name, text in ENVIRON.items():
            monkeypatch.setenv(name, text)
        assert load_settings(Config).secret_key == "hunter2"

    def test_empty_environ(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """An empty ``environ`` is empty, and does not mean the process's environment."""
        monkeypatch.setenv("SECRET_KEY", "x")
        assert problems(Config, {}) == {"DATABASE_URL": "missing", "SECRET_KEY": "missing"}

    def test_every_problem_at_once(self) -> None:
        """All missing and bad variables are in one error, by name, with the places that were searched."""
        environ = {"SECRET_KEY": "", "PORT": "80a", "DEBUG": "maybe"}
        with pytest.raises(SettingsError) as caught:
            load_settings(Config, environ=environ)
        assert str(caught.value) == (
            "Config cannot be loaded; looked in the environment:\n"
            "  DATABASE_URL: missing\n"
            "  SECRET_KEY: empty, and there is no default\n"
            "  PORT: expected a whole number, got '80a'\n"
            "  DEBUG: expected one of 1, y, yes, t, true, on, 0, n, no, f, false, off, got 'maybe'"
        )
        assert isinstance(caught.value, ValueError)
        again = pickle.loads(pickle.dumps(caught.value))
        assert (str(again), again.errors) == (str(caught.value), caught.value.errors)

    def test_no_secret_in_errors(self) -> None:
        """No error, nor what it chains to, shows a secret's value, whatever is wrong with it."""

        def refuse(text: str) -> str:
            raise ValueError(f"I do not like {text}")

        @dataclass(frozen=True)
        class Secrets:
            api_key: int
            use_token: bool
            dsn: str = field(metadata={"converter": refuse})
            passwords: list[int]
            url: int
            broker: str = field(metadata={"converter": refuse})

        environ = {
            "API_KEY": "s3cret",
            "USE_TOKEN": "s3cret",
            "DSN": "s3cret",
            "PASSWORDS": "s3cret",
            "URL": "https://me:s3cret@host",
            "BROKER": "amqp://me:s3cret@host",
        }
        with pytest.raises(SettingsError) as caught:
            load_settings(Secrets, environ=environ)
        error: BaseException | None = caught.value
        assert len(caught.value.errors) == 6
        while error is not None:
            assert "s3cret" not in f"{error!r} {error}"
            error = error.__cause__ or error.__context__
        assert "https://me:***@host" in str(caught.value)

    def test_long_values_are_shortened(self) -> None:
        """An error shows the start of a long value only."""
        assert len(problems(Config, ENVIRON | {"PORT": "x" * 10_000})["PORT"]) < 200

    def test_value_that_is_no_text(self) -> None:
        """A value that is not text, as tests may pass it, is an error that says so."""
        assert problems(Config, {**ENVIRON, "PORT": 80}) == {"PORT": "expected text, got int"}

    @pytest.mark.parametrize("environ", [None, [("A", "b")], "A=b"])
    def test_environ_that_is_no_mapping(self, environ: Any) -> None:
        """``environ`` must be a mapping."""
        with pytest.raises(TypeError, match="environ is a mapping"):
            load_settings(Config, environ=environ)

    @pytest.mark.parametrize("prefix", ["../", "a/", "a\\", "A=", "a\0"])
    def test_prefix_that_is_none(self, prefix: str) -> None:
        """A prefix cannot lead to a file outside of the folder of secrets."""
        with pytest.raises(ValueError, match="prefix begins the names of variables"):
            load_settings(Config, environ={}, prefix=prefix)

    @pytest.mark.parametrize("path", ["a\0b", "x" * 5000, "\ud800"])
    @pytest.mark.parametrize("option", ["secrets_dir", "env_file"])
    def test_path_that_is_none(self, option: str, path: str) -> None:
        """A path that no file can have is reported as any other that cannot be read."""
        with pytest.raises(SettingsError, match="cannot be loaded") as caught:
            load_settings(Config, environ={}, **{option: path})
        assert caught.value.errors["PORT" if option == "secrets_dir" else path]

    @pytest.mark.parametrize(
        "option", [{"prefix": None}, {"prefix": b"A_"}, {"env_file": 3}, {"secrets_dir": 3}, {"env_file": b"x"}]
    )
    def test_options_of_a_wrong_type(self, option: dict[str, Any]) -> None:
        """Options of a wrong type are TypeErrors that name them, before anything is read."""
        with pytest.raises(TypeError, match=f"^{next(iter(option))} is "):
            load_settings(Config, environ=ENVIRON, **option)

    def test_validation_of_the_class(self) -> None:
        """An error of ``__post_init__`` is the class's own, and passes as it is."""

        @dataclass(frozen=True)
        class Checked:
            port: int

            def __post_init__(self) -> None:
                if self.port > 65535:
                    raise ValueError("no such port")

        with pytest.raises(ValueError, match=r"^no such port$"):
            load_settings(Checked, environ={"PORT": "70000"})


class TestClasses:
    """Which classes can be filled, and which of their fields are read."""

    def test_not_frozen(self) -> None:
        """A dataclass that can change is refused."""

        @dataclass
        class Mutable:
            port: int = 1

        with pytest.raises(TypeError, match=r"@dataclass\(frozen=True\), and .*Mutable.* is not one"):
            load_settings(Mutable, environ={})

    @pytest.mark.parametrize("cls", [dict, int, None, "Config", Config("", ""), Color])
    def test_no_dataclass(self, cls: Any) -> None:
        """Anything that is not a dataclass, an instance of one too, is refused."""
        with pytest.raises(TypeError, match="decorated with @dataclass"):
            load_settings(cls, environ={})

    def test_undecorated_subclass(self) -> None:
        """A subclass that forgot its decorator is refused: its new fields would be left out in silence."""

        class Forgot(Config):
            extra: int

        with pytest.raises(TypeError, match=r"decorated with @dataclass\(frozen=True\)"):
            load_settings(Forgot, environ=ENVIRON)

    def test_kinds_of_fields(self) -> None:
        """InitVars are read, ClassVars and ``init=False`` fields are not; factories are defaults."""

        @dataclass(frozen=True, kw_only=True, slots=True)
        class Kinds:
            constant: ClassVar[int] = 1
            computed: int = field(init=False, default=0)
            tags: list[str] = field(default_factory=lambda: ["a"])
            number: InitVar[int]
            other: "InitVar[Optional['int']]" = None  # noqa: UP045 - quotes inside quotes do not work with "|"

            def __post_init__(self, number: int, other: int | None) -> None:
                object.__setattr__(self, "computed", number + (other or 0))

        kinds = load_settings(Kinds, environ={"CONSTANT": "2", "COMPUTED": "3", "NUMBER": "4", "OTHER": "5"})
        assert (kinds.constant, kinds.computed, kinds.tags) == (1, 9, ["a"])
        assert problems(Kinds, {"NUMBER": "x"}) == {"NUMBER": "expected a whole number, got 'x'"}
        assert problems(Kinds, {}) == {"NUMBER": "missing"}
        first, second = (load_settings(Kinds, environ={"NUMBER": "1"}) for _ in range(2))
        assert first.tags is not second.tags

    def test_inheritance(self) -> None:
        """Inherited fields count; an overridden one has its new type and default."""

        @dataclass(frozen=True)
        class Child(Config):
            port: Literal["http", "https"] = "http"  # type: ignore[assignment] # a change of type is what is tested
            extra: int = 1

        child = load_settings(Child, environ={**ENVIRON, "PORT": "https", "EXTRA": "2"})
        assert (child.secret_key, child.port, child.extra) == ("hunter2", "https", 2)

    def test_own_init(self) -> None:
        """An ``__init__`` whose parameters are not the fields is refused by name."""

        @dataclass(frozen=True, init=False)
        class Own:
            port: int

            def __init__(self, *numbers: int) -> None: ...

        with pytest.raises(TypeError, match="__init__ of its own, whose parameter numbers"):
            load_settings(Own, environ={})

    def test_string_annotations(self) -> None:
        """Annotations as text are resolved where the class was written, with quotes inside quotes too."""

        @dataclass(frozen=True)
        class Texts:
            number: "int"
            maybe: "Optional['Color']"  # noqa: UP045 - quotes inside quotes do not work with "|"
            colors: list["Color"]
            numbers: "list['Level']"

        texts = load_settings(Texts, environ={"NUMBER": "1", "MAYBE": "red", "COLORS": "red", "NUMBERS": "1,2"})
        assert texts == Texts(1, Color.RED, [Color.RED], [Level.LOW, Level.HIGH])

    def test_string_annotations_of_another_module(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Annotations inherited from another module are resolved in that module."""
        (tmp_path / "base_config.py").write_text(
            "from __future__ import annotations\n"
            "from dataclasses import dataclass\n"
            "from enum import Enum\n"
            "class Color(Enum):\n    GREEN = 'green'\n"
            "@dataclass(frozen=True)\nclass Base:\n"
            "    class Size(Enum):\n        BIG = 'big'\n"
            "    color: Color\n    size: Size\n"
        )
        monkeypatch.syspath_prepend(tmp_path)
        base = __import__("base_config")
        child: Any = dataclass(frozen=True)(type("Child", (base.Base,), {}))
        loaded = load_settings(child, environ={"COLOR": "green", "SIZE": "big"})
        assert (loaded.color, loaded.size) == (base.Color.GREEN, base.Base.Size.BIG)
        del sys.modules["base_config"]

    def test_unresolvable_annotation(self) -> None:
        """An annotation that cannot be resolved is an error that names the field."""

        @dataclass(frozen=True)
        class Unknown:
            port: int
            zone: "NoSuchType"  # type: ignore[name-defined] # noqa: F821 - that is what is tested

        with pytest.raises(TypeError, match=r"Unknown\.zone: the annotation 'NoSuchType' cannot be resolved"):
            load_settings(Unknown, environ={})

    @pytest.mark.parametrize(
        "annotation",
        [dict[str, str], bytes, object, Any, int | str, int | str | None, list[list[int]], list[int | str], type],
    )
    def test_unsupported_annotation(self, annotation: Any) -> None:
        """A type that cannot be read from text is an error that names the field and shows the way out."""
        with pytest.raises(TypeError, match=r"One\.value: .*converter"):
            load_one(annotation, "x")

    def test_own_repr(self) -> None:
        """A ``__repr__`` that the class wrote itself stays."""

        @dataclass(frozen=True)
        class Own:
            secret_key: str

            def __repr__(self) -> str:
                return "mine"

        assert repr(load_settings(Own, environ=ENVIRON)) == "mine"

    def test_repr(self) -> None:
        """The repr is the dataclass's, without secrets; equality, hash and pickling are untouched."""

        @dataclass(frozen=True)
        class Shown:
            database_url: str
            secret_key: str
            token: str | None = None
            quiet: int = field(default=1, repr=False)

        name = "TestClasses.test_repr.<locals>.Shown"
        plain = Shown(**{key.lower(): text for key, text in ENVIRON.items()})  # type: ignore[arg-type] # two texts
        loaded = load_settings(Shown, environ=ENVIRON)
        assert repr(loaded) == f"{name}(database_url='postgresql://me:***@db/app', secret_key='***', token=None)"
        assert loaded == plain
        assert hash(loaded) == hash(plain)
        assert pickle.loads(pickle.dumps(load_settings(Config, environ=ENVIRON))) == Config(**lower(ENVIRON))

    def test_repr_with_slots(self) -> None:
        """Classes with slots hide their secrets too."""

        @dataclass(frozen=True, slots=True)
        class Slots:
            secret_key: str

        assert "hunter2" not in repr(load_settings(Slots, environ=ENVIRON))


def lower(environ: dict[str, str]) -> dict[str, Any]:
    return {name.lower(): text for name, text in environ.items()}


class TestTypes:
    """How text is read."""

    @pytest.mark.parametrize(
        ("annotation", "text", "value"),
        [
            (str, " as it is ", " as it is "),
            (int, " -12 ", -12),
            (int, "+7", 7),
            (float, "1.5", 1.5),
            (float, "-2e3", -2000.0),
            (float, ".5", 0.5),
            (bool, "On", True),
            (bool, "f", False),
            (Path, "/var/lib", Path("/var/lib")),
            (Color, "red", Color.RED),
            (Color, "BLUE", Color.BLUE),
            (Level, "2", Level.HIGH),
            (Level, "LOW", Level.LOW),
            (Literal["a", "b"], "b", "b"),
            (Literal[1, 2], "2", 2),
            (Literal[Color.RED], "red", Color.RED),
            (Literal["a", None], "", None),  # noqa: PYI061 - the other way to write None
            (timedelta, "90", timedelta(seconds=90)),
            (timedelta, "-1.5", timedelta(seconds=-1.5)),
            (timedelta, "1h30m", timedelta(minutes=90)),
            (timedelta, "2d", timedelta(days=2)),
            (timedelta, "1.5s250ms", timedelta(seconds=1.75)),
            (int | None, "1", 1),
            (int | None, "", None),
            (Optional[str], "x", "x"),  # noqa: UP045 - the older form is tested too
            (None | Color, "red", Color.RED),
            (list[int], "1, 2,3,", [1, 2, 3]),
            (list[str], "", []),
            (list, "a,b", ["a", "b"]),
            (tuple[int, ...], "1,2", (1, 2)),
            (tuple[str, int], "a,2", ("a", 2)),
            (tuple[int, ...], "", ()),
            (set[Color], "red,red", {Color.RED}),
            (frozenset[str], "a,b", frozenset("ab")),
            (list[Path] | None, "a", [Path("a")]),
            (list[timedelta], "1s,2m", [timedelta(seconds=1), timedelta(minutes=2)]),
            (Annotated[int, "a port"], "1", 1),
            (Final[int], "1", 1),
            (UserId, "1", 1),
        ],
    )
    def test_value(self, annotation: Any, text: str, value: object) -> None:
        """Text is read by the annotation."""
        loaded = load_one(annotation, text)
        assert loaded == value
        assert type(loaded) is type(value)

    @pytest.mark.parametrize(
        ("annotation", "text", "message"),
        [
            (int, "1_000", "a whole number"),
            (int, "\u0661\u0662", "a whole number"),
            (int, "1.0", "a whole number"),
            (int, "9" * 5000, "a whole number"),
            (float, "nan", "a number"),
            (float, "inf", "a number"),
            (float, "1e999", "a number"),
            (float, "1_0", "a number"),
            (bool, "2", "one of 1, y, yes"),
            (Color, "green", "one of 'red', '#00f'"),
            (Literal["a", 1], "c", "one of 'a', 1"),
            (timedelta, "1 hour", "a duration"),
            (timedelta, "1h30", "a duration"),
            (timedelta, "9" * 400, "a duration"),
            (timedelta, "999999999999d", "a duration"),
            (list[int], "1,x", "item 2: expected a whole number"),
            (tuple[int, int], "1", "2 items"),
        ],
    )
    def test_bad_value(self, annotation: Any, text: str, message: str) -> None:
        """What does not fit the type is an error that says what was expected."""
        with pytest.raises(SettingsError, match=f"VALUE: .*{re.escape(message)}.*, got "):
            load_one(annotation, text)

    @pytest.mark.parametrize(
        "annotation", [str, int, float, bool, Path, Color, Literal["a"], timedelta, tuple[int, int]]
    )
    @pytest.mark.parametrize("text", ["", "  "])
    def test_empty(self, annotation: Any, text: str) -> None:
        """An empty variable is an error where only a value makes sense; blanks are a value for str and Path alone."""
        if text and annotation in (str, Path):
            assert load_one(annotation, text) == annotation(text)
            return
        with pytest.raises(SettingsError) as caught:
            load_one(annotation, text)
        assert caught.value.errors["VALUE"].startswith("empty, ")

    def test_empty_with_default(self) -> None:
        """An empty str is allowed where there is a default, and wins over it; an empty int is an error there too."""
        assert load_one(str, "", default="x") == ""
        assert load_one(str | None, "", default="x") is None
        with pytest.raises(SettingsError, match="empty, expected a whole number"):
            load_one(int, "", default=1)

    def test_converter(self) -> None:
        """A converter gets the text as it is, and may return anything, whatever the annotation says."""
        assert load_one("NoSuchType", " 1 ", metadata={"converter": lambda text: {"text": text}}) == {"text": " 1 "}

    @pytest.mark.parametrize("error", [ValueError("must be even"), ZeroDivisionError("must be even")])
    def test_converter_that_refuses(self, error: Exception) -> None:
        """What a converter raises is reported with the rest, in its own words."""

        def refuse(text: str) -> None:
            raise error

        with pytest.raises(SettingsError, match="VALUE: must be even, got '3'"):
            load_one(int, "3", metadata={"converter": refuse})

    def test_converter_that_is_none(self) -> None:
        """A converter that cannot be called is an error that names the field."""
        with pytest.raises(TypeError, match=r"One\.value: the converter is not callable"):
            load_one(int, "3", metadata={"converter": "int"})

    @pytest.mark.skipif(sys.version_info < (3, 12), reason="type statements are from Python 3.12 on")
    def test_type_statement(self) -> None:
        """A type alias of Python 3.12 stands for its type."""
        namespace: dict[str, Any] = {}
        exec("type Port = int", namespace)
        assert load_one(namespace["Port"], "1") == 1

    @given(
        st.fixed_dictionaries(
            {
                "number": st.integers(),
                "ratio": st.floats(allow_nan=False, allow_infinity=False),
                "flag": st.booleans(),
                "text": st.text(min_size=1),
                "color": st.sampled_from(Color),
                "maybe": st.none() | st.integers(),
                "numbers": st.lists(st.integers()),
                "span": st.integers(-(10**9), 10**9).map(lambda seconds: timedelta(seconds=seconds)),
            }
        )
    )
    def test_round_trip(self, values: dict[str, Any]) -> None:
        """What is written as text is read back as the same value."""

        @dataclass(frozen=True)
        class Trip:
            number: int
            ratio: float
            flag: bool
            text: str
            color: Color
            maybe: int | None
            numbers: list[int]
            span: timedelta

        def write(value: Any) -> str:
            match value:
                case None:
                    return ""
                case list():
                    return ",".join(map(str, value))
                case Enum():
                    return str(value.value)
                case timedelta():
                    return str(int(value.total_seconds()))
                case _:
                    return str(value)

        environ = {name.upper(): write(value) for name, value in values.items()}
        assert load_settings(Trip, environ=environ) == Trip(**values)

    @given(st.text())
    def test_any_text(self, text: str) -> None:
        """No text makes anything but a value or a SettingsError."""
        for annotation in (int, float, bool, Color, timedelta, Literal[1, "a"], list[int], tuple[int, bool]):
            with contextlib.suppress(SettingsError):
                load_one(annotation, text)


class TestFiles:
    """Secret files and ``.env`` files."""

    def test_secrets_dir(self, tmp_path: Path) -> None:
        """A file's name is the variable's, prefix included, in either case; one trailing line break does not count."""
        (tmp_path / "APP_DATABASE_URL").write_bytes(b"db\n\n")
        (tmp_path / "app_secret_key").write_bytes(b" key\r\n")
        (tmp_path / "app_database_url").write_bytes(b"not this one")
        config = load_settings(Config, environ={}, prefix="APP_", secrets_dir=tmp_path)
        assert config == Config("db\n", " key")

    def test_order(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The environment wins over secrets, those over the default; an empty variable wins too."""
        for name in ("DATABASE_URL", "SECRET_KEY", "PORT"):
            (tmp_path / name).write_text("1")
        monkeypatch.setenv("PORT", "2")  # not looked at
        config = load_settings(Config, environ={"DATABASE_URL": "2"}, secrets_dir=str(tmp_path))
        assert config == Config("2", "1", 1)
        assert problems(Config, {"DATABASE_URL": "", "SECRET_KEY": "x"}, secrets_dir=tmp_path) == {
            "DATABASE_URL": "empty, and there is no default"
        }

    def test_bad_secrets(self, tmp_path: Path) -> None:
        """Secret files that cannot be read or decoded are reported with the rest, without a byte of them."""
        (tmp_path / "DATABASE_URL").mkdir()
        (tmp_path / "SECRET_KEY").write_bytes(b"s3cret\xff")
        (tmp_path / "PORT").write_text("x")
        with pytest.raises(SettingsError) as caught:
            load_settings(Config, environ={}, secrets_dir=tmp_path)
        assert caught.value.errors == {
            "DATABASE_URL": f"{tmp_path / 'DATABASE_URL'} cannot be read: Is a directory",
            "SECRET_KEY": f"{tmp_path / 'SECRET_KEY'} is not UTF-8 text",
            "PORT": "expected a whole number, got 'x'",
        }
        assert "s3cret" not in repr(caught.value.__context__)

    def test_no_such_places(self, tmp_path: Path) -> None:
        """A folder or file that does not exist is fine, and needs no package; an error says that it was not there."""
        places: dict[str, Any] = {"secrets_dir": tmp_path / "secrets", "env_file": tmp_path / ".env"}
        assert load_settings(Config, environ=ENVIRON, **places).port == 8080
        with pytest.raises(SettingsError) as caught:
            load_settings(Config, environ={}, **places)
        assert caught.value.title == (
            f"Config cannot be loaded; looked in the environment, then in the folder {tmp_path / 'secrets'} "
            f"(which does not exist), then in the file {tmp_path / '.env'} (which does not exist):"
        )

    def test_secrets_dir_that_is_a_file(self, tmp_path: Path) -> None:
        """A file in place of the folder is reported for each variable that would be looked for in it."""
        file = tmp_path / "file"
        file.touch()
        assert "Not a directory" in problems(Config, {"SECRET_KEY": "x"}, secrets_dir=file)["DATABASE_URL"]

    @pytest.mark.extra("dotenv")
    def test_env_file(self, tmp_path: Path) -> None:
        """A .env file comes after the rest, with the prefix; quotes and comments are python-dotenv's."""
        file, secrets = tmp_path / ".env", tmp_path / "secrets"
        file.write_text(
            "# comment\nexport APP_DATABASE_URL='a b'\nAPP_SECRET_KEY=env # comment\n"
            'APP_PORT="3"\nAPP_DEBUG\nPORT=4\n'
        )
        secrets.mkdir()
        (secrets / "app_secret_key").write_text("secret")
        config = load_settings(Config, environ={"APP_PORT": "5"}, prefix="APP_", env_file=file, secrets_dir=secrets)
        assert config == Config("a b", "secret", 5)

    @pytest.mark.extra("dotenv")
    def test_env_file_is_read_as_it_is(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """``${NAME}`` is not expanded, a byte order mark is dropped, and os.environ does not change."""
        monkeypatch.setenv("HOME_OF_X", "leaked")
        before = dict(os.environ)
        file = tmp_path / ".env"
        file.write_bytes("DATABASE_URL=a${HOME_OF_X}\nSECRET_KEY=ключ\n".encode("utf-8-sig"))
        assert load_settings(Config, environ={}, env_file=file) == Config("a${HOME_OF_X}", "ключ")
        assert dict(os.environ) == before

    @pytest.mark.parametrize("kind", ["folder", "latin-1"])
    def test_bad_env_file(self, tmp_path: Path, kind: str) -> None:
        """A .env file that cannot be read or decoded is reported with the rest."""
        file = tmp_path / ".env"
        file.mkdir() if kind == "folder" else file.write_bytes(b"SECRET_KEY=\xff")
        errors = problems(Config, {"SECRET_KEY": "x", "DATABASE_URL": "y", "PORT": "z"}, env_file=file)
        assert list(errors) == [str(file), "PORT"]

    def test_without_python_dotenv(self, tmp_path: Path) -> None:
        """A .env file without python-dotenv is an error that says what to install."""
        (tmp_path / ".env").write_text("A=1")
        output = run_python(
            """
            import sys
            from dataclasses import dataclass
            from aiotoolkit.settings import load_settings

            sys.modules["dotenv"] = None  # an import of it fails now

            @dataclass(frozen=True)
            class Config:
                a: int

            try:
                load_settings(Config, env_file=sys.argv[1])
            except ImportError as error:
                print(error)
            """,
            str(tmp_path / ".env"),
        )
        assert 'pip install "aiotoolkit[dotenv]"' in output


class TestFromEnv:
    """One variable."""

    def test_from_env(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The variable, or the default of any type, or None."""
        monkeypatch.setenv("TEST_FROM_ENV", "x")
        assert assert_type(from_env("TEST_FROM_ENV"), str | None) == "x"
        monkeypatch.delenv("TEST_FROM_ENV")
        assert from_env("TEST_FROM_ENV") is None
        assert assert_type(from_env("TEST_FROM_ENV", 3), str | int) == 3


class TestToBool:
    """Words that mean yes or no."""

    @pytest.mark.parametrize("word", ["yes", "on", "true", "1", "y", "t", "YES", "True", " on ", True, 1])
    def test_true(self, word: str) -> None:
        """These mean True."""
        assert to_bool(word) is True

    @pytest.mark.parametrize("word", ["no", "off", "false", "0", "n", "f", "NO", "False", " off ", False, 0])
    def test_false(self, word: str) -> None:
        """These mean False."""
        assert to_bool(word) is False

    @pytest.mark.parametrize("word", ["", "2", "maybe", "yess", "none", "\u0661", 2, -1])
    def test_anything_else(self, word: str) -> None:
        """Anything else is an error that shows it."""
        with pytest.raises(ValueError, match=re.escape(f"{word!r} does not mean yes or no")):
            to_bool(word)

    @pytest.mark.parametrize("value", [None, 1.0, b"yes", [], object()])
    def test_no_text(self, value: Any) -> None:
        """What is neither text nor a whole number is a TypeError."""
        with pytest.raises(TypeError, match="takes a word such as 'yes'"):
            to_bool(value)


@pytest.mark.parametrize("key", [5, None, b"HOME"])
def test_from_env_takes_text(key: Any) -> None:
    """The name of a variable is text."""
    with pytest.raises(TypeError, match=f"from_env takes the name of a variable, text, not {type(key).__name__}"):
        from_env(key)
