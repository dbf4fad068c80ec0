"""HAR 1.2 recordings (the "save all as HAR" of a browser) as steps of a script."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from aiotoolkit._redaction import mask_text
from aiotoolkit.porting._parity_errors import ScriptError

__all__ = ["steps_of"]

# Hop by hop (RFC 9110, section 7.6.1), made anew for each request, or what would make a browser's cache answer.
DROPPED = {
    "accept-encoding", "cache-control", "connection", "content-length", "cookie", "host", "if-modified-since",
    "if-none-match", "keep-alive", "pragma", "priority", "proxy-authorization", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade",
}  # fmt: skip


def steps_of(document: Any, *, host: str | None = None) -> list[dict[str, Any]]:
    """The requests of a recording to one host, as data that ``make_script`` takes.

    Cookies are left out: each side's own take their place. Redirects are steps of their own, as the browser made them.

    Args:
        document: the parsed HAR.
        host: a host, or host and port; by default that of the first request.

    Raises:
        ScriptError: this is no HAR, or has no request to that host.
    """
    try:
        entries = [entry["request"] for entry in document["log"]["entries"]]
        hosts = [urlsplit(request["url"]) for request in entries]
        steps: list[dict[str, Any]] = []
        for request, url in zip(entries, hosts, strict=True):
            if url.scheme not in {"http", "https"}:
                continue
            host = host or url.netloc
            if host in {url.netloc, url.hostname}:
                steps.append(_step(request, len(steps) + 1))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ScriptError(f"this is no HAR recording: {error!r}") from None
    if not steps:
        found = ", ".join(sorted({url.netloc for url in hosts})) or "no request at all"
        raise ScriptError(f"the recording has no request to {host}; it has {found}")
    return steps


def _step(request: Mapping[str, Any], number: int) -> dict[str, Any]:
    parts = urlsplit(request["url"])
    origin = f"{parts.scheme}://{parts.netloc}"
    target = request["url"].partition("#")[0].removeprefix(origin) or "/"
    target = target if target.startswith("/") else f"/{target}"
    step: dict[str, Any] = {"name": mask_text(f"{number}. {request['method']} {target}"), "method": request["method"]}
    step["path"] = _literal(target)
    step["headers"] = [[name, value] for name, value in _headers(request, origin)]
    return step | _body(request.get("postData") or {})


def _literal(text: str) -> str:
    return text.replace("${", "$${")


def _headers(request: Mapping[str, Any], origin: str) -> Iterator[tuple[str, str]]:
    for header in request.get("headers", ()):
        name, value = str(header["name"]), _literal(str(header["value"]))
        if name.startswith(":") or name.lower() in DROPPED:
            continue
        # A check of Origin or Referer must see the host that it is asked on.
        if name.lower() in {"origin", "referer"} and value.startswith(origin):
            value = "${base}" + value[len(origin) :]
        yield name, value


def _body(data: Mapping[str, Any]) -> dict[str, Any]:
    text = data.get("text")
    if text:
        if "base64" in (data.get("encoding"), data.get("_encoding")):
            return {"body": {"base64": text}}
        return {"body": _literal(text)}
    if params := data.get("params"):
        return {"form": [[str(entry["name"]), _literal(str(entry.get("value", "")))] for entry in params]}
    return {}
