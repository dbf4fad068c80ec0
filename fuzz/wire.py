"""Whole hostile requests as bytes: ``request_bytes(seed, number)`` gives the same ones on every run."""

import gzip
import random
import zlib
from collections.abc import Callable
from typing import Final, NamedTuple
from urllib.parse import quote, urlencode

from fuzz.targets import BODIES, sample_fields, sample_parameters
from fuzz.values import hostile_text, large_text, mutated_bytes

__all__ = ["Attack", "attack"]

Fields = list[tuple[str, str | bytes]]


class Attack(NamedTuple):
    """One request.

    Attributes:
        data: what is sent.
        framed: whether its length is told truly: then an answer must come.
        compressed: whether its body may unfold to more than was sent.
    """

    data: bytes
    framed: bool
    compressed: bool

    @property
    def size(self) -> int:
        """The bytes that the server has to look at, at most."""
        return max(len(self.data), 1 << 20) if self.compressed else len(self.data)

    @property
    def path(self) -> str:
        """Where it goes, if it says so."""
        return self.data.split(b" ", 2)[1][:80].decode("latin-1") if self.data.count(b" ") > 1 else ""


class _Draft:
    """A request that is being written."""

    def __init__(self, method: str, path: str, body: bytes, content_type: str | None, headers: Fields) -> None:
        self.method = method
        self.path = path
        self.body = body
        self.headers: Fields = [("Host", "fuzz"), *headers]
        if content_type is not None:
            self.headers.append(("Content-Type", content_type))
        self.length: str | None = "honest"
        self.framed = True
        self.compressed = False

    def bytes(self) -> bytes:
        headers = list(self.headers)
        if self.length == "honest":
            if self.body or self.method != "GET":
                headers.append(("Content-Length", str(len(self.body))))
        elif self.length is not None:
            headers.append(("Content-Length", self.length))
        lines = [f"{self.method} {self.path} HTTP/1.1".encode("utf-8", "surrogateescape")]
        lines += [name.encode() + b": " + (_encoded(value)) for name, value in headers]
        return b"\r\n".join(lines) + b"\r\n\r\n" + self.body


