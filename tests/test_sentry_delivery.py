"""Whether events arrive, and what happens to the program when Sentry is slow, away, or refuses."""

import threading
from collections.abc import Iterator

import pytest

from tests.ingest import Ingest
from tests.sentry_helpers import both_clients, run, start


@pytest.fixture
def ingest() -> Iterator[Ingest]:
    with Ingest() as server:
        yield server


def lost(stderr: str) -> list[str]:
    """The lines that tell of lost events."""
    return [line for line in stderr.splitlines() if "did not reach Sentry" in line]


@both_clients
def test_a_burst_arrives_in_full(client: str, ingest: Ingest) -> None:
    """A thousand errors of one view in one moment, while the loop does nothing else: a thousand events."""
    run(
        """
        setup("app")
        log = logging.getLogger("app")
        log.handlers = [each for each in log.handlers if not isinstance(each, logging.StreamHandler)]
        async def view(number):
            try:
                raise ValueError(number)
            except ValueError:
                log.exception("failed %d", number)
        async def main():
            for number in range(1000):
                await view(number)
            assert await asyncio.to_thread(flush_logging, 50)
        asyncio.run(main())
        """,
        client,
        ingest,
    )
    assert sorted(int(message.split()[-1]) for message in ingest.messages()) == list(range(1000))


@both_clients
def test_what_may_wait_is_bounded(client: str, ingest: Ingest) -> None:
    """Further events are dropped at once and counted: memory does not grow while Sentry hangs."""
    ingest.go_on.clear()
    done = start(
        """
        options = {}
        if client == "raven":
            import aiotoolkit._raven_transport
            aiotoolkit._raven_transport._MAX_WAITING = 10
        else:
            options["transport_queue_size"] = 10
        setup("app", **options)
        for number in range(100):
            logging.getLogger("app").error("error %d", number)
        assert not flush_logging(0.2)
        sys.stderr.flush()
        os._exit(0)
        """,
        client,
        ingest.dsn(),
    )
    assert done.returncode == 0, done.stderr
    assert lost(done.stderr) == ["1 events did not reach Sentry: too many wait to be sent"]


@both_clients
def test_a_rate_limit_is_respected(client: str) -> None:
    """After a 429 that asks for a minute nothing more is sent, and a flush does not wait for that minute."""
    with Ingest(status=429, headers={"Retry-After": "60"}) as refusing:
        done = start(
            """
            setup("app")
            for number in range(20):
                logging.getLogger("app").error("error %d", number)
                if not number:
                    flush_logging(5)
            flush_logging(45)  # longer than this program may take
            print("done")
            """,
            client,
            refusing.dsn(),
        )
    assert done.stdout == "done\n", done.stderr
    assert len(refusing.raw) == 1
    assert 1 <= len(lost(done.stderr)) <= 2


@both_clients
@pytest.mark.parametrize("dsn", ["http://public@127.0.0.1:9/1", "http://public@nowhere.invalid/1"])
def test_an_absent_sentry_does_not_fill_the_log(client: str, dsn: str) -> None:
    """With everything logged at DEBUG by the root too, an outage is a line or two, not some for each event."""
    done = start(
        """
        def everything(made):
            made["root"] = {"handlers": ["stdout", "stderr"], "level": "DEBUG"}
        setup("app", change=everything, level="DEBUG")
        for number in range(30):
            logging.getLogger("app").error("error %d", number)
        flush_logging(1)
        """,
        client,
        dsn,
    )
    assert done.returncode == 0, done.stderr
    lines = (done.stdout + done.stderr).splitlines()
    assert sum("[ERROR:app] error" in line for line in lines) == 30
    assert len(lines) < 40, done.stderr
    assert lost(done.stderr)


@both_clients
def test_the_client_makes_no_events_of_itself(client: str, ingest: Ingest) -> None:
    """With a DEBUG handler on the root, what the client and its HTTP library log of an event is not the next one."""
    run(
        """
        def everything(made):
            made["root"] = {"handlers": ["stderr"], "level": "DEBUG"}
        setup(change=everything, level="DEBUG")
        logging.getLogger("app").debug("one")
        for _ in range(3):
            assert flush_logging(10)
        """,
        client,
        ingest,
    )
    assert ingest.messages() == ["one"]


@both_clients
def test_an_error_while_an_event_is_made_is_no_event(client: str, ingest: Ingest) -> None:
    """A hook or processor of the application that logs an error would call itself for ever."""
    run(
        """
        def complain(event, hint=None):
            logging.getLogger("app").error("of the hook")
            return event
        class Complaining:
            def __init__(self, client): pass
            def process(self, data): return complain(data)
        raven, sdk = {"processors": ["__main__.Complaining"]}, {"before_send": complain}
        setup("app", **(raven if client == "raven" else sdk))
        logging.getLogger("app").error("one")
        logging.getLogger("app").error("two")
        """,
        client,
        ingest,
    )
    assert ingest.messages() == ["one", "two"]


