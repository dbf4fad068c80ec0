"""The curl command that sends an operation's request."""

import json
import re
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Any, Final

from aiotoolkit._openapi_page_document import Document, Operation, listed, mapped, server_url, texted
from aiotoolkit._openapi_page_samples import Samples

__all__ = ["Curl", "best_media"]

_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_JSON: Final = re.compile(r"application/(?:[\w.+-]+\+)?json\b", re.IGNORECASE)
_NOT_SENT: Final = ("accept", "authorization", "content-type")  # OpenAPI 3.1, section 4.8.12.1: others say them
_IN_URLS: Final = "/:?#@!$&'()*+,;=%~[]"
_DELIMITERS: Final = {"spaceDelimited": "%20", "pipeDelimited": "%7C"}


class Curl:
    """Writes the commands of a document.

    Args:
        document: the document.
        samples: the values of what must be sent.
        base: the URL of the document, for servers that are relative to it.
    """

    def __init__(self, document: Document, samples: Samples, base: str) -> None:
        self._document = document
        self._samples = samples
        self._base = base

    def command(self, operation: Operation) -> str:
        """The command of one operation, with everything that must be sent and an example where there is one."""
        sent = _Sent(self.server(self._document.server(operation)) + operation.path)
        for parameter in self._document.parameters(operation):
            self._add_parameter(sent, parameter)
        self._add_security(sent, operation)
        self._add_body(sent, self._document.resolve(operation.node.get("requestBody")))
        return sent.command(operation.method)

    def server(self, server: Mapping[str, Any]) -> str:
        """The absolute URL of a server, to which paths are appended."""
        try:
            return urllib.parse.urljoin(self._base, server_url(server) or "/").rstrip("/")
        except ValueError:  # brackets that hold no address
            return server_url(server)

    def _add_parameter(self, sent: "_Sent", parameter: Mapping[str, Any]) -> None:
        place, name = texted(parameter.get("in")), texted(parameter.get("name"))
        if not (
            place == "path" or parameter.get("required") is True or "example" in parameter or "examples" in parameter
        ):
            return
        for media_type, media in mapped(parameter.get("content")).items():
            value = self._samples.of_media(mapped(media), is_request=True)
            value = json.dumps(value, ensure_ascii=False) if _JSON.match(media_type) else _scalar(value)
            break
        else:
            value = self._samples.of_media(parameter, is_request=True)
        if place == "path":
            sent.fill(name, _path_text(parameter, value))
        elif place == "query":
            sent.query += _query_pairs(parameter, value)
        elif place == "header" and name.lower() not in _NOT_SENT:
            sent.options.append(f"-H {_quoted(f'{name}: {_one_line(_simple(parameter, value, str))}')}")
        elif place == "cookie":
            sent.cookies += [f"{key}={text}" for key, text in _form_pairs(parameter, value)]

    def _add_security(self, sent: "_Sent", operation: Operation) -> None:
        alternatives = self._document.security(operation)
        if not alternatives or {} in alternatives:
            return
        for name in alternatives[0]:
            scheme = self._document.scheme(name)
            kind, place, key = (texted(scheme.get(member)) for member in ("type", "in", "name"))
            if kind == "http" and texted(scheme.get("scheme")).lower() == "basic":
                sent.options.append("-u 'USER:PASSWORD'")
            elif kind == "apiKey" and place == "header":
                sent.options.append(f"-H {_quoted(f'{key}: API_KEY')}")
            elif kind == "apiKey" and place == "query":
                sent.query.append(f"{_encoded(key)}=API_KEY")
            elif kind == "apiKey" and place == "cookie":
                sent.cookies.append(f"{key}=API_KEY")
            elif kind in ("http", "oauth2", "openIdConnect"):
                word = texted(scheme.get("scheme")) if kind == "http" else "bearer"
                sent.options.append(f"-H {_quoted(f'Authorization: {word.capitalize()} TOKEN')}")

    def _add_body(self, sent: "_Sent", body: Mapping[str, Any]) -> None:
        media_type, media = best_media(body.get("content"))
        if not media_type:
            return
        value = self._samples.of_media(media, is_request=True)
        if media_type.startswith("multipart/form-data"):
            sent.options += [self._part(media, name, item) for name, item in mapped(value).items()]
        elif media_type.startswith("application/x-www-form-urlencoded"):
            pairs = [f"{_encoded(key)}={_encoded(_scalar(item))}" for key, item in mapped(value).items()]
            sent.options.append(f"-d {_quoted('&'.join(pairs))}")
        else:
            sent.options.append(f"-H {_quoted(f'Content-Type: {media_type}')}")
            if _JSON.match(media_type):
                sent.options.append(f"--data-raw {_quoted(json.dumps(value, indent=2, ensure_ascii=False))}")
            elif isinstance(value, str) and not self._is_file(media.get("schema")) and "*" not in media_type:
                sent.options.append(f"--data-raw {_quoted(value)}")
            else:
                sent.options.append("--data-binary @FILE")

    def _part(self, media: Mapping[str, Any], name: str, value: object) -> str:
        schema = mapped(mapped(self._document.resolve(media.get("schema")).get("properties")).get(name))
        items = self._document.resolve(schema).get("items")
        if self._is_file(schema) or self._is_file(items):
            return f"-F {_quoted(f'{name}=@FILE')}"
        # As --form, but "@" and "<" at the start of a value are just that.
        return f"--form-string {_quoted(f'{name}={_scalar(value)}')}"

    def _is_file(self, schema: Any) -> bool:
        node = self._document.resolve(schema)
        return node.get("format") == "binary" or "contentMediaType" in node


