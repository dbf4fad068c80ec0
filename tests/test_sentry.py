"""``update_sentry_logging`` with both clients, against a local Sentry."""

import copy
import logging.config
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from aiotoolkit.logger import default_logging_dict, queue_logging, sentry_handler, update_sentry_logging
from tests.ingest import Ingest, message_of, run_script
from tests.sentry_helpers import SETUP, both_clients, run

any_client = pytest.mark.extra("sentry_sdk")

DSN = "https://public@sentry.example.com/1"


@pytest.fixture
def ingest() -> Iterator[Ingest]:
    with Ingest() as server:
        yield server


def types(event: dict[str, Any]) -> list[str]:
    return [each["type"] for each in event["exception"]["values"]]


# What arrives


@both_clients
def test_an_exception_arrives_with_everything(client: str, ingest: Ingest) -> None:
    """Message, level, logger, exception type and value, and the frames of the program."""
    run(
        """
        setup("app")
        def view():
            raise ValueError("the reason")
        try:
            view()
        except ValueError:
            logging.getLogger("app.views").exception("%s failed", "view")
        assert flush_logging(10)
        """,
        client,
        ingest,
    )
    (event,) = ingest.events
    assert message_of(event) == "view failed"
    assert event["level"] in {"error", 40}
    assert event["logger"] == "app.views"
    (exception,) = event["exception"]["values"]
    assert (exception["type"], exception["value"].strip("'")) == ("ValueError", "the reason")
    assert exception["stacktrace"]["frames"][-1]["function"] == "view"


@both_clients
def test_only_the_level_and_above_is_sent(client: str, ingest: Ingest) -> None:
    """ERROR by default; another level when asked for."""
    run('setup("app"); log = logging.getLogger("app"); log.warning("no"); log.error("yes")', client, ingest)
    assert ingest.messages() == ["yes"]
    run('setup("app", level="WARNING"); logging.getLogger("app").warning("and this")', client, ingest)
    assert ingest.messages() == ["yes", "and this"]


@both_clients
def test_one_event_per_record_however_loggers_nest(client: str, ingest: Ingest) -> None:
    """A record that passes the handler of its logger, its parent and the root is one event."""
    run(
        """
        def nest(made):
            made["root"] = {"handlers": ["stderr"], "level": "INFO"}
            for entry in made["loggers"].values():
                entry["propagate"] = True
        setup("app", "app.sub", "other", change=nest)
        logging.getLogger("app.sub.deep").error("one")
        logging.getLogger("other").error("two")
        logging.getLogger("unnamed").error("three")
        """,
        client,
        ingest,
    )
    assert ingest.messages() == ["one", "two", "three"]


@both_clients
def test_an_ignored_logger_and_its_children_stay_out(client: str, ingest: Ingest) -> None:
    """``ignore_sentry`` holds for the children too, and through a parent that has the handler."""
    run(
        """
        def ignore(made):
            made["loggers"]["app.noisy"].update(ignore_sentry=True, propagate=True)
        setup("app", "app.noisy", change=ignore)
        for name in ("app.noisy", "app.noisy.child", "app.noisyneighbour", "app"):
            logging.getLogger(name).error(name)
        """,
        client,
        ingest,
    )
    assert ingest.messages() == ["app.noisyneighbour", "app"]


@both_clients
def test_every_exception_of_one_event_loop_arrives(client: str, ingest: Ingest) -> None:
    """Three hundred errors of the same view in one thread are three hundred events: none is taken for a repetition."""
    run(
        """
        setup("app")
        async def view(number):
            try:
                await asyncio.sleep(0)
                raise ValueError(number)
            except ValueError:
                logging.getLogger("app").exception("failed %d", number)
        async def main():
            for number in range(0, 300, 3):
                await asyncio.gather(*(view(number + each) for each in range(3)))
                await asyncio.to_thread(flush_logging)  # the sdk drops what exceeds 100 waiting events
        asyncio.run(main())
        """,
        client,
        ingest,
    )
    assert sorted(int(message.split()[-1]) for message in ingest.messages()) == list(range(300))


@both_clients
def test_the_queue_does_not_take_sentry_along(client: str, ingest: Ingest) -> None:
    """With queued outputs the event is still made where the error happened, and all of it arrives once."""
    out = run(
        """
        made = default_logging_dict("app", queue=True, stdout_only=True)
        update_sentry_logging(made, dsn, client=client)
        logging.config.dictConfig(made)
        try:
            raise KeyError("lost")
        except KeyError:
            logging.getLogger("app").exception("queued")
        assert flush_logging(10)
        """,
        client,
        ingest,
    )
    assert "KeyError" in out
    assert [types(event) for event in ingest.events] == [["KeyError"]]