@both_clients
def test_an_error_while_an_event_is_sent_is_no_event(client: str, ingest: Ingest) -> None:
    """What is logged in the thread that sends would make an event for each event that is sent, for ever."""
    run(
        """
        if client == "raven":
            from aiotoolkit._raven_transport import ThreadedTransport as kind
            name = "_post"
        else:
            from sentry_sdk.transport import HttpTransport as kind
            name = "_send_envelope"
        original = getattr(kind, name)
        def noisy(*arguments):
            logging.getLogger("app").error("in the thread")
            return original(*arguments)
        setattr(kind, name, noisy)
        setup("app")
        logging.getLogger("app").error("one")
        for _ in range(3):
            assert flush_logging(10)
        """,
        client,
        ingest,
    )
    assert ingest.messages() == ["one"]


@pytest.mark.extra("raven")
def test_ravens_own_complaints_are_no_events(ingest: Ingest) -> None:
    """With a transport of the application, raven logs each failure itself, in a thread that nobody knows."""
    out = run(
        """
        import threading
        from raven.transport.base import AsyncTransport
        class Failing(AsyncTransport):
            scheme, calls = ["http"], 0
            def __init__(self, **options): pass
            def async_send(self, url, data, headers, success, failure):
                Failing.calls += 1
                threading.Thread(target=failure, args=(OSError("down"),)).start()
        def everything(made):
            made["root"] = {"handlers": ["stderr"], "level": "DEBUG"}
        setup("app", change=everything, level="DEBUG", transport=Failing)
        logging.getLogger("app").error("one")
        for thread in threading.enumerate():
            if thread is not threading.main_thread():
                thread.join(10)
        print(Failing.calls)
        """,
        "raven",
        ingest,
    )
    assert out.splitlines()[-1] == "1"


@both_clients
def test_requests_are_answered_while_sentry_hangs(client: str, ingest: Ingest) -> None:
    """Sentry accepts the connection and never answers: errors are logged, requests served, and the flush is bounded."""
    ingest.go_on.clear()
    done = start(
        """
        setup("aiotoolkit", "app")
        async def fails(request):
            raise ValueError("reason")
        async def main():
            async with serve(make_app(fails=fails)) as port:
                print(*[await ask(port, "/fails") for _ in range(20)])
            print(await asyncio.to_thread(flush_logging, 0.2))
        asyncio.run(main())
        sys.stdout.flush()
        os._exit(0)
        """,
        client,
        ingest.dsn(),
    )
    assert done.stdout.splitlines()[-2:] == [" ".join(["500"] * 20), "False"], done.stderr


@both_clients
def test_clean_up_flushes_without_stopping_the_loop(client: str, ingest: Ingest) -> None:
    """An application's clean-up waits for what Sentry has not taken yet, and the loop can do what lets it take it."""
    out = run(
        """
        from aiotoolkit.app import setup_settings
        from aiotoolkit.settings import immutable_settings
        from tests.ingest import Ingest
        async def main():
            global dsn
            with Ingest() as slow:
                slow.go_on.clear()
                dsn = slow.dsn()
                setup("app")
                app = make_app()
                setup_settings(app, immutable_settings({"DEBUG": False}))
                async with serve(app):
                    logging.getLogger("app").error("last words")
                    assert await asyncio.to_thread(slow.wait_for_requests, 1)
                    asyncio.get_running_loop().call_later(0.1, slow.go_on.set)
                print(slow.messages())
        asyncio.run(main())
        sys.stdout.flush()
        os._exit(0)  # nothing may be left to what runs at exit
        """,
        client,
        ingest,
    )
    assert out == "['last words']\n"


@both_clients
def test_sigterm_loses_nothing(client: str, ingest: Ingest) -> None:
    """run_app stops at SIGTERM and cleans up, so what was logged arrives."""
    run(
        """
        import signal
        from aiohttp import web
        from aiotoolkit.app import setup_settings
        from aiotoolkit.settings import immutable_settings
        setup("app")
        app = web.Application()
        setup_settings(app, immutable_settings({"DEBUG": False}))
        async def stop(app):
            logging.getLogger("app").error("going down")
            asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGTERM)
        app.on_startup.append(stop)
        web.run_app(app, host="127.0.0.1", port=0, print=None)
        os._exit(0)
        """,
        client,
        ingest,
    )
    assert ingest.messages() == ["going down"]


