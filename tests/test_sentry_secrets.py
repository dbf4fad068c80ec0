"""Nothing secret reaches Sentry: the bytes that arrive are searched for secrets that were planted."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aiotoolkit._redaction import mask_source, mask_text
from tests.ingest import Ingest, message_of
from tests.sentry_helpers import both_clients, run


@pytest.fixture
def ingest() -> Iterator[Ingest]:
    with Ingest() as server:
        yield server


def leaks(ingest: Ingest) -> list[str]:
    """What arrived around each planted secret; they all have "s3same" in them."""
    raw = b"".join(ingest.raw).decode()
    return [raw[max(place - 200, 0) : place + 20] for place in range(len(raw)) if raw.startswith("s3same", place)]


# The program's own text would be in the source lines of its frames, so secrets are put together from two parts.
PLANTED = """
S = "s3" + "same"
"""


@both_clients
def test_no_secret_of_a_request_arrives(client: str, ingest: Ingest) -> None:
    """Secret headers, cookies and parameters, the body, and each of them in local variables of the view."""
    run(
        PLANTED
        + """
setup("aiotoolkit")
async def fails(request):
    headers = request.headers
    as_dict = dict(headers)
    raw_headers = request.raw_headers
    pairs = list(headers.items())
    cookies = request.cookies
    query = request.query
    text_of_query = request.query_string
    url = request.url
    form = await request.post()
    password = form["password"]
    nested = {"user": [{"token": password}, ("Authorization", headers["Authorization"])]}
    text = repr(nested)
    raise ValueError("reason")
async def main():
    async with serve(make_app(fails=fails)) as port:
        target = f"/fails?token={S}&next=https%3A%2F%2Fx%2F%3Fapi_key%3D{S}&page=2&login=https://ann:{S}@x/"
        await ask(
            port, target, f"Authorization: Bearer {S}", f"Cookie: sid={S}; b=c", f"X-Api-Key: {S}",
            f"Proxy-Authorization: Basic {S}", f"X-CSRF-Token: {S}", f"Referer: https://x/?token={S}",
            "Content-Type: application/x-www-form-urlencoded", "User-Agent: probe", method="POST", body=f"password={S}",
        )
asyncio.run(main())
""",
        client,
        ingest,
    )
    assert leaks(ingest) == []
    (event,) = ingest.events
    assert event["exception"]["values"][0]["value"].strip("'") == "reason"
    assert event["request"]["query_string"] == "token=***&next=***&page=2&login=***"
    assert event["request"]["headers"]["User-Agent"] == "probe"
    assert {"Authorization", "Cookie", "X-Api-Key", "Referer"}.isdisjoint(event["request"]["headers"])
    assert "vars" in event["exception"]["values"][0]["stacktrace"]["frames"][-1]


@both_clients
def test_no_secret_of_a_record_arrives(client: str, ingest: Ingest) -> None:
    """In messages, arguments, extras, tags, exceptions and causes, local variables, settings, the command line."""
    run(
        PLANTED
        + """
from aiotoolkit.settings import immutable_settings
sys.argv += ["--db-password", S, f"--api-key={S}"]
class Conn:
    def __repr__(self):
        return f"Conn(host='db', password='{S}')"
setup("app")
log = logging.getLogger("app")
log.error("cannot reach postgres://ann:%s@db:5432/shop", S)
log.error(f"redis://:{S}@cache/0 and https://{S}@sentry.example.com/1")
log.error("sent Authorization: Bearer %s", S)
log.error("reached %s of %s", f"Bearer {S}", "ann")
log.error("config %s", {"SECRET_KEY": S, "DEBUG": True})
log.error("%(name)s of %(token)s", {"name": "reset", "token": S})
log.error("extras", extra={
    "password": S, "headers": {"Cookie": S, "Set-Cookie": S, "Accept": "x"}, "rows": [{"deep": [{"jwt": S}]}],
    "conn": Conn(), "tags": {"api_token": S, "shard": "7"}, "data": {"private_key": S},
})
def connect():
    password, settings = S, immutable_settings({"SECRET_KEY": S, "DATABASE_URL": f"pg://u:{S}@h/d"})
    conn, options, argv = Conn(), {"user": "ann", "PASSWORD": S}, ["psql", "--password", S]
    try:
        raise KeyError(f"token={S}")
    except KeyError as error:
        raise ConnectionError(f"no route to amqp://guest:{S}@mq/") from error
def main():
    try:
        connect()
    except ConnectionError:
        log.exception("failed")