class _Sent:
    """What a request is made of."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.query: list[str] = []
        self.options: list[str] = []
        self.cookies: list[str] = []
        self._is_filled: list[tuple[str, str]] = []

    def fill(self, name: str, text: str) -> None:
        self._is_filled.append((f"{{{name}}}", text))

    def command(self, method: str) -> str:
        url = self.url
        for template, text in self._is_filled:
            url = url.replace(template, text)
        query = "&".join(self.query)
        # What is still not a character of a URL, such as a part that no parameter describes, and curl's own globs.
        address = urllib.parse.quote(f"{url}?{query}" if query else url, safe=_IN_URLS, errors="replace")
        start = {"get": "curl", "head": "curl --head"}.get(method, f"curl -X {method.upper()}")
        cookies = [f"-b {_quoted('; '.join(map(_one_line, self.cookies)))}"] if self.cookies else []
        return " \\\n  ".join([f"{start} {_quoted(address)}", *cookies, *self.options])


def best_media(content: object) -> tuple[str, Mapping[str, Any]]:
    """The media type to show first: JSON where there is one. An empty name where there is none."""
    found = mapped(content)
    name = next((key for key in found if _JSON.match(key)), next(iter(found), ""))
    return name, mapped(found.get(name))


def _quoted(text: str) -> str:
    """One word for any shell of POSIX: nothing in it is expanded."""
    return "'" + _CONTROL.sub("\ufffd", text).replace("'", "'\\''") + "'"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _encoded(text: str) -> str:
    return urllib.parse.quote(text, safe="", errors="replace")


def _scalar(value: object) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _simple(parameter: Mapping[str, Any], value: object, write: Any) -> str:
    """RFC 6570's simple expansion, which is the style of path parts and headers."""
    if isinstance(value, list):
        return ",".join(write(_scalar(item)) for item in value)
    if isinstance(value, Mapping):
        between = "=" if parameter.get("explode") is True else ","
        return ",".join(f"{write(key)}{between}{write(_scalar(item))}" for key, item in value.items())
    return str(write(_scalar(value)))


def _path_text(parameter: Mapping[str, Any], value: object) -> str:
    style = parameter.get("style")
    name = _encoded(texted(parameter.get("name")))
    if style == "label":
        return "." + _simple(parameter, value, _encoded)
    if style == "matrix":
        return f";{name}={_simple(parameter, value, _encoded)}"
    return _simple(parameter, value, _encoded)


def _query_pairs(parameter: Mapping[str, Any], value: object) -> list[str]:
    name, style = texted(parameter.get("name")), parameter.get("style", "form")
    if style == "deepObject" and isinstance(value, Mapping):
        return [f"{_encoded(f'{name}[{key}]')}={_encoded(_scalar(item))}" for key, item in value.items()]
    if isinstance(style, str) and style in _DELIMITERS and parameter.get("explode") is not True:
        return [f"{_encoded(name)}={_DELIMITERS[style].join(_encoded(_scalar(item)) for item in listed(value))}"]
    return [f"{_encoded(key)}={text}" for key, text in _form_pairs(parameter, value)]


def _form_pairs(parameter: Mapping[str, Any], value: object) -> Iterator[tuple[str, str]]:
    """RFC 6570's form expansion: the names as they are, the values encoded."""
    name, explode = texted(parameter.get("name")), parameter.get("explode", True) is True
    if explode and isinstance(value, list):
        yield from ((name, _encoded(_scalar(item))) for item in value)
    elif explode and isinstance(value, Mapping):
        yield from ((key, _encoded(_scalar(item))) for key, item in value.items())
    else:
        yield name, _simple({}, value, _encoded)
