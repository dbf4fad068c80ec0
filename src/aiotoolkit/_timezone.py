"""The time zone of the process, proved after it is set."""

import os
import time
import zoneinfo
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from importlib.util import find_spec
from pathlib import Path

__all__ = ["setup_timezone", "timezone_kept_on_error"]

# Names that the database holds beside the zones; "right/..." counts leap seconds, which POSIX time does not.
_NOT_ZONES = {"Factory", "localtime", "posixrules"}
_ACCEPTED = "a time zone is a name, a ZoneInfo, a pytz zone or a datetime.timezone"


def setup_timezone(zone: str | tzinfo) -> tzinfo:
    """Set the time zone of the whole process: of `time.localtime`, of log lines, of child processes. For start-up only.

    ``time.tzset()`` never fails: a name that the C library does not find is UTC without a word. So the zone is
    compared with what the process really does in each month of this year.

    Args:
        zone: The name of a zone (``"Europe/Kyiv"``), a `zoneinfo.ZoneInfo`, a pytz zone or a `datetime.timezone`.

    Returns:
        The zone, for ``datetime.now(zone)``. For a name it is a `zoneinfo.ZoneInfo`, otherwise what was given.

    Raises:
        TypeError: Neither a name nor such a zone.
        ValueError: The name is not a zone's.
        RuntimeError: The C library cannot be brought into the zone. Then the zone of the process has not changed.
        NotImplementedError: On Windows, which has no ``time.tzset``.
    """
    if not hasattr(time, "tzset"):
        raise NotImplementedError("the time zone of a process cannot be set here: Windows has no time.tzset()")
    resolved = _find_zone(zone) if isinstance(zone, str) else zone
    if not isinstance(resolved, tzinfo):  # pyright: ignore[reportUnnecessaryIsInstance] - untyped callers
        raise TypeError(f"{_ACCEPTED}, not {type(resolved).__name__}")
    with timezone_kept_on_error():
        for candidate in _candidates(resolved):
            _set_tz(candidate)
            if _is_in(resolved):
                return resolved
        raise RuntimeError(
            f"the C library cannot be brought into the time zone {resolved}: it has no usable data for it "
            "(look at TZDIR, and at the installed tzdata)"
        )


@contextmanager
def timezone_kept_on_error() -> Generator[None]:
    """Put back the time zone of the process when the block fails."""
    previous = os.environ.get("TZ")
    try:
        yield
    except BaseException:
        _set_tz(previous)
        raise


def _find_zone(name: str) -> zoneinfo.ZoneInfo:
    hint = (
        "a fixed offset is a datetime.timezone" if any(sign in name for sign in "+-") else "an example is Europe/Kyiv"
    )
    if name in _NOT_ZONES or name.startswith("right/"):
        raise ValueError(f"{name!r} is a file of the time zone database, not the name of a time zone")
    try:
        return zoneinfo.ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # OSError: "Europe" is a folder, a name may be too long
        raise ValueError(f"{name!r} is not the name of a time zone ({hint})") from error


def _database_name(zone: tzinfo) -> str | None:
    name = getattr(zone, "key", None) or getattr(zone, "zone", None)  # zoneinfo's attribute, pytz's attribute
    return name if isinstance(name, str) else None


def _candidates(zone: tzinfo) -> Iterator[str]:
    """Yield the values of TZ that may mean this zone: its name, then the files that hold it; or a POSIX offset."""
    if name := _database_name(zone):
        yield name
        yield from (f":{file}" for file in _zone_files(name))
    elif (offset := zone.utcoffset(None)) is not None:
        yield _posix_offset(offset)
    else:
        raise TypeError(f"{zone!r} has neither a name nor a fixed offset; {_ACCEPTED}")


def _zone_files(name: str) -> Iterator[Path]:
    specs = [find_spec(package) for package in ("tzdata", "pytz")]
    folders = [Path(folder, "zoneinfo") for spec in specs if spec for folder in spec.submodule_search_locations or ()]
    for root in (*map(Path, zoneinfo.TZPATH), *folders):
        if (file := root / name).is_file():
            yield file


def _posix_offset(offset: timedelta) -> str:
    """Write an offset as TZ has it: ``<+0530>-5:30``, with a sign that counts west of Greenwich (POSIX, 8.3)."""
    seconds = int(offset.total_seconds())
    if offset != timedelta(seconds=seconds):
        raise ValueError(f"the offset of a process's time zone is in whole seconds, not {offset}")
    if not seconds:
        return "UTC0"
    sign, opposite = ("+", "-") if seconds >= 0 else ("-", "")
    hours, minutes, rest = abs(seconds) // 3600, abs(seconds) // 60 % 60, abs(seconds) % 60
    parts = [part for part, wanted in ((minutes, minutes or rest), (rest, rest)) if wanted]
    name = f"{sign}{hours:02}" + "".join(f"{part:02}" for part in parts)
    return f"<{name}>{opposite}" + ":".join([str(hours), *(f"{part:02}" for part in parts)])


def _set_tz(value: str | None) -> None:
    if value is None:
        os.environ.pop("TZ", None)
    else:
        os.environ["TZ"] = value
    if hasattr(time, "tzset"):  # restoring must not fail on Windows, which has none
        time.tzset()


def _is_in(zone: tzinfo) -> bool:
    """Compare the process with the zone at the start of each month of this year."""
    named = _database_name(zone) is not None
    for month in range(1, 13):
        moment = datetime(datetime.now(UTC).year, month, 1, tzinfo=UTC)
        local, expected = time.localtime(moment.timestamp()), moment.astimezone(zone)
        if timedelta(seconds=local.tm_gmtoff) != expected.utcoffset():
            return False
        # Without its data, Africa/Abidjan has the right offset by chance, but the abbreviation "Africa".
        if named and local.tm_zone != expected.tzname():
            return False
    return True