main()
assert flush_logging(10)
""",
        client,
        ingest,
    )
    assert leaks(ingest) == []
    events = {message_of(event): event for event in ingest.events}
    assert "cannot reach postgres://ann:***@db:5432/shop" in events
    assert "sent Authorization: ***" in events
    entry = (
        events["reached Bearer *** of ann"].get("logentry")
        or events["reached Bearer *** of ann"]["sentry.interfaces.Message"]
    )
    assert [each.strip("'") for each in entry["params"]] == ["***", "ann"]
    assert dict(events["extras"].get("tags") or {}).get("shard", "7") == "7"
    failed = events["failed"]["exception"]["values"]
    assert [each["type"] for each in failed] == ["KeyError", "ConnectionError"]
    assert "amqp://guest:***@mq/" in failed[1]["value"]
    assert "ann" in str(failed[1]["stacktrace"]["frames"][-1]["vars"])


@both_clients
def test_literals_in_source_lines_are_hidden_and_code_is_not(client: str, ingest: Ingest, tmp_path: Path) -> None:
    """The lines of code around a frame go to Sentry: a password written there does not."""
    (tmp_path / "shop.py").write_text(
        "def connect():\n"
        '    PASSWORD = "s3same"\n'
        '    url = "pg://ann:s3same@db/shop"\n'
        "    key = len(PASSWORD)\n"
        "    raise ValueError(key)\n"
    )
    run(
        f"""
        sys.path.append({str(tmp_path)!r})
        import shop
        setup("app")
        try:
            shop.connect()
        except ValueError:
            logging.getLogger("app").exception("failed")
        """,
        client,
        ingest,
    )
    assert leaks(ingest) == []
    frame = ingest.events[0]["exception"]["values"][-1]["stacktrace"]["frames"][-1]
    assert "    key = len(PASSWORD)" in frame["pre_context"]


@pytest.mark.extra("sentry_sdk")
def test_no_secret_of_breadcrumbs_hooks_and_transactions_arrives(ingest: Ingest) -> None:
    """Whatever the application turns on: breadcrumbs, before_send, user and context data, tracing, bodies, PII."""
    run(
        PLANTED
        + """
import sentry_sdk, warnings
from sentry_sdk.integrations.aiohttp import AioHttpIntegration
warnings.simplefilter("ignore")  # send_default_pii is deprecated, and still what many applications have
def before_send(event, hint):
    event["extra"]["password"] = S
    return None if event["logentry"]["message"] == "dropped" else event
setup("app", "aiotoolkit", integrations=[AioHttpIntegration()], before_send=before_send, max_request_body_size="always",
    send_default_pii=True, traces_sample_rate=1.0)
async def fails(request):
    await request.text()
    logging.getLogger("app").info("pg://u:%s@h/d", S, extra={"token": S})
    sentry_sdk.add_breadcrumb(message=f"token={S}", data={"cookie": S})
    sentry_sdk.set_context("payment", {"card": {"secret": S}})
    sentry_sdk.set_user({"id": 7, "api_key": S})
    logging.getLogger("app").error("dropped")
    raise ValueError("reason")
async def main():
    async with serve(make_app(fails=fails)) as port:
        await ask(port, f"/fails?access_token={S}", f"Cookie: a={S}", f"Authorization: Basic {S}",
            "Content-Type: application/json", method="POST", body='{"password": "%s", "name": "Ann"}' % S)
asyncio.run(main())
assert flush_logging(10)
""",
        "sentry_sdk",
        ingest,
    )
    assert leaks(ingest) == []
    (event,) = ingest.events
    assert '"name": "Ann"' in event["request"]["data"]
    assert event["user"]["id"] == 7
    assert "pg://u:***@h/d" in str(event["breadcrumbs"])
    assert b'"type":"transaction"' in b"".join(ingest.raw)


@pytest.mark.extra("raven")
def test_no_secret_of_ravens_breadcrumbs_arrives(ingest: Ingest) -> None:
    """raven adds breadcrumbs after its own processors have run."""
    run(
        PLANTED
        + """
setup("app", enable_breadcrumbs=True, install_logging_hook=True)
logging.getLogger("app").info("pg://u:%s@h/d", S, extra={"token": S})
logging.getLogger("app").error("failed")
""",
        "raven",
        ingest,
    )
    assert leaks(ingest) == []
    assert "pg://u:***@h/d" in str(ingest.events[0]["breadcrumbs"])


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Cookie: a=b; c=d\nnext", "Cookie: ***\nnext"),
        ("set-cookie:a=b", "set-cookie:***"),
        ("password: hunter2, retrying", "password: *** retrying"),
        ("Bearer abcdef.ghi", "Bearer ***"),
        ("((b'Authorization', b'x y'), (b'Host', b'z'))", "((b'Authorization', b'***'), (b'Host', b'z'))"),
        ("{'Cookie': 'a=b', 'Host': 'z'}", "{'Cookie': ***, 'Host': 'z'}"),
        ("Basic training starts", "Basic *** starts"),
        ("a basic idea: bearer of news", "a basic idea: bearer of news"),
    ],
)
def test_texts_are_masked_where_secrets_stand(text: str, masked: str) -> None:
    """Headers to the end of their line, labelled passwords to the next blank, credentials after their scheme."""
    assert mask_text(text) == masked


@pytest.mark.parametrize(
    ("line", "masked"),
    [
        ("    key = compute(token)", "    key = compute(token)"),
        ("    sorted(names, key=str.lower)", "    sorted(names, key=str.lower)"),
        ('    TOKEN: str = f"abc"', '    TOKEN: str = f"abc"'),
        ('    TOKEN = f"abc"', "    TOKEN = ***"),
        ("    'api_key': 'abc',", "    'api_key': ***,"),
        ("    url = 'pg://u:p@h/d'", "    url = 'pg://u:***@h/d'"),
    ],
)
def test_source_lines_lose_their_literals_only(line: str, masked: str) -> None:
    """Code that computes a key stays readable."""
    assert mask_source(line) == masked


@pytest.mark.parametrize(
    "piece", ["token ", "pass='", "://a:", "key-", "a-b-", "'key','", "cookie:", "token: ", "Basic "]
)
def test_masking_takes_linear_time(piece: str) -> None:
    """A hostile text of 100,000 characters is masked in a small part of a second."""
    import time

    started = time.process_time()
    mask_text(piece * (100_000 // len(piece)))
    assert time.process_time() - started < 5
