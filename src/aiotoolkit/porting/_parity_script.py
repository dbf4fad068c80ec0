"""The requests of a comparison: read from a file, checked, and made ready to be sent."""

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from aiotoolkit._redaction import mask_text
from aiotoolkit.porting._parity_errors import ScriptError

__all__ = ["Capture", "Rule", "Script", "Step", "load_document", "load_script", "make_script"]

STEP_KEYS = {
    "name", "method", "path", "headers", "body", "json", "form", "files", "follow", "capture", "ignore", "normalise",
    "client", "timeout",
}  # fmt: skip
SCRIPT_KEYS = {"steps", "ignore", "normalise"}
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"}
BOUNDARY = "aiotoolkit-parity-7d1b0c"  # the same on both sides and in every run

_VARIABLE = re.compile(r"\$(\$?)\{(\w+)\}")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True, slots=True)
class Capture:
    """Where a variable comes from: a regex in the body, a JSON pointer, a header or a cookie of the answer."""

    kind: str
    argument: str


@dataclass(frozen=True, slots=True)
class Rule:
    """Text that is replaced on both sides before they are compared."""

    pattern: re.Pattern[str]
    replacement: str


@dataclass(frozen=True, slots=True)
class Step:
    """One request, whose texts may hold ``${variables}``."""

    name: str
    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | str = b""
    form: tuple[tuple[str, str], ...] | None = None  # to be urlencoded once its variables are known
    files: tuple[tuple[str, str, str, bytes], ...] = ()  # field, filename, content type, content
    follow: bool = False
    capture: Mapping[str, Capture] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()
    normalise: tuple[Rule, ...] = ()
    client: str = ""
    timeout: float | None = None

    def prepare(self, variables: Mapping[str, str]) -> tuple[str, list[tuple[str, str]], bytes]:
        """Path, headers and body for one side.

        Raises:
            KeyError: a variable has no value there.
        """
        path = expand(self.path, variables)
        headers = [(name, expand(value, variables)) for name, value in self.headers]
        default, body = self._body(variables)
        if default and not any(name.lower() == "content-type" for name, _ in headers):
            headers.append(("Content-Type", default))
        return path, headers, body

    def _body(self, variables: Mapping[str, str]) -> tuple[str, bytes]:
        form = [(name, expand(value, variables)) for name, value in self.form or ()]
        if self.files:
            return f"multipart/form-data; boundary={BOUNDARY}", _multipart(form, self.files)
        if self.form is not None:
            return "application/x-www-form-urlencoded", urlencode(form).encode()
        return "", self.body if isinstance(self.body, bytes) else expand(self.body, variables).encode()

    @property
    def shown_target(self) -> str:
        """Method and path as the script has them, since captured values stay out of reports."""
        return mask_text(f"{self.method} {self.path}")