@both_clients
def test_a_fork_sends_its_own_events(client: str, ingest: Ingest) -> None:
    """A process forked after set-up, as by a preloading server, sends its events itself."""
    run_script(
        SETUP
        + """
setup("app")
child = os.fork()
logging.getLogger("app").error("parent" if child else "child")
assert flush_logging(10)
if child:
    os.waitpid(child, 0)
""",
        client,
        ingest.dsn(),
        ignore=["__main__"],
    )
    assert sorted(ingest.messages()) == ["child", "parent"]


# What must not arrive, and where


# Unhandled, in a view of a real server, on a request with a body and a header that must stay secret.
FAILING_VIEW = """
from aiohttp import ClientSession, web

async def view(request):
    form = {"user": {"name": "Ann", "password": "hun" + "ter2"}}
    assert (await request.json())["text"]
    raise ValueError("the reason")

async def main():
    app = web.Application()
    app.router.add_post("/shop", view)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = "http://127.0.0.1:%d/shop" % runner.addresses[0][1]
    async with ClientSession(headers={"Authorization": "Bearer sesa" + "me"}) as session:
        async with session.post(url, json={"text": "from the " + "body"}) as response:
            assert response.status == 500
    await runner.cleanup()
"""
SECRETS = ("hunter2", "sesame", "from the body")


@both_clients
def test_secrets_and_bodies_stay_at_home(client: str, ingest: Ingest) -> None:
    """Variables of frames named like secrets are filtered at any depth; nothing of the request is sent."""
    run(FAILING_VIEW + 'setup("aiohttp"); asyncio.run(main())', client, ingest)
    (event,) = ingest.events
    assert types(event) == ["ValueError"]
    assert [secret for secret in SECRETS if secret in str(event)] == []


@pytest.mark.extra("sentry_sdk")
def test_request_data_comes_on_demand_and_without_the_body(ingest: Ingest) -> None:
    """With the sdk's AioHttpIntegration an event has method and URL, still once, still without body and secrets."""
    run(
        FAILING_VIEW
        + """
from sentry_sdk.integrations.aiohttp import AioHttpIntegration
setup("aiohttp", integrations=[AioHttpIntegration()])
asyncio.run(main())
""",
        "sentry_sdk",
        ingest,
    )
    (event,) = ingest.events
    assert event["request"]["method"] == "POST"
    assert event["request"]["url"].endswith("/shop")
    assert [secret for secret in SECRETS if secret in str(event)] == []


@pytest.mark.extra("sentry_sdk")
def test_the_sdk_enables_no_integration_by_itself(ingest: Ingest) -> None:
    """aiohttp is neither imported nor patched unless its integration is passed; options are."""
    out = run(
        """
        import sentry_sdk
        setup("app", release="v1")
        options = sentry_sdk.get_client().options
        print("aiohttp" in sys.modules, sorted(sentry_sdk.get_client().integrations))
        print(options["max_request_body_size"], bool(options["send_default_pii"]), options["release"])
        """,
        "sentry_sdk",
        ingest,
    )
    first, second = out.splitlines()
    assert first.startswith("False")
    assert "aiohttp" not in first[5:]
    assert second == "never False v1"


@both_clients
def test_the_environment_does_not_decide(client: str, ingest: Ingest) -> None:
    """SENTRY_DSN changes nothing: not a missing DSN, and not ours."""
    with Ingest() as other:
        out = run(
            """
            own, dsn = dsn, None
            setup("app")
            print([name for name in ("raven", "sentry_sdk") if name in sys.modules])
            logging.getLogger("app").error("nowhere")
            dsn = own
            setup("app")
            logging.getLogger("app").error("ours")
            """,
            client,
            ingest,
            environ={"SENTRY_DSN": other.dsn()},
        )
        assert out == "[]\n"
        assert other.messages() == []
    assert ingest.messages() == ["ours"]


