"""A frozen dataclass filled from environment variables, secret files and a ``.env`` file."""

import dataclasses
import inspect
import os
import sys
import typing
from collections.abc import Callable, Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast, overload

from aiotoolkit._convert import Converter, converter_for
from aiotoolkit._redaction import HIDDEN, is_secret_name, mask_text, safe_repr

__all__ = ["SettingsError", "from_env", "load_settings"]

T = TypeVar("T")

# A name is looked up as a file's in secrets_dir too, which it must not lead out of.
_NOT_IN_NAMES = frozenset("/\\=\0")


class SettingsError(ValueError):
    """Settings that could not be loaded, all of them at once.

    Attributes:
        errors: What is wrong with each variable (or with a file that could not be read), by its name.
    """

    def __init__(self, title: str, errors: Mapping[str, str]) -> None:
        super().__init__(title, dict(errors))  # both arguments, so that it can be pickled
        self.title = title
        self.errors: dict[str, str] = dict(errors)

    def __str__(self) -> str:
        return "\n".join([self.title, *(f"  {name}: {problem}" for name, problem in self.errors.items())])


@overload
def from_env(key: str, default: None = None) -> str | None: ...


@overload
def from_env(key: str, default: T) -> str | T: ...


def from_env(key: str, default: object = None) -> object:
    """Return an environment variable, or the default where it is not set. The same as `os.getenv`.

    Raises:
        TypeError: ``key`` is not text.
    """
    if not isinstance(key, str):  # pyright: ignore[reportUnnecessaryIsInstance] - untyped callers
        raise TypeError(f"from_env takes the name of a variable, text, not {type(key).__name__}")
    return os.environ.get(key, default)


def load_settings(
    cls: type[T],
    *,
    environ: Mapping[str, str] = os.environ,
    prefix: str = "",
    env_file: str | os.PathLike[str] | None = None,
    secrets_dir: str | os.PathLike[str] | None = None,
) -> T:
    r"""Fill a frozen dataclass from the environment.

    The field ``database_url`` is the variable ``DATABASE_URL``, with the prefix before it. The annotation says how
    its text is read:

    - ``str``, ``int``, ``float`` (finite), ``bool`` (the words of `to_bool`) and ``Path``;
    - an ``Enum`` (a member's value, or its name) and ``Literal``;
    - ``timedelta``: seconds (``90``), or counts with units d, h, m, s, ms (``1h30m``);
    - ``list``, ``tuple``, ``set`` and ``frozenset`` of those: items separated by commas;
    - ``X | None``; and anything for which the field has a converter, a function of the text:
      ``field(metadata={"converter": function})``.

    A variable is looked for in ``environ``, then in ``secrets_dir``, then in ``env_file``; then the field's default
    counts. The first place that has the variable decides, also where it is empty: an empty variable is ``None`` for
    ``X | None``, no items for a list, and ``""`` for a ``str`` that has a default. For every other field, also for a
    ``str`` without a default, it is an error.

    The ``repr`` of the class then hides what looks secret, unless the class wrote a ``__repr__`` of its own.

    Args:
        cls: A dataclass made with ``frozen=True``. Its ``InitVar`` fields are read too; ``ClassVar`` and
            ``init=False`` fields are not.
        environ: The variables; ``{}`` means that there are none.
        prefix: What each variable's name starts with, in every place, as ``"APP_"``.
        env_file: A ``.env`` file, read by python-dotenv; ``${NAME}`` inside it is not expanded. No such file is fine:
            what is missing is reported by name.
        secrets_dir: A folder with one UTF-8 file per variable, as Docker makes it (``/run/secrets``): a file's name is
            the variable's, in upper or in lower case, and one line break at its end does not count. No such folder is
            fine too.

    Raises:
        SettingsError: Variables are missing or cannot be read; it reports all of them at once and shows no secret.
        TypeError: ``cls`` is not a frozen dataclass, a field's annotation cannot be read from text, or another
            argument is of the wrong type.
        ValueError: ``prefix`` holds what no name of a variable and of a file can.
        ImportError: There is a ``.env`` file, but python-dotenv is not installed.
    """
    if not isinstance(environ, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance] - untyped callers
        raise TypeError(f"environ is a mapping of names to text, not {type(environ).__name__}")
    if not isinstance(prefix, str):  # pyright: ignore[reportUnnecessaryIsInstance] - untyped callers
        raise TypeError(f"prefix is text, not {type(prefix).__name__}")
    if not _NOT_IN_NAMES.isdisjoint(prefix):
        raise ValueError(f"prefix begins the names of variables, so it holds no slash, '=' or NUL; got {prefix!r}")
    _check_path("env_file", env_file)
    _check_path("secrets_dir", secrets_dir)
    fields = _read_fields(cls, prefix)
    errors: dict[str, str] = {}
    sources = _open_sources(environ, secrets_dir, env_file, errors)
    values: dict[str, Any] = {}
    for field in fields:
        try:
            found = _find(field.variable, sources)
            if found is not None:
                values[field.name] = field.read(found)
            elif field.required:
                errors[field.variable] = "missing"
        except _ProblemError as problem:
            errors[field.variable] = str(problem)
    if errors:
        places = ", then in ".join(source.description for source in sources)
        raise SettingsError(f"{cls.__qualname__} cannot be loaded; looked in {places}:", errors)
    settings = cls(**values)
    _hide_secrets(settings)
    return settings


