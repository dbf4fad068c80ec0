"""The locale of the process."""

import calendar
import locale
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aiotoolkit.settings import setup_locale
from tests.settings_helpers import process_state_restored, run_python


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    with process_state_restored():
        yield


@pytest.fixture(scope="module")
def locales(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder for LOCPATH with de_DE.UTF-8 and fr_FR.UTF-8: the machine itself may have only C and C.UTF-8."""
    if shutil.which("localedef") is None or not Path("/usr/share/i18n/locales/de_DE").exists():
        pytest.skip("localedef and the sources of locales (/usr/share/i18n) are not installed")
    folder = tmp_path_factory.mktemp("locales")
    for name in ("de_DE", "fr_FR"):
        # Its exit status is 1 when it only warns.
        subprocess.run(["localedef", "-i", name, "-f", "UTF-8", folder / f"{name}.UTF-8"], check=False, timeout=50)
        if not (folder / f"{name}.UTF-8").exists():
            pytest.skip("localedef cannot make locales here")
    return str(folder)


def test_lc_all() -> None:
    """One locale for every category, and what is set is returned."""
    assert setup_locale("C") == locale.setlocale(locale.LC_ALL) == "C"


def test_first_weekday() -> None:
    """The first day of the week is set, and only when it is given."""
    setup_locale("C", 6)
    assert calendar.firstweekday() == 6
    setup_locale("C")
    assert calendar.firstweekday() == 6
    setup_locale("C", first_weekday=0)
    assert calendar.firstweekday() == 0


def test_single_categories_win(locales: str) -> None:
    """A category that is given keeps its own locale, and LC_ALL is for the others."""
    output = run_python(
        """
        import locale, time
        from aiotoolkit.settings import setup_locale

        returned = setup_locale("de_DE.UTF-8", lc_time="fr_FR.UTF-8", lc_numeric="C")
        assert returned == locale.setlocale(locale.LC_ALL)
        monday = (2024, 1, 1, 0, 0, 0, 0, 1, 0)
        print(time.strftime("%A", monday), locale.str(1.5), locale.localeconv()["mon_decimal_point"])
        setup_locale("de_DE.UTF-8")
        print(time.strftime("%A", monday), locale.str(1.5))
        """,
        LOCPATH=locales,
    )
    assert output.splitlines() == ["lundi 1.5 ,", "Montag 1,5"]


def test_nothing_is_half_set(locales: str) -> None:
    """When a later category is unknown, the earlier ones and the weekday are put back."""
    output = run_python(
        """
        import calendar, locale
        from aiotoolkit.settings import setup_locale

        before = setup_locale("fr_FR.UTF-8", 6, lc_time="C")
        for options in ({"lc_time": "xx_XX"}, {"first_weekday": 7}):
            try:
                setup_locale("de_DE.UTF-8", **options)
            except ValueError as error:
                print(error)
            assert locale.setlocale(locale.LC_ALL) == before
            assert calendar.firstweekday() == 6
        """,
        LOCPATH=locales,
    )
    assert "'xx_XX' cannot be set for LC_TIME" in output
    assert "not 7" in output


def test_locale_of_the_environment(locales: str) -> None:
    """Empty text is the locale of the environment variables."""
    code = 'from aiotoolkit.settings import setup_locale; print(setup_locale(""))'
    assert run_python(code, LOCPATH=locales, LC_ALL="de_DE.UTF-8") == "de_DE.UTF-8"
    code = """
        from aiotoolkit.settings import setup_locale
        try:
            setup_locale("")
        except ValueError as error:
            print(error)
    """
    assert "the locale of the environment (LANG, LC_ALL, LC_*) cannot be set" in run_python(code, LC_ALL="xx_XX")


@pytest.mark.parametrize("name", ["xx_XX.UTF-8", "x" * 10_000, "de\0DE", "\udcff", "not a locale"])
@pytest.mark.parametrize("category", ["lc_all", "lc_time", "lc_messages"])
def test_unknown_locale(name: str, category: str) -> None:
    """A locale that is not installed is a ValueError that names it, with its category."""
    before = locale.setlocale(locale.LC_ALL)
    options: dict[str, Any] = {"lc_all": "C", category: name}
    with pytest.raises(ValueError, match=category.upper()) as caught:
        setup_locale(**options)
    assert repr(name) in str(caught.value)
    assert locale.setlocale(locale.LC_ALL) == before


@pytest.mark.parametrize("name", [None, 3, ("de_DE", "UTF-8"), b"C"])
def test_no_name(name: Any) -> None:
    """A locale is named by text: None, which setlocale takes as a question, is a TypeError."""
    with pytest.raises(TypeError, match="LC_ALL is the name of a locale"):
        setup_locale(name)


@pytest.mark.parametrize("weekday", [7, -1, "1", 1.0, True])
def test_bad_weekday(weekday: Any) -> None:
    """A weekday that does not exist is a ValueError that shows it."""
    with pytest.raises(ValueError, match=rf"0 \(Monday\) to 6 \(Sunday\), not {weekday!r}"):
        setup_locale("C", weekday)


def test_platform_without_a_category(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a category does not exist, as LC_MESSAGES on Windows, only who asks for it gets an error."""
    monkeypatch.delattr(locale, "LC_MESSAGES")
    assert setup_locale("C") == "C"
    with pytest.raises(ValueError, match="this platform has no LC_MESSAGES"):
        setup_locale("C", lc_messages="C")
