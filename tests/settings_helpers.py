"""What the tests of settings share: Python in a process of its own, and process-wide state put back."""

import calendar
import locale
import logging
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager


def run_python(code: str, *arguments: str, **environ: str) -> str:
    """Run code in a new interpreter with warnings as errors, and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code), *arguments],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@contextmanager
def process_state_restored() -> Iterator[None]:
    """Put back locale, first weekday, time zone and the handlers of the root logger."""
    old_locale, weekday, tz = locale.setlocale(locale.LC_ALL), calendar.firstweekday(), os.environ.get("TZ")
    handlers, level = logging.root.handlers[:], logging.root.level
    try:
        yield
    finally:
        locale.setlocale(locale.LC_ALL, old_locale)
        calendar.setfirstweekday(weekday)
        os.environ.pop("TZ", None)
        if tz is not None:
            os.environ["TZ"] = tz
        time.tzset()
        logging.root.handlers[:] = handlers
        logging.root.setLevel(level)