def _check_path(argument: str, path: object) -> None:
    if path is not None and not isinstance(path, str | os.PathLike):
        raise TypeError(f"{argument} is a path, text or a Path, not {type(path).__name__}")


class _ProblemError(Exception):
    """What is wrong with one variable, in words that show no secret."""


class _Source(NamedTuple):
    description: str
    get: Callable[[str], object]  # the text of a variable, or None


class _Field(NamedTuple):
    name: str
    variable: str
    required: bool
    convert: Converter
    own_converter: bool  # from the field's metadata

    def read(self, text: object) -> Any:
        if not isinstance(text, str):
            raise _ProblemError(f"expected text, got {type(text).__name__}")
        try:
            value = self.convert(text)
        except Exception as error:  # a converter of the user's may raise anything
            raise _ProblemError(self._describe(text, error)) from None
        if self.required and isinstance(value, str) and not value:
            raise _ProblemError("empty, and there is no default")
        return value

    def _describe(self, text: str, error: Exception) -> str:
        secret = is_secret_name(self.name)
        # A foreign error may quote any part of the text; our own never quote it.
        quotable = not self.own_converter or not (secret or mask_text(text) != text)
        reason = str(error) if quotable and str(error) else f"refused by its converter ({type(error).__name__})"
        if not text.strip():
            return f"empty, {reason}"
        shown = f"{HIDDEN} (not shown)" if secret else _shorten(safe_repr(text))
        return f"{reason}, got {shown}"


def _shorten(text: str, limit: int = 100) -> str:
    return text if len(text) <= limit else f"{text[:limit]}..."


def _read_fields(cls: Any, prefix: str) -> list[_Field]:
    """Read the parameters of the dataclass, which are its fields without ClassVar and init=False."""
    params = vars(cls).get("__dataclass_params__") if isinstance(cls, type) else None
    if params is None or not params.frozen:
        raise TypeError(f"load_settings fills a class decorated with @dataclass(frozen=True), and {cls!r} is not one")
    parameters = inspect.signature(cls).parameters.values()
    return [_read_field(cls, parameter, prefix) for parameter in parameters]


def _read_field(cls: type, parameter: inspect.Parameter, prefix: str) -> _Field:
    name = parameter.name
    field = cast("Any", cls).__dataclass_fields__.get(name)  # fields() leaves InitVar out
    if field is None:
        raise TypeError(f"{cls.__qualname__} has an __init__ of its own, whose parameter {name} is not a field")
    own_converter = field.metadata.get("converter")
    if own_converter is not None and not callable(own_converter):
        raise TypeError(f"{cls.__qualname__}.{name}: the converter is not callable")
    try:
        convert = own_converter or converter_for(_resolve(cls, field))
    except TypeError as error:
        raise TypeError(f"{cls.__qualname__}.{name}: {error}") from error
    required = parameter.default is parameter.empty  # default_factory shows here too
    return _Field(name, f"{prefix}{name.upper()}", required, convert, own_converter is not None)