@pytest.mark.extra("sentry_sdk")
def test_a_client_of_the_application_is_respected(ingest: Ingest) -> None:
    """An application's own init() stays, and its LoggingIntegration does not make a second event."""
    run(
        """
        import sentry_sdk
        sentry_sdk.init(dsn, release="theirs", auto_enabling_integrations=False)
        theirs = sentry_sdk.get_client()
        def ignore(made):
            made["loggers"]["app.noisy"].update(ignore_sentry=True)
        dsn = "https://public@sentry.example.com/2"
        setup("app", "app.noisy", change=ignore, level="WARNING")
        assert sentry_sdk.get_client() is theirs
        for name in ("app.noisy", "app.noisy.child", "app"):
            logging.getLogger(name).error(name)
        logging.getLogger("app").warning("only ours")
        """,
        "sentry_sdk",
        ingest,
    )
    assert ingest.messages() == ["app", "only ours"]
    assert {event["release"] for event in ingest.events} == {"theirs"}


@pytest.mark.extra("sentry_sdk")
@pytest.mark.parametrize("options", ["integrations=[LoggingIntegration()]", ""])
def test_another_logging_integration_doubles_nothing(options: str, ingest: Ingest) -> None:
    """One that is passed as an option, or that the application's init() brings after the dict was applied."""
    run(
        f"""
        import sentry_sdk
        from sentry_sdk.integrations.logging import LoggingIntegration
        setup("app", {options})
        if not {options!r}:
            sentry_sdk.init(dsn, release="theirs", auto_enabling_integrations=False)
        logging.getLogger("app").error("one")
        """,
        "sentry_sdk",
        ingest,
    )
    assert ingest.messages() == ["one"]


@pytest.mark.extra("sentry_sdk")
def test_the_sdk_is_initialised_once(ingest: Ingest) -> None:
    """The same dict applied twice keeps the client; another DSN gets a new one."""
    with Ingest() as other:
        run(
            f"""
            import sentry_sdk
            setup("app")
            first = sentry_sdk.get_client()
            setup("app")
            assert sentry_sdk.get_client() is first
            logging.getLogger("app").error("first")
            assert flush_logging(10)
            dsn = {other.dsn()!r}
            setup("app")
            logging.getLogger("app").error("second")
            """,
            "sentry_sdk",
            ingest,
        )
        assert other.messages() == ["second"]
    assert ingest.messages() == ["first"]


# Delivery


@both_clients
def test_flush_logging_waits_no_longer_than_told(client: str) -> None:
    """With a Sentry that does not answer, a flush of 0.3 s says False, and does not wait for the answer."""
    with Ingest() as slow:
        slow.go_on.clear()
        out = run(
            """
            import time
            options = {"shutdown_timeout": 0} if client == "sentry_sdk" else {}
            setup("app", **options)
            logging.getLogger("app").error("late")
            started = time.monotonic()
            print(flush_logging(0.3), time.monotonic() - started < 15)
            sys.stdout.flush()
            os._exit(0)
            """,
            client,
            slow,
        )
        slow.go_on.set()
    assert out == "False True\n"


@both_clients
def test_an_unreachable_sentry_costs_nothing_but_its_events(client: str, ingest: Ingest) -> None:
    """When nothing listens, logging goes on, the output has its lines, and the program ends normally."""
    done = run_script(
        SETUP
        + """
setup("app")
for number in range(20):
    logging.getLogger("app").error("error %d", number)
flush_logging(2)
print("done")
""",
        client,
        "http://public@127.0.0.1:9/1",
    )
    assert done.returncode == 0
    assert done.stdout == "done\n"
    assert done.stderr.count("[ERROR:app]") == 20


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for ``localhost`` only, and its key."""
    if not (openssl := shutil.which("openssl")):
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    paths = folder / "certificate.pem", folder / "key.pem"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names]
    subprocess.run([*command, "-out", paths[0], "-keyout", paths[1]], check=True, capture_output=True)
    return paths


@pytest.mark.extra("raven")
@pytest.mark.parametrize(
    ("host", "query", "arrives"),
    [
        ("localhost", "ca_certs={}", True),
        ("127.0.0.1", "ca_certs={}", False),
        ("localhost", "", False),
        ("127.0.0.1", "verify_ssl=0", True),
    ],
)
def test_raven_speaks_todays_tls(certificate: tuple[Path, Path], host: str, query: str, arrives: bool) -> None:
    """Events go out over HTTPS on every Python, to a host that proves its name, unless told not to check."""
    with Ingest(certificate=certificate) as secure:
        run_script(
            SETUP + 'setup("app"); logging.getLogger("app").error("safe")',
            "raven",
            f"{secure.dsn(host)}?{query.format(certificate[0])}",
        )
    assert secure.messages() == ["safe"] * arrives


@pytest.mark.extra("raven")
@pytest.mark.parametrize("status", [429, 500])
def test_raven_backs_off_when_sentry_refuses(status: int) -> None:
    """A refusal is told on stderr, once for all events, the next events wait, and nothing raises."""
    with Ingest(status=status) as refusing:
        done = run_script(
            SETUP
            + """
