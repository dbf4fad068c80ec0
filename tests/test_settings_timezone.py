"""The time zone of the process."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from importlib.resources import files
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from aiotoolkit.settings import setup_timezone
from tests.settings_helpers import process_state_restored, run_python


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    with process_state_restored():
        yield


def offset(month: int) -> float:
    """Return the process's hours east of Greenwich in the middle of a month."""
    return time.localtime(datetime(2024, month, 15, tzinfo=UTC).timestamp()).tm_gmtoff / 3600


@pytest.mark.parametrize(
    ("name", "winter", "summer"),
    [
        ("Europe/Kyiv", 2, 3),
        ("America/New_York", -5, -4),
        ("Asia/Kolkata", 5.5, 5.5),
        ("Australia/Lord_Howe", 11, 10.5),
        ("Europe/Dublin", 0, 1),
        ("Africa/Abidjan", 0, 0),
        ("Etc/GMT+3", -3, -3),
        ("UTC", 0, 0),
        ("EST5EDT", -5, -4),
        ("posix/Asia/Tokyo", 9, 9),
    ],
)
def test_name(name: str, winter: float, summer: float) -> None:
    """A name puts the process into that zone, and its ZoneInfo is returned."""
    if name.startswith("posix/") and not Path("/usr/share/zoneinfo/posix").exists():
        pytest.skip("the time zone database of this machine has no posix folder")
    assert setup_timezone(name) is ZoneInfo(name)
    assert (offset(1), offset(7)) == (winter, summer)
    assert os.environ["TZ"].endswith(name)  # the name itself, or its file where the machine has no database


def test_zoneinfo() -> None:
    """A ZoneInfo is returned as it is."""
    zone = ZoneInfo("Asia/Tokyo")
    assert setup_timezone(zone) is zone
    assert offset(1) == 9


@pytest.mark.extra("pytz")
@pytest.mark.parametrize(
    ("name", "hours"), [("Europe/Kyiv", 2), ("UTC", 0), ("Etc/GMT+3", -3), ("Asia/Kolkata", 5.5), ("GMT", 0)]
)
def test_pytz(name: str, hours: float) -> None:
    """A pytz zone, static ones too, is returned as it is."""
    import pytz

    zone = pytz.timezone(name)
    assert setup_timezone(zone) is zone
    assert offset(1) == hours


@pytest.mark.extra("pytz")
def test_pytz_fixed_offset() -> None:
    """A pytz offset without a name is an offset."""
    import pytz

    setup_timezone(pytz.FixedOffset(-90))
    assert offset(1) == -1.5


@pytest.mark.parametrize(
    ("delta", "tz", "abbreviation"),
    [
        (timedelta(hours=3), "<+03>-3", "+03"),
        (timedelta(hours=-3), "<-03>3", "-03"),
        (timedelta(hours=5, minutes=30), "<+0530>-5:30", "+0530"),
        (timedelta(hours=-3, minutes=-30), "<-0330>3:30", "-0330"),
        (timedelta(minutes=-20), "<-0020>0:20", "-0020"),
        (timedelta(hours=1, seconds=5), "<+010005>-1:00:05", "+010005"),
        (timedelta(hours=23, minutes=59), "<+2359>-23:59", "+2359"),
        (timedelta(), "UTC0", "UTC"),
    ],
)
def test_fixed_offset(delta: timedelta, tz: str, abbreviation: str) -> None:
    """An offset becomes a POSIX zone, whose sign counts the other way."""
    zone = timezone(delta)
    assert setup_timezone(zone) is zone
    assert os.environ["TZ"] == tz
    assert timedelta(hours=offset(1)) == timedelta(hours=offset(7)) == delta
    assert time.localtime().tm_zone == abbreviation


def test_utc() -> None:
    """timezone.utc is UTC, in name too."""
    assert setup_timezone(UTC) is UTC
    assert (offset(7), time.localtime().tm_zone) == (0, "UTC")


@pytest.mark.parametrize(
    "name",
    [
        "Mars/Olympus",
        "europe/kyiv",
        "UTC+03:00",
        "",
        " Europe/Kyiv",
        "Europe",
        "../zoneinfo/UTC",
        "/usr/share/zoneinfo/UTC",
        ":UTC",
        "zone.tab",
        "localtime",
        "posixrules",
        "Factory",
        "right/UTC",
        "Europe/Kyiv\0",
        "\udcff",
        "x" * 5000,
    ],
)
def test_unknown_name(name: str) -> None:
    """A name that is no zone's is a ValueError that shows it, and nothing has changed."""
    setup_timezone("Asia/Tokyo")
    with pytest.raises(ValueError, match="time zone") as caught:
        setup_timezone(name)
    assert repr(name) in str(caught.value)
    assert (os.environ["TZ"], offset(1)) == ("Asia/Tokyo", 9)


def test_hint_for_offsets() -> None:
    """Text that looks like an offset, which the C library would read with the wrong sign, leads to the right type."""
    with pytest.raises(ValueError, match=r"a fixed offset is a datetime\.timezone"):
        setup_timezone("UTC+03:00")