@dataclass(frozen=True, slots=True)
class Script:
    """All requests, in their order, with what holds for each of them."""

    steps: tuple[Step, ...]


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Put variables in; ``$${name}`` stands for ``${name}`` itself."""

    def replace(match: re.Match[str]) -> str:
        return match[0][1:] if match[1] else variables[match[2]]

    return _VARIABLE.sub(replace, text)


def _multipart(form: Sequence[tuple[str, str]], files: Sequence[tuple[str, str, str, bytes]]) -> bytes:
    parts: list[bytes] = []
    for name, value in form:
        parts.append(f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{_quoted(name)}"\r\n\r\n{value}'.encode())
    for name, filename, kind, content in files:
        head = f'Content-Disposition: form-data; name="{_quoted(name)}"; filename="{_quoted(filename)}"'
        parts.append(f"--{BOUNDARY}\r\n{head}\r\nContent-Type: {kind}\r\n\r\n".encode() + content)
    return b"\r\n".join([*parts, f"--{BOUNDARY}--\r\n".encode()])


def _quoted(text: str) -> str:
    """As HTML says for names in multipart/form-data."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def load_document(path: Path) -> Any:
    """Read a file of JSON, of one JSON value on each line (``.jsonl``), or of YAML (``.yaml``, ``.yml``).

    Raises:
        ScriptError: it cannot be read. YAML needs PyYAML.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix in {".yaml", ".yml"}:
            return _load_yaml(text, path)
        if path.suffix in {".jsonl", ".ndjson"}:
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        return json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise ScriptError(f"cannot read {path}: {error}") from None


def _load_yaml(text: str, path: Path) -> Any:
    try:
        import yaml  # noqa: PLC0415 - optional
    except ImportError:
        raise ScriptError(f'{path} is YAML: pip install "aiotoolkit[openapi]", or write it as JSON') from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ScriptError(f"cannot read {path}: {error}") from None


def load_script(path: Path | str, *, host: str | None = None) -> Script:
    """Read a file of requests, or a HAR recording (``.har``).

    Args:
        path: the file. Files to upload are looked for beside it.
        host: of a recording: which host's requests (default: that of its first one).

    Raises:
        ScriptError: the file cannot be read, or a step of it is wrong.
    """
    path = Path(path)
    document = load_document(path)
    if path.suffix == ".har":
        from aiotoolkit.porting._parity_har import steps_of  # noqa: PLC0415 - only for recordings

        document = steps_of(document, host=host)
    return make_script(document, folder=path.parent)


def make_script(document: Any, *, folder: Path | None = None) -> Script:
    """Check a script that is given as data: a list of steps, or a mapping with ``steps``.

    Raises:
        ScriptError: a step is wrong; the text names it.
    """
    if isinstance(document, Mapping):
        _check_keys(document, SCRIPT_KEYS, "the script")
        general, items = document, document.get("steps")
    else:
        general, items = {}, document
    if not isinstance(items, Sequence) or isinstance(items, str) or not items:
        raise ScriptError("a script is a list of steps, or a mapping with the list 'steps'; it has no step")
    ignore = _texts(general.get("ignore", ()), "'ignore' of the script")
    rules = tuple(_rules(general.get("normalise", ()), "'normalise' of the script"))
    steps: list[Step] = []
    known = {"base"}
    for number, item in enumerate(items, 1):
        step = _make_step(item, number, ignore, rules, folder or Path())
        if any(step.name == other.name for other in steps):
            raise ScriptError(f"two steps are called {step.name!r}: give them names of their own")
        _check_variables(item, step, known)
        known.update(step.capture)
        steps.append(step)
    return Script(tuple(steps))


def _make_step(item: Any, number: int, ignore: tuple[str, ...], rules: tuple[Rule, ...], folder: Path) -> Step:
    if isinstance(item, str):  # "GET /path" for the many steps that are no more than that
        item = dict(zip(("method", "path"), item.split(" ", 1), strict=False))
    if not isinstance(item, Mapping):
        raise ScriptError(f"step {number} is neither a mapping nor a text such as 'GET /path'")
    method: Any = item.get("method", "GET")
    path: Any = item.get("path")
    name = str(item.get("name") or mask_text(f"{number}. {method} {path}"))
    where = f"step {name!r}"
    _check_keys(item, STEP_KEYS, where)
    if not isinstance(method, str) or not _TOKEN.fullmatch(method):
        raise ScriptError(f"{where}: {method!r} is no method")
    if not isinstance(path, str) or (not path.startswith("/") and path != "*" and not path.startswith("${")):
        raise ScriptError(f"{where}: 'path' must be a text that starts with '/', not {path!r}")
    if re.search(r"[\x00-\x20\x7f#]", path):
        raise ScriptError(f"{where}: {path!r} is sent as it is, so write blanks and such as %20, and no fragment")
    timeout = item.get("timeout")
    if timeout is not None and (isinstance(timeout, bool) or not isinstance(timeout, int | float) or timeout <= 0):
        raise ScriptError(f"{where}: 'timeout' is a number of seconds, not {timeout!r}")
    if not isinstance(follow := item.get("follow", False), bool):
        raise ScriptError(f"{where}: 'follow' is true or false, not {follow!r}")
    headers = tuple(_headers(item.get("headers", ()), where))
    body, headers = _plain_body(item, headers, where)
    return Step(
        name,
        method,
        path,
        headers,
        body,
        form=_pairs(item["form"], f"'form' of {where}") if "form" in item else None,
        files=tuple(_files(item.get("files", {}), where, folder)),
        follow=follow,
        capture=_captures(item.get("capture", {}), where),
        ignore=(*ignore, *_texts(item.get("ignore", ()), f"'ignore' of {where}")),
        normalise=(*rules, *_rules(item.get("normalise", ()), f"'normalise' of {where}")),
        client=str(item.get("client", "")),
        timeout=timeout,
    )


def _check_keys(item: Mapping[Any, Any], allowed: set[str], where: str) -> None:
    for key in item:
        if key not in allowed:
            raise ScriptError(f"{where}: unknown key {key!r}; known are {', '.join(sorted(allowed))}")


def _plain_body(
    item: Mapping[str, Any], headers: tuple[tuple[str, str], ...], where: str
) -> tuple[bytes | str, tuple[tuple[str, str], ...]]:
    given = [key for key in ("body", "json", "form") if key in item]
    if "files" in item and "form" not in item:
        given.append("files")
    if len(given) > 1:
        raise ScriptError(f"{where}: only one of {', '.join(given)} can be its body")
    if "json" in item:
        if not any(name.lower() == "content-type" for name, _ in headers):
            headers = (*headers, ("Content-Type", "application/json"))
        return json.dumps(item["json"], ensure_ascii=False), headers
    body = item.get("body", "")
    if isinstance(body, Mapping) and list(body) == ["base64"]:
        return _from_base64(body["base64"], where), headers
    if not isinstance(body, str):
        raise ScriptError(f"{where}: 'body' is a text, or {{\"base64\": ...}}")
    return body, headers


def _from_base64(text: Any, where: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError):
        raise ScriptError(f"{where}: what is called base64 is not") from None


def _scalar(value: Any, where: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ScriptError(f"{where}: {value!r} must be written as text")
    return str(value)


def _pairs(value: Any, where: str) -> tuple[tuple[str, str], ...]:
    """A mapping of a name to its value or values, or a list of [name, value]: order and repetition count."""
    if isinstance(value, Mapping):
        items: list[tuple[Any, Any]] = []
        for name, content in value.items():
            items += [(name, entry) for entry in content] if isinstance(content, list) else [(name, content)]
    else:
        try:
            items = [(name, content) for name, content in value]
        except (TypeError, ValueError):
            raise ScriptError(f"{where} is a mapping, or a list of [name, value]") from None
    return tuple((_scalar(name, where), _scalar(content, where)) for name, content in items)


def _headers(value: Any, where: str) -> Iterator[tuple[str, str]]:
    for name, content in _pairs(value, f"'headers' of {where}"):
        if not _TOKEN.fullmatch(name) or re.search(r"[\r\n\x00]", content):
            raise ScriptError(f"{where}: the header {name!r} has a name or a value that HTTP cannot carry")
        yield name, content


def _files(value: Any, where: str, folder: Path) -> Iterator[tuple[str, str, str, bytes]]:
    if not isinstance(value, Mapping):
        raise ScriptError(f"{where}: 'files' maps a field to a file")
    for name, entries in value.items():
        for entry in entries if isinstance(entries, list) else [entries]:
            if not isinstance(entry, Mapping):
                raise ScriptError(f"{where}: the file {name!r} is a mapping with text, base64 or path")
            _check_keys(entry, {"filename", "content_type", "text", "base64", "path"}, where)
            filename = entry.get("filename", Path(str(entry.get("path", name))).name)
            kind = str(entry.get("content_type", "application/octet-stream"))
            yield str(name), str(filename), kind, _file_content(entry, where, folder)


def _file_content(entry: Mapping[str, Any], where: str, folder: Path) -> bytes:
    if "base64" in entry:
        return _from_base64(entry["base64"], where)
    if "path" in entry:
        try:
            return (folder / str(entry["path"])).read_bytes()
        except OSError as error:
            raise ScriptError(f"{where}: cannot read the file to upload: {error}") from None
    return str(entry.get("text", "")).encode()


def _texts(value: Any, where: str) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, Sequence) or not all(isinstance(entry, str) for entry in value):
        raise ScriptError(f"{where} is a list of texts such as 'header:ETag'")
    return tuple(value)


def _rules(value: Any, where: str) -> Iterator[Rule]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise ScriptError(f"{where} is a list of mappings with 'pattern' and 'replacement'")
    for entry in value:
        if not isinstance(entry, Mapping) or not isinstance(entry.get("pattern"), str):
            raise ScriptError(f"{where}: an entry has a 'pattern' and may have a 'replacement'")
        _check_keys(entry, {"pattern", "replacement"}, where)
        yield Rule(_pattern(entry["pattern"], where), str(entry.get("replacement", "")))


def _pattern(text: str, where: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise ScriptError(f"{where}: {text!r} is no regular expression: {error}") from None


def _captures(value: Any, where: str) -> dict[str, Capture]:
    if not isinstance(value, Mapping):
        raise ScriptError(f"{where}: 'capture' maps the name of a variable to where it comes from")
    captures: dict[str, Capture] = {}
    for name, source in value.items():
        if isinstance(source, str):  # a regex is what one needs most
            source = {"regex": source}  # noqa: PLW2901 - the long form of the same
        kinds = [
            key for key in ("regex", "pointer", "header", "cookie") if isinstance(source, Mapping) and key in source
        ]
        if not re.fullmatch(r"\w+", str(name)) or name == "base" or len(kinds) != 1 or len(source) != 1:
            raise ScriptError(f"{where}: the variable {name!r} comes from one of regex, pointer, header or cookie")
        argument = str(source[kinds[0]])
        if kinds[0] == "regex" and _pattern(argument, where).groups < 1:
            raise ScriptError(f'{where}: the regular expression of {name!r} needs a group, as in \'value="([^"]+)"\'')
        captures[str(name)] = Capture(kinds[0], argument)
    return captures


def _check_variables(item: Any, step: Step, known: set[str]) -> None:
    texts = [step.path, *(value for _, value in step.headers), *(value for _, value in step.form or ())]
    texts += [step.body] if isinstance(step.body, str) else []
    for text in texts:
        for match in _VARIABLE.finditer(text):
            if not match[1] and match[2] not in known:
                raise ScriptError(
                    f"step {step.name!r}: no step before it captures {match[2]!r}; write $${{...}} for the text itself"
                )
