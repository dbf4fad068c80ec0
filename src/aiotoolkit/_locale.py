"""The locale and the first weekday of the process."""

import calendar
import locale
from collections.abc import Generator
from contextlib import contextmanager

__all__ = ["locale_kept_on_error", "setup_first_weekday", "setup_locale"]


def setup_locale(
    lc_all: str,
    first_weekday: int | None = None,
    *,
    lc_collate: str | None = None,
    lc_ctype: str | None = None,
    lc_messages: str | None = None,
    lc_monetary: str | None = None,
    lc_numeric: str | None = None,
    lc_time: str | None = None,
) -> str:
    """Set the locale of the whole process, and the first day of the week of `calendar`. Only for start-up.

    Args:
        lc_all: The locale of every category, as ``"de_DE.UTF-8"``; ``""`` is the one of the environment variables.
        first_weekday: 0 is Monday and 6 is Sunday.
        lc_collate: The locale for comparing text. This and the other categories win over ``lc_all``.
        lc_ctype: The locale for classifying characters.
        lc_messages: The locale for messages of the system.
        lc_monetary: The locale for amounts of money.
        lc_numeric: The locale for numbers.
        lc_time: The locale for dates and times.

    Returns:
        The locale that is set now, as `locale.setlocale` describes it.

    Raises:
        ValueError: A locale is not installed, or the weekday does not exist. Then nothing has changed.
    """
    categories = {
        "LC_COLLATE": lc_collate,
        "LC_CTYPE": lc_ctype,
        "LC_MESSAGES": lc_messages,
        "LC_MONETARY": lc_monetary,
        "LC_NUMERIC": lc_numeric,
        "LC_TIME": lc_time,
    }
    with locale_kept_on_error():
        _set_category("LC_ALL", lc_all)
        for category, name in categories.items():
            if name is not None:
                _set_category(category, name)
        if first_weekday is not None:
            setup_first_weekday(first_weekday)
    return locale.setlocale(locale.LC_ALL)


def setup_first_weekday(weekday: int) -> None:
    """Set the first day of the week of `calendar`: 0 is Monday and 6 is Sunday."""
    if type(weekday) is not int or not 0 <= weekday <= 6:  # True would be Tuesday
        raise ValueError(f"the first weekday is a number from 0 (Monday) to 6 (Sunday), not {weekday!r}")
    calendar.setfirstweekday(weekday)


@contextmanager
def locale_kept_on_error() -> Generator[None]:
    """Put back the locale and the first weekday when the block fails."""
    previous, weekday = locale.setlocale(locale.LC_ALL), calendar.firstweekday()
    try:
        yield
    except BaseException:
        locale.setlocale(locale.LC_ALL, previous)
        calendar.setfirstweekday(weekday)
        raise


def _set_category(category: str, name: str) -> None:
    if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance] - setlocale takes None as a question
        raise TypeError(f"{category} is the name of a locale, not {type(name).__name__}")
    if not hasattr(locale, category):
        raise ValueError(f"this platform has no {category}")  # Windows has no LC_MESSAGES
    try:
        locale.setlocale(getattr(locale, category), name)
    except (locale.Error, ValueError) as error:  # ValueError: a NUL or a lone surrogate in the name
        shown = repr(name) if name else "of the environment (LANG, LC_ALL, LC_*)"
        raise ValueError(
            f"the locale {shown} cannot be set for {category}: it is not installed here (see what 'locale -a' prints)"
        ) from error