class Strange(tzinfo):
    """A tzinfo whose offset is not fixed, and which has no name."""

    def utcoffset(self, dt: datetime | None) -> timedelta | None:
        return None if dt is None else timedelta(hours=1)

    dst = utcoffset

    def tzname(self, dt: datetime | None) -> str | None:
        return None


@pytest.mark.parametrize("zone", [None, 3, b"UTC", timedelta(hours=1), Strange(), object()])
def test_no_zone(zone: Any) -> None:
    """What is neither a name nor a known kind of zone is a TypeError that lists what is."""
    with pytest.raises(TypeError, match=r"a name, a ZoneInfo, a pytz zone or a datetime\.timezone"):
        setup_timezone(zone)


def test_zoneinfo_without_key() -> None:
    """A ZoneInfo made from a file without a name cannot be given to the C library."""
    with files("tzdata").joinpath("zoneinfo/Asia/Tokyo").open("rb") as file:
        zone = ZoneInfo.from_file(file)
    with pytest.raises(TypeError, match="neither a name nor a fixed offset"):
        setup_timezone(zone)


def test_fraction_of_a_second() -> None:
    """An offset with a fraction of a second is refused."""
    with pytest.raises(ValueError, match="whole seconds"):
        setup_timezone(timezone(timedelta(microseconds=1)))


def test_no_tzset(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no tzset, as on Windows, the error says so before anything changes."""
    with monkeypatch.context() as patch:
        patch.delattr(time, "tzset")
        with pytest.raises(NotImplementedError, match=r"Windows has no time\.tzset"):
            setup_timezone("Asia/Tokyo")


EMPTY_TZDIR = """
    import os, sys, time
    from aiotoolkit.settings import setup_timezone

    for name in sys.argv[1:]:
        os.environ["TZ"] = name
        time.tzset()
        fooled = time.strftime("%Z %z", time.localtime(0))
        setup_timezone(name)
        print(fooled, "->", time.strftime("%Z %z", time.localtime(0)), os.environ["TZ"][:1])
"""


def test_database_missing_for_the_c_library(tmp_path: Path) -> None:
    """Where the C library has no database, and says UTC without a word, the zone's file is named instead."""
    output = run_python(EMPTY_TZDIR, "Asia/Tokyo", "Africa/Abidjan", TZDIR=str(tmp_path))
    assert output.splitlines() == ["Asia +0000 -> JST +0900 :", "Africa +0000 -> GMT +0000 :"]


def test_database_only_in_tzdata(tmp_path: Path) -> None:
    """Where the machine has no database at all, that of the tzdata package is used, by both."""
    output = run_python(
        EMPTY_TZDIR + "\n    print(os.environ['TZ'])", "Asia/Tokyo", TZDIR=str(tmp_path), PYTHONTZPATH=str(tmp_path)
    )
    assert "-> JST +0900" in output
    assert output.endswith("tzdata/zoneinfo/Asia/Tokyo")


@pytest.mark.extra("pytz")
def test_database_only_in_pytz(tmp_path: Path) -> None:
    """A pytz zone finds pytz's own file where there is no other."""
    output = run_python(
        """
        import importlib.util, os, sys, time, pytz
        import aiotoolkit._timezone as module

        module.find_spec = lambda name: importlib.util.find_spec(name) if name == "pytz" else None
        module.setup_timezone(pytz.timezone("Asia/Tokyo"))
        print(time.strftime("%Z %z"), os.environ["TZ"])
        """,
        TZDIR=str(tmp_path),
        PYTHONTZPATH=str(tmp_path),
    )
    assert output.startswith("JST +0900")
    assert output.endswith("pytz/zoneinfo/Asia/Tokyo")


@pytest.mark.parametrize("tz", ["", "<+07>-7"])
def test_impossible_zone(tmp_path: Path, tz: str) -> None:
    """A zone that the C library cannot be brought into is an error, and the process is where it was."""
    output = run_python(
        """
        import os, time, tzdata
        from zoneinfo import ZoneInfo
        from aiotoolkit.settings import setup_timezone

        if not os.environ["TZ"]:
            del os.environ["TZ"]
        time.tzset()
        before = (os.environ.get("TZ"), time.localtime(0).tm_gmtoff)
        with open(os.path.dirname(tzdata.__file__) + "/zoneinfo/Asia/Tokyo", "rb") as file:
            zone = ZoneInfo.from_file(file, key="Asia/Nowhere")
        try:
            setup_timezone(zone)
        except RuntimeError as error:
            print(error)
        assert (os.environ.get("TZ"), time.localtime(0).tm_gmtoff) == before
        """,
        TZ=tz,
    )
    assert "cannot be brought into the time zone Asia/Nowhere" in output


def test_child_processes_inherit() -> None:
    """A child process is in the same zone."""
    setup_timezone("Asia/Tokyo")
    assert run_python("import time; print(time.strftime('%z'))") == "+0900"
