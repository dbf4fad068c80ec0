"""Immutable settings, their sources, and logging from them."""

import copy
import logging
import pickle
import re
import sys
import types
from collections import OrderedDict, namedtuple
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, assert_type

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiotoolkit._frozen import FrozenDict, freeze, thaw
from aiotoolkit.settings import (
    Settings,
    immutable_settings,
    inject_settings,
    is_setting_key,
    iter_settings,
    setup_logging,
)
from tests.settings_helpers import process_state_restored

Point = namedtuple("Point", "x y")  # noqa: PYI024 - the untyped form is what older settings modules hold

plain_data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text(), inner)
        | st.tuples(inner, inner)
        | st.sets(st.text())
        | st.builds(bytearray, st.binary())
    ),
    max_leaves=20,
)


def module(**names: Any) -> types.ModuleType:
    """Make a module with these names."""
    made = types.ModuleType("fake_settings")
    vars(made).update(names)
    return made


class TestSources:
    """Where settings are read from."""

    def test_module(self) -> None:
        """Only the public upper-case names of a module are settings."""
        settings = immutable_settings(module(DEBUG=True, SECRET_KEY="x", _PRIVATE=1, Mixed=2, lower=3, os=sys))
        assert dict(settings) == {"DEBUG": True, "SECRET_KEY": "x"}

    @pytest.mark.parametrize("wrap", [dict, OrderedDict, types.MappingProxyType, Settings])
    def test_mapping(self, wrap: Any) -> None:
        """Any mapping is a source, settings themselves too."""
        assert immutable_settings(wrap({"DEBUG": True})) == {"DEBUG": True}

    def test_mapping_keys_of_any_type(self) -> None:
        """Keys that are not text are no settings."""
        assert immutable_settings({"DEBUG": True, 1: 2, None: 3, "debug": 4}) == {"DEBUG": True}

    def test_object(self) -> None:
        """A class or an instance is a source, with what it inherits."""

        class Base:
            DEBUG = False
            NAME = "base"

        class Production(Base):
            NAME = "production"

        assert (
            immutable_settings(Production)
            == immutable_settings(Production())
            == {
                "DEBUG": False,
                "NAME": "production",
            }
        )

    def test_optionals_override_and_add(self) -> None:
        """Optionals win over the defaults, and may be new."""
        assert immutable_settings({"A": 1, "B": 2}, B=3, C=4) == {"A": 1, "B": 3, "C": 4}

    def test_optional_that_is_no_setting(self) -> None:
        """An optional whose name is not a setting's is an error, as an unknown keyword is; all are named."""
        with pytest.raises(TypeError, match=r"debug, _X .*upper-case"):
            immutable_settings({"A": 1}, debug=True, _X=1, B=2)

    @pytest.mark.parametrize("source", [{}, {"debug": 1}, module(debug=1), object(), None, 3, [("A", 1)]])
    def test_source_without_settings(self, source: object) -> None:
        """A source without any setting is an error, whatever it is, even when optionals are given."""
        with pytest.raises(ValueError, match="no setting found in"):
            immutable_settings(source, A=1)

    def test_error_names_the_module(self) -> None:
        """The error about a module without settings names it."""
        with pytest.raises(ValueError, match="module fake_settings"):
            immutable_settings(module())

    @pytest.mark.parametrize("source", ["project.settings", b"project.settings"])
    def test_text(self, source: object) -> None:
        """A dotted path is not a source: the error says what is."""
        with pytest.raises(TypeError, match="a module, a mapping or an object"):
            immutable_settings(source)

    def test_later_changes_do_not_reach_the_settings(self) -> None:
        """The settings are a copy at every depth."""
        source: dict[str, Any] = {"A": {"b": [1]}}
        settings = immutable_settings(source)
        source["A"]["b"].append(2)
        source["C"] = 1
        assert settings == {"A": {"b": (1,)}}

    @pytest.mark.parametrize("key", ["DEBUG", "SECRET_KEY", "A1", "X"])
    def test_is_setting_key(self, key: str) -> None:
        """Public upper-case names are setting names."""
        assert is_setting_key(key)

    @pytest.mark.parametrize("key", ["", "_", "_A", "__A__", "aB", "Debug", "debug", "1", None, 3, b"DEBUG"])
    def test_is_not_setting_key(self, key: object) -> None:
        """Private, lower-case and mixed names are none, and what is no text neither."""
        assert not is_setting_key(key)

    def test_iter_settings(self) -> None:
        """Settings are pairs of name and value, not frozen."""
        values = [1]
        assert list(iter_settings(module(A=values, b=2))) == [("A", values)]
        assert list(iter_settings(immutable_settings({"A": 1}))) == [("A", 1)]