@both_clients
def test_a_fork_sends_nothing_twice(client: str, ingest: Ingest) -> None:
    """What waits while a process forks is sent by the parent alone, whatever the thread that sends holds just then."""
    ingest.go_on.clear()

    def let_go() -> None:
        ingest.wait_for_requests(2)
        ingest.go_on.set()

    helper = threading.Thread(target=let_go)
    helper.start()
    done = start(
        """
        import warnings
        warnings.simplefilter("ignore")  # Python 3.12 warns of a fork beside threads
        setup("app")
        for number in range(5):
            logging.getLogger("app").error("parent %d", number)
        child = os.fork()
        if not child:
            logging.getLogger("app").error("child")
        assert flush_logging(20)
        if not child:
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        """,
        client,
        ingest.dsn(),
    )
    helper.join()
    assert done.returncode == 0, done.stderr
    assert sorted(ingest.messages()) == ["child", *(f"parent {number}" for number in range(5))], done.stderr


@both_clients
def test_a_badly_formatted_record_arrives(client: str, ingest: Ingest) -> None:
    """Arguments that do not fit the message are a mistake in the program, and no reason to lose the error."""
    start(
        """
        class Broken:
            def __repr__(self): raise RuntimeError
        setup("app")
        try:
            raise KeyError("lost")
        except KeyError:
            logging.getLogger("app").exception("%d of %d", "one")
        logging.getLogger("app").error("%s", Broken())
        """,
        client,
        ingest.dsn(),
    )
    assert ingest.messages() == ["'%d of %d' % ('one',)", "'%s' % <arguments without repr: RuntimeError>"]
    assert ingest.events[0]["exception"]["values"][0]["type"] == "KeyError"


@both_clients
def test_a_stack_is_sent_where_it_is_asked_for(client: str, ingest: Ingest) -> None:
    """``stack_info=True`` gives an event without exception the frames of the caller."""
    run(
        """
        setup("app")
        def caller():
            logging.getLogger("app").error("how did we get here", stack_info=True)
        caller()
        logging.getLogger("app").error("plain")
        """,
        client,
        ingest,
    )
    first, second = ingest.events
    assert "'caller'" in str(first.get("threads") or first.get("stacktrace"))
    assert not second.get("threads")
    assert not second.get("stacktrace")


@pytest.mark.extra("raven")
@pytest.mark.parametrize("retry_after", ["\u00b2", "-1", "1e9", "9" * 5000, "soon"])
def test_a_nonsensical_retry_after_does_no_harm(retry_after: str) -> None:
    """The thread goes on, and pauses as after any other failure."""
    with Ingest(status=429, headers={"Retry-After": retry_after}) as refusing:
        done = start(
            """
            setup("app")
            logging.getLogger("app").error("one")
            assert flush_logging(10)
            """,
            "raven",
            refusing.dsn(),
        )
    assert done.returncode == 0, done.stderr
    assert lost(done.stderr) == ["1 events did not reach Sentry: it answered 429"]


@both_clients
def test_what_is_logged_during_an_outage_arrives_after_it(client: str, ingest: Ingest) -> None:
    """The event that failed is lost, and said to be; those after it wait until Sentry is tried again."""
    ingest.first_statuses = [503]
    done = start(
        """
        setup("app")
        log = logging.getLogger("app")
        log.error("lost")
        flush_logging(0.5)
        log.error("kept")
        print(flush_logging(0.1), flush_logging(20))
        """,
        client,
        ingest.dsn(),
    )
    assert done.stdout == "False True\n", done.stderr
    assert ingest.messages() == ["kept"]
    assert lost(done.stderr)[0].endswith("1 events did not reach Sentry: it answered 503")


@pytest.mark.extra("raven")
def test_raven_follows_no_redirect(ingest: Ingest) -> None:
    """A redirected POST would lose the event and give the key to another host: it is a failure, and said so."""
    with Ingest(status=302, headers={"Location": ingest.dsn().replace("public@", "")}) as redirecting:
        done = start(
            'setup("app"); logging.getLogger("app").error("one"); flush_logging(5)', "raven", redirecting.dsn()
        )
    assert lost(done.stderr) == ["1 events did not reach Sentry: it answered 302"]
    assert ingest.raw == []


@pytest.mark.extra("raven")
def test_a_lost_event_is_counted_once(caplog: pytest.LogCaptureFixture) -> None:
    """Where the process ends while the thread is counting a lost event, that event does not count as waiting, too."""
    from aiotoolkit._raven_transport import ThreadedTransport
    from aiotoolkit._sentry_event import Losses

    class SlowLosses(Losses):
        counted, go_on = threading.Event(), threading.Event()

        def add(self, reason: str) -> None:
            super().add(reason)
            self.counted.set()
            self.go_on.wait(30)

    with Ingest(status=429) as refusing:
        transport = ThreadedTransport()
        transport._losses = losses = SlowLosses()
        transport.enqueue(refusing.dsn().replace("public@", ""), b"{}", {})
        assert losses.counted.wait(30)
        end = threading.Thread(target=transport.finish, args=[0])
        end.start()
        end.join(0.2)
        losses.go_on.set()
        end.join(30)
    told = [record.getMessage() for record in caplog.records if "did not reach Sentry" in record.getMessage()]
    assert told == ["1 events did not reach Sentry: it answered 429"]
