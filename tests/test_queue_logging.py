"""The log queue where it matters most: several outputs, blocked ones, forks, signals and the end of the process."""

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest

from aiotoolkit.logger import flush_logging, queued_handler
from tests.ingest import run_script

ROOT = Path(__file__).parent.parent
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")


class Waiting(logging.Handler):
    """Its output is blocked until ``opened`` is set."""

    def __init__(self, opened: threading.Event) -> None:
        super().__init__()
        self.opened = opened

    def emit(self, record: logging.LogRecord) -> None:
        assert self.opened.wait(20)


def run_with_blocked(source: str, *, stream: str) -> subprocess.CompletedProcess[bytes]:
    """Run a program whose ``stream``, stdout or stderr, is a pipe that nobody reads."""
    reader, writer = os.pipe()
    try:
        outputs: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: writer}
        done: subprocess.CompletedProcess[bytes] = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(source)], cwd=ROOT, check=False, timeout=40, **outputs
        )
        return done
    finally:
        os.close(reader)
        os.close(writer)


FLOOD = """
    import atexit, logging.config, sys
    from aiotoolkit.logger import default_logging_dict
    logging.config.dictConfig(default_logging_dict("app", queue=True))
    log = logging.getLogger("app")
    for number in range(300):
        log.log({level}, "%d %s", number, "x" * 1000)
"""


@pytest.mark.parametrize(("stream", "level"), [("stdout", 20), ("stderr", 40)])
def test_a_blocked_output_does_not_hang_the_end_of_the_process(stream: str, level: int) -> None:
    """A program whose output nobody reads ends by itself, with its own exit status."""
    source = textwrap.dedent(FLOOD).format(level=level) + "sys.exit(3)\n"
    assert run_with_blocked(source, stream=stream).returncode == 3


def test_a_finaliser_logs_to_a_blocked_output() -> None:
    """What is logged at the very end, to an output that is blocked, hangs nothing either."""
    late = """
    class Late:
        def __del__(self):
            log.info("last words")
    late = Late()
    """
    source = textwrap.dedent(FLOOD).format(level=20) + textwrap.dedent(late)
    assert run_with_blocked(source, stream="stdout").returncode == 0