class TestInjectSettings:
    """Settings of one module that another one takes over."""

    def test_from_dotted_path(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A dotted path is imported, and its settings land in the mapping."""
        (tmp_path / "injected_settings.py").write_text("DEBUG = True\n_X = 1\nlower = 2\n")
        monkeypatch.syspath_prepend(tmp_path)
        context: dict[str, Any] = {"DEBUG": False, "OTHER": 1}
        inject_settings("injected_settings", context)
        assert context == {"DEBUG": True, "OTHER": 1}

    @pytest.mark.parametrize("mixed", [{"A": 1, "b": 2}, module(A=1, b=2), Settings({"A": 1})])
    def test_from_object(self, mixed: object) -> None:
        """Modules and mappings are taken as they are."""
        context: dict[str, Any] = {}
        inject_settings(mixed, context)
        assert context == {"A": 1}

    @pytest.mark.parametrize("path", ["no_such_settings", "no_such_package.settings", "tests.no_such.settings"])
    def test_missing_module(self, path: str) -> None:
        """A missing module is an error, unless told to be silent."""
        context: dict[str, Any] = {}
        with pytest.raises(ModuleNotFoundError):
            inject_settings(path, context)
        inject_settings(path, context, fail_silently=True)
        assert context == {}

    @pytest.mark.parametrize("path", ["", ".x", "os..path", "a b.c", "os.", "a/b", "a\0"])
    def test_text_that_is_no_path(self, path: str) -> None:
        """A text that cannot be a dotted path is an error, also where a missing module would be forgiven."""
        with pytest.raises(ValueError, match=f"{re.escape(repr(path))} is not the dotted path of a module"):
            inject_settings(path, {}, fail_silently=True)

    @pytest.mark.parametrize("mixed", [None, 5, ["A"], b"os"])
    def test_nothing_with_settings(self, mixed: object) -> None:
        """What has no settings at all is an error, and not an empty source."""
        with pytest.raises(TypeError, match="settings are read from a module, a mapping or an object"):
            inject_settings(mixed, {}, fail_silently=True)

    @pytest.mark.parametrize("context", [None, 5, [], Settings({"A": 1})])
    def test_no_context(self, context: Any) -> None:
        """Settings are put into a mapping that can be changed."""
        with pytest.raises(TypeError, match=f"context is a mapping .*, not {type(context).__name__}"):
            inject_settings({"B": 1}, context)

    @pytest.mark.parametrize(
        ("source", "error"),
        [("import no_such_module_at_all", ModuleNotFoundError), ("1 / 0", ZeroDivisionError), ("(", SyntaxError)],
    )
    def test_broken_module(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, error: type[Exception]
    ) -> None:
        """A module that exists and is broken is never passed over in silence."""
        (tmp_path / "broken_settings.py").write_text(source)
        monkeypatch.syspath_prepend(tmp_path)
        with pytest.raises(error):
            inject_settings("broken_settings", {}, fail_silently=True)


class TestSettings:
    """The mapping that `immutable_settings` returns."""

    def test_access(self) -> None:
        """A setting is an item and an attribute; the rest is a mapping's."""
        settings = immutable_settings({"DEBUG": True, "NAME": "x"})
        assert_type(settings, Settings)
        assert settings.DEBUG is settings["DEBUG"] is True
        assert isinstance(settings, Mapping)
        assert list(settings) == ["DEBUG", "NAME"]
        assert len(settings) == 2
        assert "DEBUG" in settings
        assert settings.get("NOPE", 3) == 3
        assert list(settings.items()) == [("DEBUG", True), ("NAME", "x")]
        assert {**settings} == {"DEBUG": True, "NAME": "x"}
        assert {"DEBUG", "NAME", "keys", "items"} <= set(dir(settings))

    def test_missing(self) -> None:
        """A setting that does not exist is named by the error."""
        settings = immutable_settings({"DEBUG": True})
        with pytest.raises(AttributeError, match="no setting DEBGU") as caught:
            _ = settings.DEBGU
        assert (caught.value.name, caught.value.obj) == ("DEBGU", settings)  # from which Python suggests DEBUG
        with pytest.raises(KeyError, match="DEBGU"):
            settings["DEBGU"]
        for name in ("debug", "_data2", "__wrapped__"):
            assert not hasattr(settings, name)

    def test_items_cannot_change(self) -> None:
        """Item assignment and deletion are TypeErrors, and the mutating methods of a dict do not exist."""
        settings: Any = immutable_settings({"A": 1, "NESTED": {"b": 1}})
        for mapping in (settings, settings.NESTED):
            with pytest.raises(TypeError):
                mapping["A"] = 2
            with pytest.raises(TypeError):
                del mapping["A"]
            for method in ("update", "pop", "popitem", "clear", "setdefault", "__ior__"):
                with pytest.raises(AttributeError):
                    getattr(mapping, method)
        assert settings == {"A": 1, "NESTED": {"b": 1}}

    def test_attributes_cannot_change(self) -> None:
        """Attributes, the private one too, cannot be set or deleted, and there is no __dict__."""
        settings: Any = immutable_settings({"A": 1, "NESTED": {"b": 1}})
        for mapping in (settings, settings.NESTED):
            for name in ("A", "NEW", "_data", "__class__"):
                with pytest.raises(AttributeError, match="immutable"):
                    setattr(mapping, name, 2)
                with pytest.raises(AttributeError, match="immutable"):
                    delattr(mapping, name)
            with pytest.raises(TypeError):
                vars(mapping)
            with pytest.raises(TypeError):
                mapping._data["A"] = 2
        settings.__init__({"A": 2})
        assert settings == {"A": 1, "NESTED": {"b": 1}}

    def test_frozen_at_every_depth(self) -> None:
        """Mappings, lists, sets and bytearrays are immutable wherever they stand, and named tuples keep their type."""
        settings = immutable_settings(
            {"A": {"b": [{"c": {1, 2}}]}, "T": ([1], {"d": [2]}), "P": Point([1], 2), "B": bytearray(b"x")}
        )
        assert settings.A["b"] == ({"c": frozenset({1, 2})},)
        assert isinstance(settings.A["b"][0]["c"], frozenset)
        assert settings.T == ((1,), {"d": (2,)})
        assert Point((1,), 2) == settings.P
        assert type(settings.P) is Point
        assert type(settings.B) is bytes
        hash(settings)

    def test_other_objects_are_kept(self) -> None:
        """What is not plain data stays the very object that it was."""
        value = object()
        point = Point(1, 2)
        settings = immutable_settings({"A": value, "B": [value], "P": point})
        assert settings.A is settings.B[0] is value
        assert settings.P is point

    def test_only_setting_names(self) -> None:
        """Settings cannot be made with other names."""
        with pytest.raises(ValueError, match="'debug' is not a setting name"):
            Settings({"debug": 1})

    def test_equality_and_hash(self) -> None:
        """Settings equal any mapping with equal items; equal settings have the same hash, in any order."""
        settings = immutable_settings({"A": 1, "B": [1, {"c": 2}]})
        same = immutable_settings({"B": (1, {"c": 2}), "A": 1})
        assert settings == same == {"A": 1, "B": (1, {"c": 2})}
        assert hash(settings) == hash(same)
        assert settings != immutable_settings({"A": 1})
        other: object = [("A", 1)]
        assert settings != other

    def test_hash_of_unhashable(self) -> None:
        """Settings with an unhashable value are unhashable, as a tuple with one is."""

        class Unhashable:
            __hash__ = None  # type: ignore[assignment] # that is how Python says it

        with pytest.raises(TypeError, match="unhashable"):
            hash(immutable_settings({"A": Unhashable()}))

    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_pickle(self, protocol: int) -> None:
        """Settings can be pickled, nested mappings too, and come back immutable."""
        settings = immutable_settings({"A": {"b": [1, {2}]}, "PATH": Path("x")})
        again = pickle.loads(pickle.dumps(settings, protocol))
        assert again == settings
        assert type(again) is Settings
        assert type(again.A) is FrozenDict
        with pytest.raises(TypeError):
            again["A"] = 1

    def test_copy(self) -> None:
        """A copy is equal and immutable; a deep one copies the objects inside too."""
        inner = types.SimpleNamespace(a=[1])
        settings = immutable_settings({"A": inner, "B": {"c": 1}})
        assert copy.copy(settings) == settings
        assert copy.copy(settings).A is inner
        deep = copy.deepcopy(settings)
        assert type(deep) is Settings
        assert deep == settings
        assert deep.A is not inner

    @pytest.mark.parametrize("wrap", [lambda x: x, lambda x: {"a": (1, x)}, lambda x: [{"b": x}]])
    @pytest.mark.parametrize("kind", [dict, list])
    def test_cycle(self, wrap: Any, kind: Any) -> None:
        """A value that contains itself, at any distance, is an error that names the setting."""
        value = kind()
        value.update(me=wrap(value)) if kind is dict else value.append(wrap(value))
        with pytest.raises(ValueError, match="CYCLE contains itself"):
            immutable_settings({"FINE": 1, "CYCLE": value})

    def test_a_list_used_twice_is_no_cycle(self) -> None:
        """The same list in two places is fine."""
        shared = [1]
        assert immutable_settings({"A": [shared, shared], "B": shared}).A == ((1,), (1,))

    def test_too_deep(self) -> None:
        """A value nested too deeply is an error that names the setting, not a RecursionError."""
        deep: Any = []
        for _ in range(100_000):
            deep = [deep]
        with pytest.raises(ValueError, match="DEEP is nested more than 100 levels"):
            immutable_settings({"DEEP": deep})

    @given(plain_data)
    def test_freezing_is_deep_and_idempotent(self, data: Any) -> None:
        """Nothing mutable is left at any depth; freezing once more returns the same object."""
        frozen = freeze(data)
        assert not [value for value in walk(frozen) if isinstance(value, dict | list | set | bytearray)]
        assert freeze(frozen) is frozen
        hash(frozen)

    @given(plain_data)
    def test_freezing_and_thawing(self, data: Any) -> None:
        """Freezing a thawed value gives the same again, and never changes what it was given."""
        before = copy.deepcopy(data)
        frozen = freeze({"a": data})
        assert data == before
        assert freeze(thaw(frozen)) == frozen
        assert type(thaw(frozen)) is dict


def walk(value: Any) -> Iterator[Any]:
    """Yield a value and everything inside it."""
    yield value
    if isinstance(value, Mapping):
        for item in value.values():
            yield from walk(item)
    elif isinstance(value, tuple | frozenset):
        for item in value:
            yield from walk(item)


class Recorder(logging.Handler):
    """A handler that keeps what it was made with and its messages."""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.options = options
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(self.format(record))


def logging_dict(**recorder: Any) -> dict[str, Any]:
    """Make a configuration of one logger with a Recorder."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"default": {"format": "%(levelname)s %(message)s"}},
        "handlers": {"memory": {"()": Recorder, "formatter": "default", **recorder}},
        "loggers": {"tests.settings": {"handlers": ["memory"], "level": "INFO", "propagate": False}},
    }


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """The logger of these tests, left as it was."""
    logger = logging.getLogger("tests.settings")
    with process_state_restored():
        yield logger
    logger.handlers.clear()
    logger.propagate = True
    logger.setLevel(logging.NOTSET)


def recorder(logger: logging.Logger) -> Recorder:
    """Return the only handler of a logger."""
    [handler] = logger.handlers
    assert isinstance(handler, Recorder)
    return handler


class TestSetupLogging:
    """dictConfig from frozen settings."""

    @pytest.mark.parametrize("freeze_it", [True, False])
    def test_configuration(self, logger: logging.Logger, *, freeze_it: bool) -> None:
        """A frozen configuration works as a plain one does, ``()`` and ``ext://`` and ``cfg://`` included."""
        config = logging_dict(stream="ext://sys.stderr", limit="cfg://limits.records", sizes=[1])
        config["limits"] = {"records": 5}
        setup_logging(immutable_settings({"LOGGING": config}).LOGGING if freeze_it else config)
        logger.info("hello")
        assert recorder(logger).messages == ["INFO hello"]
        assert recorder(logger).options == {
            "stream": sys.stderr,
            "limit": 5,
            "sizes": [1],
        }

    def test_frozen_parts_in_a_plain_dict(self, logger: logging.Logger) -> None:
        """A plain dict made from parts of frozen settings works too; a tuple of a plain dict stays one."""
        frozen = immutable_settings({"LOGGING": logging_dict(sizes=[1])}).LOGGING
        setup_logging({**frozen, "handlers": {"memory": {"()": Recorder, "address": ("localhost", 514)}}})
        assert recorder(logger).options == {"address": ("localhost", 514)}

    def test_configuration_is_not_changed(self, logger: logging.Logger) -> None:
        """The configuration of the caller stays as it was."""
        config = logging_dict(sizes=[1])
        before = copy.deepcopy(config)
        setup_logging(config)
        assert config == before

    def test_remove_root_handlers(self, logger: logging.Logger) -> None:
        """The handlers that basicConfig gave to the root logger are removed on demand, and only then."""
        handler = logging.NullHandler()
        logging.root.addHandler(handler)
        setup_logging(logging_dict())
        assert handler in logging.root.handlers
        setup_logging(logging_dict(), remove_root_handlers=True)
        assert logging.root.handlers == []

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"handlers": {"memory": {"class": "no.such.Handler"}}}, "handler 'memory'.*no"),
            (
                {"handlers": {"memory": {"class": "logging.FileHandler", "filename": "/no/such/x.log"}}},
                "'memory'.*such",
            ),
            ({"handlers": {"memory": {"class": "logging.NullHandler", "formatter": "nope"}}}, "'memory'.*nope"),
            ({"handlers": {}}, "tests.settings"),
            ({"handlers": []}, "tests.settings"),
            ({"version": 2}, "version"),
            ({"loggers": {"tests.settings": {"level": "LOUD"}}}, "tests.settings.*LOUD"),
        ],
    )
    def test_bad_configuration(self, logger: logging.Logger, change: dict[str, Any], message: str) -> None:
        """A bad configuration is a ValueError with its reason, and the loggers are as they were before."""
        setup_logging(logging_dict())
        before = (logger.handlers[:], logger.level, logger.propagate, logger.disabled)
        root_handler = logging.NullHandler()
        logging.root.addHandler(root_handler)
        new = "tests.settings.new"
        bad = logging_dict() | {"loggers": {new: {"level": "ERROR"}, "tests.settings": {"handlers": ["memory"]}}}
        with pytest.raises(ValueError, match=f"(?s)logging configuration is refused.*{message}"):
            setup_logging(bad | {"disable_existing_loggers": True} | change, remove_root_handlers=True)
        assert (logger.handlers, logger.level, logger.propagate, logger.disabled) == before
        assert root_handler in logging.root.handlers
        assert logging.getLogger(new).level == logging.NOTSET
        logger.info("still here")
        assert recorder(logger).messages == ["INFO still here"]

    @pytest.mark.parametrize("config", [None, "logging.conf", [("version", 1)], 3])
    def test_no_mapping(self, config: Any) -> None:
        """What is not a mapping is a TypeError."""
        with pytest.raises(TypeError, match="a logging configuration is a mapping"):
            setup_logging(config)

    def test_error_hides_secrets(self, logger: logging.Logger) -> None:
        """A password in the reason of a failure is not shown by the error."""

        def refuse(url: str) -> logging.Handler:
            raise ValueError(f"cannot connect to {url}")

        with pytest.raises(ValueError, match="refused") as caught:
            setup_logging(logging_dict() | {"handlers": {"memory": {"()": refuse, "url": "amqp://me:s3cret@host"}}})
        assert "s3cret" not in str(caught.value)
        assert "amqp://me:***@host" in str(caught.value)


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ({"loggers": 5}, "'loggers' must be a mapping of names to mappings, not int"),
        ({"handlers": [1]}, "'handlers' must be a mapping of names to mappings, not list"),
        ({"handlers": {"a": 1}}, "'a' in 'handlers' must be a mapping, not int"),
        ({"formatters": {"a": None}}, "'a' in 'formatters' must be a mapping, not NoneType"),
        ({"root": 5}, "'root' must be a mapping, not int"),
    ],
)
def test_malformed_section(section: dict[str, Any], says: str) -> None:
    """A section of a logging configuration that is no mapping is named."""
    with process_state_restored(), pytest.raises(ValueError, match=re.escape(says)):
        setup_logging({"version": 1, "disable_existing_loggers": False, **section})


def test_item_methods_of_settings() -> None:
    """Settings refuse a change also where the methods are called by name."""
    settings: Any = Settings({"A": 1})
    with pytest.raises(TypeError, match="Settings is immutable: A cannot be set"):
        settings.__setitem__("A", 2)
    with pytest.raises(TypeError, match="Settings is immutable: A cannot be deleted"):
        settings.__delitem__("A")
    assert settings == {"A": 1}