setup("app")
for number in range(3):
    logging.getLogger("app").error("error %d", number)
    flush_logging(5)
""",
            "raven",
            refusing.dsn(),
        )
    assert done.returncode == 0
    assert done.stderr.count("did not reach Sentry") == 2, done.stderr
    assert f"1 events did not reach Sentry: it answered {status}\n" in done.stderr
    assert "2 events did not reach Sentry: the process ended\n" in done.stderr


# The dict


@any_client
def test_the_handler_is_added_where_asked() -> None:
    """To every logger and a declared root, or to the named ones; other handlers stay, in order."""
    made = default_logging_dict("a", "b")
    made["root"] = {"handlers": ("stderr",)}
    named = copy.deepcopy(made)
    update_sentry_logging(made, DSN)
    assert made["loggers"]["a"]["handlers"] == ["stdout", "stderr", "sentry"]
    assert made["loggers"]["b"]["handlers"] == ["stdout", "stderr", "sentry"]
    assert made["root"]["handlers"] == ["stderr", "sentry"]
    assert made["handlers"]["sentry"]["level"] == "ERROR"
    update_sentry_logging(named, DSN, "b", "root", level="CRITICAL")
    assert named["loggers"]["a"]["handlers"] == ["stdout", "stderr"]
    assert named["loggers"]["b"]["handlers"] == ["stdout", "stderr", "sentry"]
    assert named["root"]["handlers"] == ["stderr", "sentry"]
    assert named["handlers"]["sentry"]["level"] == "CRITICAL"


@any_client
def test_calling_twice_adds_nothing_twice() -> None:
    """The second call replaces the handler, and what was ignored stays ignored."""
    made = default_logging_dict("a", "b")
    made["loggers"]["b"]["ignore_sentry"] = True
    update_sentry_logging(made, DSN)
    assert "ignore_sentry" not in made["loggers"]["b"]
    once = copy.deepcopy(made)
    update_sentry_logging(made, DSN)
    assert made == once
    assert made["loggers"]["b"]["handlers"] == ["stdout", "stderr"]
    assert made["handlers"]["sentry"]["ignored_loggers"] == ["b"]


@any_client
def test_ignoring_the_root_silences_no_other_logger() -> None:
    """The root is left without the handler; its children are not ignored with it."""
    made = default_logging_dict("a")
    made["root"] = {"handlers": ["stderr"], "ignore_sentry": True}
    update_sentry_logging(made, DSN)
    assert made["root"] == {"handlers": ["stderr"]}
    assert made["handlers"]["sentry"]["ignored_loggers"] == []


@pytest.mark.parametrize("dsn", [None, ""])
def test_without_a_dsn_nothing_happens(dsn: str | None) -> None:
    """As in rororo, so that a setting that is not set needs no condition; no client has to be installed."""
    made = default_logging_dict("a")
    before = copy.deepcopy(made)
    update_sentry_logging(made, dsn, "missing", client="raven", nonsense=True)
    assert made == before


MALFORMED = [
    ("sentry", "scheme"),
    ("://", "scheme"),
    ("ftp://s3cret@host/1", "scheme"),
    ("threaded+https://s3cret@host/1", "scheme"),
    ("https://host/1", "public key"),
    ("https://:s3cret@host/1", "public key"),
    ("https://s3cret@/1", "host is missing"),
    ("https://s3cret@:1/1", "host is missing"),
    ("https://s3cret@host", "project id"),
    ("https://s3cret@host/", "project id"),
    ("https://s3cret@host/name", "project id"),
    ("https://s3cret@host/1_0", "project id"),
    ("https://s3cret@host/\u0661", "project id"),
    ("https://s3cret@host:port/1", "port"),
    ("https://s3cret@host:99999/1", "port"),
    ("https://s3cret@host:0/1", "port"),
    ("https://s3cret@[host/1", "host or port"),
    ("https://s3cret@ho st/1", "blanks"),
    ("https://s3cret@host/1\nx", "control"),
    ("https://s3cret@host/1#x", "fragment"),
    ("https://s3cret@host/1?nonsense=1", "options in a DSN"),
]


@both_clients
@pytest.mark.parametrize(("dsn", "says"), MALFORMED)
def test_a_malformed_dsn_is_one_clear_error(client: str, dsn: str, says: str) -> None:
    """A ValueError at once, that names the wrong part, never quotes a secret, and leaves the dict alone."""
    made = default_logging_dict("a")
    before = copy.deepcopy(made)
    with pytest.raises(ValueError, match=says) as caught:
        update_sentry_logging(made, dsn, client=client)
    assert type(caught.value) is ValueError
    assert "s3cret" not in str(caught.value)
    assert caught.value.__context__ is None
    assert made == before


@both_clients
@pytest.mark.parametrize(
    "dsn",
    ["https://key@host/1", "http://key:secret@host:9000/42", "https://key@host/prefix/1", "  https://key@[::1]:80/1\n"],
)
def test_a_good_dsn_is_taken(client: str, dsn: str) -> None:
    """With a secret key, a port, a path before the project, or the blanks around that a secret's file often has."""
    made = default_logging_dict("a")
    update_sentry_logging(made, dsn, client=client)
    assert made["handlers"]["sentry"]["dsn"] == dsn.strip()