def _resolve(cls: type, field: dataclasses.Field[Any]) -> Any:
    """Return the field's annotation, with the text inside it evaluated where the field's own class was written."""
    owner = next(
        base
        for base in reversed(cls.__mro__)  # a subclass inherits the very field objects of its bases
        if vars(base).get("__dataclass_fields__", {}).get(field.name) is field
    )
    namespace = {**vars(owner), **vars(sys.modules.get(owner.__module__, typing))}
    try:
        annotation = _evaluate(_without_init_var(field.type), namespace)
        return _evaluate(_without_init_var(annotation), namespace)  # "InitVar['int']" holds text once more
    except Exception as error:  # evaluating an annotation may raise anything
        raise TypeError(
            f"the annotation {field.type!r} cannot be resolved ({error}); "
            "what it names must exist at the top of the module when the program runs"
        ) from error


def _without_init_var(annotation: Any) -> Any:
    return annotation.type if type(annotation) is dataclasses.InitVar else annotation


def _evaluate(annotation: Any, namespace: dict[str, Any]) -> Any:
    def stand_in() -> None: ...

    stand_in.__annotations__ = {"field": annotation}
    return typing.get_type_hints(stand_in, globalns=namespace)["field"]


def _find(variable: str, sources: list[_Source]) -> object:
    return next((text for source in sources if (text := source.get(variable)) is not None), None)


def _open_sources(
    environ: Mapping[str, str],
    secrets_dir: str | os.PathLike[str] | None,
    env_file: str | os.PathLike[str] | None,
    errors: dict[str, str],
) -> list[_Source]:
    sources = [_Source("the environment", environ.get)]
    if secrets_dir is not None:
        sources.append(_open_secrets_dir(Path(secrets_dir)))
    if env_file is not None:
        try:
            sources.append(_open_env_file(Path(env_file)))
        except _ProblemError as problem:
            errors[str(env_file)] = str(problem)
    return sources


def _open_secrets_dir(folder: Path) -> _Source:
    def get(variable: str) -> str | None:
        for name in (variable, variable.lower()):
            text = _read_text(folder / name)
            if text is not None:
                return text.removesuffix("\n").removesuffix("\r")
        return None

    return _Source(f"the folder {folder}{_missing(folder)}", get)


def _open_env_file(file: Path) -> _Source:
    description = f"the file {file}{_missing(file)}"
    text = _read_text(file)
    if text is None:
        return _Source(description, lambda _: None)
    try:
        from dotenv import dotenv_values  # noqa: PLC0415 - an optional package
    except ImportError as error:
        raise ImportError(f'reading {file} needs python-dotenv: pip install "aiotoolkit[dotenv]"') from error
    # Not expanded: a password may hold "${", and python-dotenv would look into os.environ whatever our environ is.
    return _Source(description, dotenv_values(stream=StringIO(text), interpolate=False).get)


def _missing(path: Path) -> str:
    # Path.exists() raises an OSError for a name that is too long.
    return "" if os.path.exists(path) else " (which does not exist)"


def _read_text(file: Path) -> str | None:
    """Return the text of a file without its byte order mark, or None where there is no such file."""
    try:
        return file.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _ProblemError(f"{file} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:  # whose text shows bytes of the file
        raise _ProblemError(f"{file} is not UTF-8 text") from None
    except ValueError as error:  # NUL or a lone surrogate
        raise _ProblemError(f"{str(file)!r} is not a path: {error}") from None


def _hide_secrets(settings: object) -> None:
    """Replace the repr that the dataclass decorator made, and no other, by one that hides secrets."""
    if repr(settings) == _show(settings, lambda value, _: repr(value)):
        type(settings).__repr__ = _masked_repr  # type: ignore[method-assign] # the class is the user's


def _masked_repr(self: object) -> str:
    return _show(self, safe_repr)


def _show(settings: Any, show: Callable[[object, str], str]) -> str:
    shown = (f"{field.name}={show(getattr(settings, field.name), field.name)}" for field in _shown_fields(settings))
    return f"{type(settings).__qualname__}({', '.join(shown)})"


def _shown_fields(settings: Any) -> Iterator[dataclasses.Field[Any]]:
    return (field for field in dataclasses.fields(settings) if field.repr)