def _encoded(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


def attack(seed: int, number: int) -> Attack:
    """The request of a number, for a seed."""
    chance = random.Random(f"{seed}/{number}")
    draft = chance.choices(_KINDS, _WEIGHTS)[0](chance)
    if chance.random() < 0.3:
        chance.choice(_TWISTS)(draft, chance)
    data = draft.bytes()
    if chance.random() < 0.02:
        data, draft.framed = mutated_bytes(data, chance), False
    return Attack(data, draft.framed, draft.compressed)


def _engine(chance: random.Random) -> str:
    return chance.choice(("rs", "rs", "py"))


def _json(chance: random.Random) -> _Draft:
    """A structure that is wrong."""
    name = chance.choice(sorted(BODIES))
    text = hostile_text(BODIES[name].sample(chance), chance)
    engine = "rs" if BODIES[name].slow_in_python else _engine(chance)
    path = "optional" if chance.random() < 0.1 else name
    return _Draft("POST", f"/{engine}/{path}", text.encode("utf-8", "surrogatepass"), _json_type(chance), [])


def _json_type(chance: random.Random) -> str:
    if chance.random() < 0.95:
        return "application/json"
    return chance.choice(("application/json; charset=utf-8", "application/vnd.x+json", "APPLICATION/JSON"))


def _json_bytes(chance: random.Random) -> _Draft:
    """Bytes that were JSON, or never were."""
    draft = _json(chance)
    draft.body = mutated_bytes(draft.body, chance) if chance.random() < 0.8 else chance.randbytes(chance.randrange(200))
    return draft


def _large(chance: random.Random) -> _Draft:
    draft = _json(chance)
    draft.body = large_text(chance).encode()
    return draft


def _urlencoded(chance: random.Random) -> _Draft:
    fields = [(name, _hostile_word(value, chance)) for name, value in sample_fields(chance)]
    body = urlencode(fields * chance.choice((1, 1, 1, 10, 400)), errors="surrogatepass").encode()
    body = mutated_bytes(body, chance) if chance.random() < 0.4 else body
    return _Draft("POST", f"/{_engine(chance)}/form", body, "application/x-www-form-urlencoded", [])


def _hostile_word(value: str, chance: random.Random) -> str:
    return chance.choice(_WORDS) if chance.random() < 0.4 else value


_WORDS: Final = (
    "", " ", "0", "-0", "1_0", "٣", "1e3", "1e400", "nan", "9" * 30, "9" * 5000, "True", "yes", "\x00", "\r\nX: y",
    "%", "%zz",
    "\ud800", "é", "a" * 300, "[]", "{}", "null", "--b", "../../x", "2026-11-21T10:00:00Z", "+1", " 1", "1 ", "0x1",
    "1.0",
)  # fmt: skip


def _multipart(chance: random.Random) -> _Draft:
    boundary = chance.choice(("b", "b", "b", "-" * 70, "x y", "é"))
    parts = []
    for name, value in sample_fields(chance):
        word = _hostile_word(value, chance).encode("utf-8", "surrogatepass")
        parts.append(_part(f'form-data; name="{name}"', chance.choice(_PART_HEADERS), word))
    for _ in range(chance.choice((0, 1, 1, 3, 60))):
        disposition = f'form-data; name="{chance.choice(("file", "files", "title", ""))}"; {chance.choice(_FILENAMES)}'
        size = chance.choice((0, 1, 100, 5000))
        parts.append(_part(disposition, chance.choice(_PART_HEADERS), chance.randbytes(size)))
    chance.shuffle(parts)
    edge = b"--" + boundary.encode()
    body = (
        b"".join(edge + b"\r\n" + part + b"\r\n" for part in parts)
        + edge
        + chance.choice((b"--\r\n", b"--", b"", b"\r\n"))
    )
    if chance.random() < 0.4:
        body = mutated_bytes(body, chance)
    quoted = chance.choice((boundary, f'"{boundary}"', "other", ""))
    content_type = f"multipart/form-data; boundary={quoted if chance.random() < 0.1 else boundary}"
    return _Draft("POST", f"/{_engine(chance)}/form", body, content_type, [])


_FILENAMES: Final = (
    'filename="a.txt"', 'filename="../../etc/passwd"', 'filename=""', "filename*=UTF-8''%e9%zz", "filename*=utf-7''a",
    "filename",
    'filename="a\x00b"', "filename*0*=utf-8''a; filename*1=b", 'filename="' + "x" * 300 + '"',
)  # fmt: skip
_PART_HEADERS: Final = (
    b"", b"", b"", b"Content-Type: text/plain; charset=utf-7\r\n", b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Transfer-Encoding: quoted-printable\r\n", b"Content-Encoding: gzip\r\n", b"Content-Length: 5\r\n",
    b"Content-Type: multipart/mixed; boundary=c\r\n", b"Content-Type: x\r\n", b"Content-Encoding: x\r\n",
    b"\xff: \xff\r\n",
    b"Content-Transfer-Encoding: x\r\n", b"Content-Length: -1\r\n", b"X: y\r\n" * 200,
)  # fmt: skip


def _part(disposition: str, headers: bytes, content: bytes) -> bytes:
    return b"Content-Disposition: " + disposition.encode() + b"\r\n" + headers + b"\r\n" + content


def _parameters(chance: random.Random) -> _Draft:
    path, query, headers = sample_parameters(chance)
    if chance.random() < 0.3:
        path = "/".join(quote(chance.choice(_WORDS), safe="", errors="surrogatepass") for _ in range(2))
    changed = [(name, _hostile_word(value, chance)) for name, value in query] * chance.choice((1, 1, 1, 2, 50))
    text = urlencode(changed, errors="surrogatepass")
    if chance.random() < 0.2:
        text += "&" + quote(mutated_bytes(text.encode(), chance), safe="&=%+;~[]")
    sent: Fields = [(name, _hostile_header(value, chance)) for name, value in headers]
    target = f"/{_engine(chance)}/parameters/{path}?{text}"
    if chance.random() < 0.7:
        return _Draft("GET", target, b"", None, sent)
    body = hostile_text(BODIES["flat"].sample(chance), chance).encode("utf-8", "surrogatepass")
    return _Draft("POST", target, body, "application/json", sent)


def _hostile_header(value: str, chance: random.Random) -> str | bytes:
    if chance.random() < 0.5:
        return value
    return chance.choice(_HEADER_VALUES)


_HEADER_VALUES: Final[tuple[bytes, ...]] = (
    b"", b"1_0", b"9" * 40, b"\xff\xfe", b"\xc3\xa9", b"a" * 2000, b"session=; n=1", b"n=1; n=2; n=x",
    b"session=\"a\\\"b\"; n=\\061",
    b";;;=;=", b"n=1" + b"; x=y" * 300, b"session=\xff\xff\xff\xff\xff\xff\xff\xff", b"$Version=1; n=1", b"\tx",
    b"n=1,2", b"-0",
)  # fmt: skip


def _elsewhere(chance: random.Random) -> _Draft:
    """What the router, not a Schema, has to answer."""
    method = chance.choice(("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "QUERY", "POST", "PROPFIND"))
    path = chance.choice(
        ("/", "/rs/flat", "/rs/flat/", "//", "/%2e%2e/x", "/rs/%00", "/rs/%ff", "*", "/é", "http://h/rs/flat")
    )
    return _Draft(method, path, b"{}" if chance.random() < 0.5 else b"", "application/json", [])


def _unfolding(chance: random.Random) -> _Draft:
    """A form of a few kilobytes that unfolds to megabytes, where its reader may not expect them."""
    start = b'--b\r\nContent-Disposition: form-data; name="title"'
    filling = chance.choice((b"\n", b"\r\n", b" ", b"\0", b"--b", b"--b\r\n", b"X: y\r\n")) * 1_500_000
    pieces = (filling, start + filling, start + b"\r\n\r\n" + filling, start + b"\r\n\r\na\r\n--b--\r\n" + filling)
    draft = _Draft(
        "POST", f"/{_engine(chance)}/form", _gzip(chance.choice(pieces)), "multipart/form-data; boundary=b", []
    )
    draft.headers.append(("Content-Encoding", "gzip"))
    draft.compressed = True
    return draft


_KINDS: Final[tuple[Callable[[random.Random], _Draft], ...]] = (
    _json, _json_bytes, _large, _urlencoded, _multipart, _parameters, _elsewhere, _unfolding,
)  # fmt: skip
_WEIGHTS: Final = (46, 14, 0.4, 8, 13, 15, 3, 0.02)


def _content_type(draft: _Draft, chance: random.Random) -> None:
    draft.headers = [header for header in draft.headers if header[0] != "Content-Type"]
    if chance.random() < 0.9:
        draft.headers.append(("Content-Type", chance.choice(_CONTENT_TYPES)))


_CONTENT_TYPES: Final[tuple[str | bytes, ...]] = (
    "", "text/plain", "json", "application/json; charset=utf-16", "application/json; charset=x",
    "application/json; charset=",
    "application/json;charset*=utf-8''utf-8", 'application/json; charset="utf-8', "application/json, text/html",
    "*/*", "a/b/c",
    "application/problem+json", "multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=b",
    "multipart/form-data; boundary=" + "x" * 100, "application/x-www-form-urlencoded; charset=utf-7",
    "application/x-www-form-urlencoded; charset=idna", "application/json; " + "a=b; " * 200, b"\xff/\xff",
    b"application/json\x0b",
    "application/json; a*", "application/json; a*=b", 'application/json; "', "application/json; charset=UTF8",
)  # fmt: skip


def _encoding(draft: _Draft, chance: random.Random) -> None:
    name, pack = chance.choice(_ENCODINGS)
    draft.body = pack(draft.body)
    draft.headers.append(("Content-Encoding", name))
    draft.compressed = True
    if chance.random() < 0.4:
        draft.body = mutated_bytes(draft.body, chance)
    # aiohttp 3.14 never ends such a body, if it is large, and waits for the rest as if the length had been a lie.
    draft.framed = not (name == "deflate" and _breaks_off(draft.body))


def _breaks_off(deflated: bytes) -> bool:
    """Whether the end of a deflated body is missing, while all before it is good."""
    has_header = deflated[:1] and deflated[0] & 0xF == 8
    decoder = zlib.decompressobj(zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS)
    try:
        decoder.decompress(deflated)
    except zlib.error:
        return False
    return not decoder.eof


def _gzip(body: bytes) -> bytes:
    """The same bytes at any time of the day."""
    return gzip.compress(body, mtime=0)


_ENCODINGS: Final[tuple[tuple[str, Callable[[bytes], bytes]], ...]] = (
    ("gzip", _gzip),
    ("gzip", lambda body: _gzip(body) * 2),
    ("gzip", lambda body: _gzip(body)[:-4]),
    ("gzip", lambda body: _gzip(b" " * 3_000_000 + body)),
    ("deflate", zlib.compress),
    ("deflate", lambda body: zlib.compress(b"[" * 900_000)),
    ("GZIP", _gzip),
    ("identity", bytes),
    ("gzip, gzip", lambda body: _gzip(_gzip(body))),
    ("br", bytes),
    ("zstd", bytes),
    ("x", bytes),
    ("gzip", bytes),
    ("gzip", lambda body: b""),
)


def _text_encoding(draft: _Draft, chance: random.Random) -> None:
    text = draft.body.decode("utf-8", "replace")
    draft.body = chance.choice(
        (
            text.encode("utf-16"),
            text.encode("utf-32-le"),
            b"\xef\xbb\xbf" + draft.body,
            text.encode("latin-1", "replace"),
        )
    )


def _length_lie(draft: _Draft, chance: random.Random) -> None:
    draft.length = chance.choice(
        (None, str(len(draft.body) + 10), "0", "-1", "+5", "1_0", "9" * 30, "a", "", "5, 5", " 3")
    )
    draft.framed = False


def _chunked(draft: _Draft, chance: random.Random) -> None:
    middle = chance.randrange(len(draft.body) + 1)
    pieces = [piece for piece in (draft.body[:middle], draft.body[middle:]) if piece]
    draft.body = b"".join(b"%x\r\n" % len(piece) + piece + b"\r\n" for piece in pieces) + b"0\r\n\r\n"
    draft.headers.append(("Transfer-Encoding", "chunked"))
    draft.length = None
    if chance.random() < 0.4:
        draft.body, draft.framed = mutated_bytes(draft.body, chance), False
    elif chance.random() < 0.3:
        draft.headers[-1] = (
            "Transfer-Encoding",
            chance.choice(("gzip, chunked", "chunked, chunked", "x", "CHUNKED", "")),
        )
        draft.length, draft.framed = chance.choice((None, "honest")), False


def _header(draft: _Draft, chance: random.Random) -> None:
    draft.headers.append(chance.choice(_EXTRA_HEADERS))


_EXTRA_HEADERS: Final[tuple[tuple[str, str | bytes], ...]] = (
    ("Accept", "text/html"), ("Accept", "text/html;q=0.9, */*;q=0.1"), ("Accept", ";q=;;,,"), ("Accept", "a/b;q=1e400"),
    ("Accept", "*/*;q=nan"), ("Accept", b"\xff"), ("Accept", "text/html," * 300), ("X-Request-ID", "a" * 500),
    ("X-Request-ID", b"\xff\x00"), ("X-Request-ID", "a b"), ("X-Request-ID", ""), ("Connection", "close"),
    ("Cookie", b"\xff=\xff; a=\"\\999\""), ("Range", "bytes=0-1"), ("If-None-Match", "*"), ("X-Forwarded-For",
    "x" * 500),
    ("Accept-Encoding", "gzip;q=0, *"), ("Accept-Language", "x" * 1000), ("If-Modified-Since", "x"), ("Origin", "null"),
)  # fmt: skip


def _expect(draft: _Draft, chance: random.Random) -> None:
    draft.headers.append(("Expect", chance.choice(("100-continue", "x"))))


_TWISTS: Final[tuple[Callable[[_Draft, random.Random], None], ...]] = (
    _content_type, _content_type, _content_type, _encoding, _encoding, _text_encoding, _length_lie, _chunked,
    _header, _header, _expect,
)  # fmt: skip