@both_clients
def test_unknown_options_are_refused(client: str) -> None:
    """An option that the client would not know, or swallow, is a TypeError that names it; the dict stays."""
    made = default_logging_dict("a")
    before = copy.deepcopy(made)
    with pytest.raises(TypeError, match=r"nonsense, tagz; it has: .*environment, .*sample_rate"):
        update_sentry_logging(made, DSN, client=client, nonsense=1, tagz={}, release="1")
    assert made == before
    with pytest.raises(TypeError, match="nonsense"):
        sentry_handler(client=client, dsn=DSN, nonsense=1)


@pytest.mark.extra("raven")
def test_raven_transports_that_lose_or_block_are_refused() -> None:
    """A name as a string sends nothing, a synchronous transport blocks the loop; threads are taken."""
    from raven.transport.http import HTTPTransport
    from raven.transport.requests import RequestsHTTPTransport
    from raven.transport.threaded import ThreadedHTTPTransport

    for transport in ("raven.transport.http.HTTPTransport", HTTPTransport, RequestsHTTPTransport):
        with pytest.raises(ValueError, match="transport"):
            update_sentry_logging(default_logging_dict("a"), DSN, client="raven", transport=transport)
    made = default_logging_dict("a")
    update_sentry_logging(made, DSN, client="raven", transport=ThreadedHTTPTransport)
    assert made["handlers"]["sentry"]["transport"] is ThreadedHTTPTransport


@pytest.mark.extra("sentry_sdk")
def test_transports_that_the_sdk_would_ignore_or_call_in_the_loop_are_refused() -> None:
    """A name as a string is ignored, a function is called where the error happens; transports of the sdk are taken."""
    from sentry_sdk.transport import HttpTransport

    transports: list[Any] = ["sentry_sdk.transport.HttpTransport", print, str, lambda event: None]
    for transport in transports:
        with pytest.raises(ValueError, match="transport must be a class or an instance of"):
            update_sentry_logging(default_logging_dict("a"), DSN, client="sentry_sdk", transport=transport)
    made = default_logging_dict("a")
    update_sentry_logging(made, DSN, client="sentry_sdk", transport=HttpTransport)
    assert made["handlers"]["sentry"]["transport"] is HttpTransport


@pytest.mark.extra("raven")
def test_a_certificate_that_is_not_there_is_a_configuration_error() -> None:
    """raven makes its transport at the first event, where nobody would see the error."""
    done = run_script(
        SETUP + "setup('app')", "raven", "https://public@127.0.0.1:9/1?ca_certs=/nowhere/ca.pem", timeout=30
    )
    assert "Unable to configure handler 'sentry'" in done.stderr
    assert "FileNotFoundError" in done.stderr


@any_client
@pytest.mark.parametrize(
    ("arguments", "options", "error", "says"),
    [
        ((DSN, "missing"), {}, ValueError, r"'missing'.*'a'"),
        ((DSN,), {"level": "LOUD"}, ValueError, "LOUD"),
        ((DSN,), {"client": "rollbar"}, ValueError, r"rollbar.*sentry_sdk"),
        ((5,), {}, TypeError, "int"),
        ((DSN, ["a"]), {}, TypeError, r"takes names of loggers, one by one; got \['a'\]"),
        ((DSN,), {"client": []}, TypeError, r"client must be .*, got \[\]"),
        ((DSN,), {"level": []}, ValueError, r"unknown log level \[\]"),
        ((b"https://s3cret@host/1",), {}, TypeError, "bytes"),
    ],
)
def test_bad_arguments_are_named(
    arguments: tuple[Any, ...], options: dict[str, Any], error: type[Exception], says: str
) -> None:
    """A wrong logger, level, client or type is an error that names it, and the dict stays as it was."""
    made = default_logging_dict("a")
    before = copy.deepcopy(made)
    with pytest.raises(error, match=says):
        update_sentry_logging(made, *arguments, **options)
    assert made == before