def test_a_second_configuration_does_not_wait_for_a_blocked_handler() -> None:
    """dictConfig closes the old handlers; one that never returns is let go of, and the new ones work."""
    done = run_script(
        """
        import logging.config, threading
        from aiotoolkit import _queue_logging
        from aiotoolkit.logger import default_logging_dict, queue_logging
        _queue_logging._EXIT_TIMEOUT = 0.2
        reached = threading.Event()
        class Blocked(logging.Handler):
            def emit(self, record):
                reached.set()
                threading.Event().wait()
        first = default_logging_dict("app", handlers=["blocked"])
        first["handlers"] = {"blocked": {"()": Blocked}}
        logging.config.dictConfig(queue_logging(first))
        logging.getLogger("app").info("lost")
        assert reached.wait(10)
        logging.config.dictConfig(default_logging_dict("app"))
        logging.getLogger("app").info("written")
        """
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("written\n")


def test_two_applications_share_the_queue() -> None:
    """When one application of a process stops, the log of the other goes on, and nothing of either is lost."""
    done = run_script(
        """
        import asyncio, logging.config
        from aiohttp import web
        from aiotoolkit.app import setup_settings
        from aiotoolkit.logger import default_logging_dict
        from aiotoolkit.settings import immutable_settings
        logging.config.dictConfig(default_logging_dict("app", queue=True))
        log = logging.getLogger("app")
        async def started():
            app = web.Application()
            setup_settings(app, immutable_settings({"DEBUG": False}))
            runner = web.AppRunner(app)
            await runner.setup()
            return runner
        async def main():
            first, second = await started(), await started()
            log.info("both")
            await first.cleanup()
            log.info("one")
            await second.cleanup()
            log.info("none")
        asyncio.run(main())
        """
    )
    assert [line.split()[-1] for line in done.stdout.splitlines()] == ["both", "one", "none"], done.stderr


@needs_fork
def test_workers_forked_before_and_after_the_first_record() -> None:
    """As with gunicorn's preload, each worker's thread starts with its own first record; nothing is lost or doubled."""
    done = run_script(
        """
        import logging.config, os, threading
        from aiotoolkit.logger import default_logging_dict
        logging.config.dictConfig(default_logging_dict("app", queue=True, stdout_only=True))
        log = logging.getLogger("app")
        def worker(name):
            assert [each.name for each in threading.enumerate()] == ["MainThread"]
            for number in range(100):
                log.info("%s %d", name, number)
        for name in ("early", "late"):
            child = os.fork()
            if not child:
                worker(name)
                raise SystemExit
            assert os.waitpid(child, 0)[1] == 0
            log.info("parent %s", name)
        """,
        ignore=["__main__"],  # a fork with threads: this is what is tested
    )
    assert done.returncode == 0, done.stderr
    words = sorted(tuple(line.split()[-2:]) for line in done.stdout.splitlines())
    expected = [(name, str(number)) for name in ("early", "late") for number in range(100)]
    assert words == sorted([*expected, ("parent", "early"), ("parent", "late")])


def test_sigterm_of_a_served_application_loses_nothing() -> None:
    """run_app stops at SIGTERM, and every line that was logged before is written."""
    source = """
        import logging.config, os, signal
        from aiohttp import web
        from aiotoolkit.app import AccessLogger
        from aiotoolkit.logger import default_logging_dict
        logging.config.dictConfig(default_logging_dict("aiohttp", "app", queue=True))
        async def stop(app):
            for number in range(1000):
                logging.getLogger("app").info("%d", number)
            os.kill(os.getpid(), signal.SIGTERM)
        app = web.Application()
        app.on_startup.append(stop)
        web.run_app(app, host="127.0.0.1", port=0, access_log_class=AccessLogger, print=None)
        """
    done = run_script(source)
    assert done.returncode in (0, -signal.SIGTERM), done.stderr
    assert [line.split()[-1] for line in done.stdout.splitlines()] == [*map(str, range(1000))]


@pytest.mark.extra("pythonjsonlogger")
def test_extras_are_those_of_the_moment() -> None:
    """What changes after the call does not change the line, nor break it; secrets in it are hidden."""
    done = run_script(
        """
        import logging.config
        from aiotoolkit.logger import default_logging_dict
        logging.config.dictConfig(default_logging_dict("app", json=True, queue=True))
        cart = {"items": [1], "owner": {"password": "hunter2"}}
        logging.getLogger("app").info("cart", extra={"cart": cart})
        message = {"message": "paid", "cart": cart}
        logging.getLogger("app").info(message)
        cart["items"].append(2)
        cart.clear()
        message.clear()
        """
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["cart"] for line in lines] == [{"items": [1], "owner": {"password": "***"}}] * 2
    assert [line["message"] for line in lines] == ["cart", "paid"]


def test_a_flush_that_returned_has_written(tmp_path: Path) -> None:
    """flush_logging returns after the output itself was flushed, not before."""
    done = run_script(
        """
        import logging.config, pathlib, sys
        from aiotoolkit.logger import default_logging_dict, flush_logging
        path = pathlib.Path(sys.argv[1])
        sys.stdout = path.open("w")
        logging.config.dictConfig(default_logging_dict("app", queue=True))
        for number in range(200):
            logging.getLogger("app").info("%d", number)
            assert flush_logging()
            assert path.read_text().endswith(f" {number}\\n"), number
        """,
        str(tmp_path / "log"),
    )
    assert done.returncode == 0, done.stderr


def test_the_thread_has_no_request() -> None:
    """The thread does not inherit the context of the request that happened to log first."""
    done = run_script(
        """
        import logging
        from aiotoolkit.logger import flush_logging, queued_handler, request_id_var
        class Curious(logging.Handler):
            def emit(self, record):
                print(request_id_var.get())
        log = logging.getLogger("app")
        log.addHandler(queued_handler(handler={"()": Curious}, max_records=10))
        request_id_var.set("first")
        log.error("x")
        assert flush_logging()
        """
    )
    assert done.stdout == "None\n", done.stderr


async def test_flushing_in_clean_up_does_not_stop_the_loop() -> None:
    """While one waits for a blocked output in a thread, as the application's clean-up does, tasks go on."""
    opened = threading.Event()
    handler = queued_handler(handler={"()": Waiting, "opened": opened}, max_records=10)
    handler.handle(logging.makeLogRecord({"msg": "x"}))
    flushing = asyncio.create_task(asyncio.to_thread(flush_logging, 20))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not flushing.done()
    opened.set()
    assert await flushing
    handler.close()