def frozen_dicts() -> list[Any]:
    made = default_logging_dict("a")
    return [
        MappingProxyType(made),
        {**made, "handlers": MappingProxyType(made["handlers"])},
        {**made, "loggers": MappingProxyType(made["loggers"])},
        {**made, "loggers": {"a": MappingProxyType(made["loggers"]["a"])}},
        {**made, "root": MappingProxyType({})},
    ]


@pytest.mark.parametrize("frozen", frozen_dicts())
def test_a_frozen_dict_is_refused(frozen: Any) -> None:
    """Settings are frozen at every depth: the error says in which order to call."""
    with pytest.raises(TypeError, match="call it before immutable_settings"):
        update_sentry_logging(frozen, DSN)


def test_something_else_than_a_dict_is_refused() -> None:
    """The type is named."""
    with pytest.raises(TypeError, match="NoneType"):
        update_sentry_logging(None, DSN)  # type: ignore[arg-type] # the mistake under test


@pytest.mark.parametrize(
    ("missing", "client", "says"),
    [
        (["raven", "sentry_sdk"], None, 'pip install "aiotoolkit[sentry]"'),
        (["sentry_sdk"], "sentry_sdk", 'pip install "aiotoolkit[sentry]"'),
        (["raven"], "raven", 'pip install "aiotoolkit[raven]"'),
    ],
)
def test_a_missing_client_says_what_to_install(missing: list[str], client: str | None, says: str) -> None:
    """No client is a clear error with the command."""
    done = run_script(
        f"""
        import sys
        class Missing:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] in {missing!r}:
                    raise ModuleNotFoundError(name, name=name)
        import importlib.util
        find_spec = importlib.util.find_spec
        importlib.util.find_spec = lambda name, package=None: None if name in {missing!r} else find_spec(name, package)
        from aiotoolkit.logger import default_logging_dict, update_sentry_logging
        try:
            update_sentry_logging(default_logging_dict("a"), {DSN!r}, client={client!r})
        except ImportError as error:
            print(error)
        """
    )
    assert says in done.stdout, done.stderr


@pytest.mark.extra("raven")
@pytest.mark.extra("sentry_sdk")
def test_the_sdk_comes_first() -> None:
    """With both clients installed and none named, it is sentry-sdk."""
    made = default_logging_dict("a")
    update_sentry_logging(made, DSN)
    assert made["handlers"]["sentry"]["client"] == "sentry_sdk"


@any_client
def test_the_order_of_queue_and_sentry_does_not_matter() -> None:
    """Either call may come first: the same dict comes out."""
    first, second = default_logging_dict("a"), queue_logging(default_logging_dict("a"))
    update_sentry_logging(first, DSN)
    update_sentry_logging(second, DSN)
    assert queue_logging(first) == second


@pytest.mark.parametrize(
    "handler",
    [
        {"()": "aiotoolkit.logger.sentry_handler", "client": "raven", "dsn": DSN},
        {"()": sentry_handler, "client": "raven", "dsn": DSN},
        {"class": "sentry_sdk.integrations.logging.EventHandler", "level": "ERROR"},
        {"class": "raven.handlers.logging.SentryHandler", "dsn": DSN},
    ],
)
def test_no_form_of_a_sentry_handler_goes_behind_the_queue(handler: dict[str, Any]) -> None:
    """Ours by name or as an object, and those of both clients, stay as they are; no client has to be installed."""
    made = queue_logging({"version": 1, "handlers": {"events": handler, "out": {"class": "logging.StreamHandler"}}})
    assert made["handlers"]["events"] == handler
    assert made["handlers"]["out"]["()"] == "aiotoolkit.logger.queued_handler"


@any_client
def test_a_handler_that_cannot_be_made_is_a_configuration_error() -> None:
    """A bad value of an option shows when the dict is applied, as logging shows every bad handler."""
    made = default_logging_dict("a")
    update_sentry_logging(made, DSN, client="sentry_sdk", max_request_body_size="huge")
    with pytest.raises(ValueError, match="Unable to configure handler 'sentry'"):
        logging.config.dictConfig(made)
