"""How the text of one parameter is read: its types, and the style of its array."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, NoReturn

from aiotoolkit._documents import Document, InvalidSchemaError, Subschema, always
from aiotoolkit._fits import Fits, fits
from aiotoolkit._kinds import Kinds, alternatives, items_of, kinds_of, parts_of
from aiotoolkit._styles import GATHERED, STYLES, UNWRAPPED, decode_json_text, members_in, unwrap
from aiotoolkit._text import exceeds_int64, parse_any_integer, parse_boolean, parse_integer, parse_number

__all__ = ["TEXT", "Parameter", "parameter_of", "scalar_parser", "style_of"]


class Parameter(NamedTuple):
    """How the text of one parameter is read.

    Attributes:
        parsers: what makes a value of a text, the first one that can.
        fits: tells whether a value is what the schema wants, where it may be text as well; None where it may not.
        is_array: whether it is an array of what its texts mean.
        delimiter: what stands between the items in one text; None where the name is repeated instead.
        is_list: whether its texts are lists by the rules of HTTP headers, which may go on in another line.
        is_file: whether it is a file of a form, or an array of files.
        max_size: of each file, in bytes.
        unwrap: takes a style's marks from a text; it raises ValueError where they are not there.
        is_json: whether its text is JSON.
        members: of an object, how each of its members is read; None where it is none.
        others: of an object, how the members are read that are not among these.
        pairs: of an object in one text, gives the names and texts of its members; it raises ValueError for others.
        gathered: of an object whose members have names of their own, the style: ``deepObject`` or ``form``.
        media_types: those of a file's content; any, where there are none.
    """

    parsers: tuple[Callable[[str], Any], ...] = ()
    fits: Fits | None = None
    is_array: bool = False
    delimiter: str | None = None
    is_list: bool = False
    is_file: bool = False
    max_size: int | None = None
    unwrap: Callable[[str], str] | None = None
    is_json: bool = False
    members: "Mapping[str, Parameter] | None" = None
    others: "Parameter | None" = None
    pairs: Callable[[str], list[tuple[str, str]]] | None = None
    gathered: str | None = None
    media_types: tuple[str, ...] = ()

    @property
    def may_repeat(self) -> bool:
        return self.is_array and not self.is_json and self.unwrap is None and (self.delimiter is None or self.is_list)

    @property
    def is_plain(self) -> bool:
        """Tell whether its texts are values as they are."""
        return not (self.is_json or self.unwrap is not None or self.members is not None)

    def read(self, found: Sequence[Any]) -> Any:
        """The data of all values with one name; of several, the first, where one is wanted.

        Raises:
            ValueError: the text is not of the parameter's style; the error's text is for the client.
        """
        if self.is_file or not all(isinstance(item, str) for item in found):
            return [_FILE] * len(found) if self.is_array else _FILE
        if self.gathered is not None:
            return found[0]  # which is no object
        if not self.is_plain:
            return self._read_styled(found[0])
        if self.is_array:
            return [self.convert(text) for text in self._split(found)]
        return self.convert(found[0])

    def _read_styled(self, text: str) -> Any:
        if self.is_json:
            return decode_json_text(text)
        if self.unwrap is not None:
            text = self.unwrap(text)
        if self.pairs is not None:
            return self.read_members(self.pairs(text))
        return [self.convert(item) for item in self._split([text])] if self.is_array else self.convert(text)

    def read_members(self, pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
        """The object that its members make.

        Raises:
            ValueError: one is given twice, or is a file.
        """
        data: dict[str, Any] = {}
        members, others = self.members or {}, self.others or TEXT
        for name, text in pairs:
            if name in data:
                raise ValueError("must have each member once")
            if not isinstance(text, str):
                raise ValueError("must not be a file")  # noqa: TRY004 - the error is about the request
            data[name] = members.get(name, others).convert(text)
        return data

    def convert(self, text: str) -> Any:
        for parse in self.parsers:
            try:
                value = parse(text)
            except ValueError:
                continue
            if self.fits is None or self.fits(value):
                return value
        return text

    def _split(self, found: Sequence[str]) -> Sequence[str]:
        if self.delimiter is None:
            return found
        if self.is_list:
            # RFC 9110, sections 5.3 and 5.6.1: lines of one name are one list, and its empty elements are none.
            return [item for text in found for part in text.split(self.delimiter) if (item := part.strip(" \t"))]
        return found[0].split(self.delimiter) if found[0] else []


def scalar_parser(parameter: Parameter) -> Callable[[str], Any]:
    """What makes the value of a parameter's one text; it raises ValueError where this takes more."""
    if parameter.is_array or parameter.is_file or parameter.fits is not None or len(parameter.parsers) > 1:
        return _refuse
    if not parameter.is_plain:
        return _refuse
    return parameter.parsers[0] if parameter.parsers else str


def _refuse(text: str) -> NoReturn:
    raise ValueError("is more than a scalar of one type")


TEXT: Final = Parameter()
"""What has no schema."""

_FILE: Final = ""


def parameter_of(
    document: Document, subschemas: Sequence[Subschema], place: str, *, any_of: bool = False, name: str = ""
) -> Parameter:
    """How a parameter is read.

    Args:
        document: what the schemas stand in.
        subschemas: what describes the parameter, one at least.
        place: ``query``, ``path``, ``headers``, ``cookies`` or ``form``.
        any_of: whether one of the schemas describes it, and not all of them do.
        name: what it is called, which the style ``matrix`` writes before the value.

    Raises:
        InvalidSchemaError: no text could ever be what the schema wants, or its style is none of this place.
    """
    pointer = document.pointer(subschemas[0].contents)
    merge = alternatives if any_of else _all
    kinds = merge(map(kinds_of, subschemas))
    said = _said(subschemas)
    if said.get("style") == "json":
        return Parameter(is_json=True, is_array="array" in kinds.names)
    if "style" in said and "object" in kinds.names and not kinds.is_open:
        if kinds.names - {"object", "null"}:
            raise InvalidSchemaError(
                "The parameter is an object, or something else: text cannot tell them apart", pointer
            )
        return _object_of(document, subschemas, place, name, said)
    parts = [part for subschema in subschemas for part in parts_of(subschema)]
    is_array = "array" in kinds.names
    fitting = _combined(map(fits, subschemas), any if any_of else all)
    if is_array:
        kinds = merge(map(items_of, subschemas))
        items = [part.inside(part.keywords["items"]) for part in parts if isinstance(part.keywords.get("items"), dict)]
        parts += [part for item in items for part in parts_of(item)]
        fitting = _combined(map(fits, items), any)
    _check_possible(kinds, pointer, is_array=is_array)
    is_file = any(part.keywords.get("format") == "binary" for part in parts)
    style, explode = _style(said, place, pointer, is_array=is_array, is_file=is_file)
    delimiter = STYLES[place][style, explode]
    parsers = tuple(_parsers(kinds, parts))
    return Parameter(
        parsers=parsers,
        fits=fitting if parsers and kinds.allows("string") else None,
        is_array=is_array,
        delimiter=delimiter if is_array else None,
        is_list=is_array and place == "headers",
        is_file=is_file,
        max_size=_max_size(document, parts, place) if is_file else None,
        unwrap=_unwrapper(style, name, explode=explode and is_array) if style in UNWRAPPED else None,
        media_types=tuple(said.get("contentTypes", ())) if is_file else (),
    )


def _unwrapper(style: str, name: str, *, explode: bool, is_object: bool = False) -> Callable[[str], str]:
    return lambda text: unwrap(text, style, name, explode=explode, is_object=is_object)


# What stands between the members of an object in one text.
_OBJECTS: Final[Mapping[str, Mapping[tuple[str, bool], str]]] = {
    "query": {("form", False): ",", ("spaceDelimited", False): " ", ("pipeDelimited", False): "|"},
    "form": {("form", False): ",", ("spaceDelimited", False): " ", ("pipeDelimited", False): "|"},
    "path": {
        ("simple", False): ",",
        ("simple", True): ",",
        ("label", False): ",",
        ("label", True): ".",
        ("matrix", False): ",",
        ("matrix", True): ";",
    },
    "headers": {("simple", False): ",", ("simple", True): ","},
    "cookies": {("form", False): ","},
}


def _object_of(
    document: Document, subschemas: Sequence[Subschema], place: str, name: str, said: Mapping[str, Any]
) -> Parameter:
    """How an object is read, by the style that is said beside its schema."""
    pointer = document.pointer(subschemas[0].contents)
    style = said["style"]
    explode = said.get("explode", style in ("form", "deepObject"))
    parts = [part for subschema in subschemas for part in always(subschema)]
    members: dict[str, list[Subschema]] = {}
    others: Parameter | None = None
    for part in parts:
        for member, schema in part.keywords.get("properties", {}).items():
            members.setdefault(member, []).append(part.inside(schema))
        rest = part.keywords.get("additionalProperties")
        if rest is True or isinstance(rest, dict):
            others = _member(document, [part.inside(rest)])
    parameter = Parameter(
        members={member: _member(document, schemas) for member, schemas in members.items()}, others=others
    )
    if (style, explode) in GATHERED and place in ("query", "form"):
        return parameter._replace(gathered=style)
    delimiter = _OBJECTS[place].get((style, explode))
    if delimiter is None:
        allowed = [*_OBJECTS[place], *(GATHERED if place in ("query", "form") else ())]
        raise InvalidSchemaError(_no_style("object of style", style, explode, place, allowed), pointer)
    unwrapper = _unwrapper(style, name, explode=explode, is_object=True) if style in UNWRAPPED else None
    return parameter._replace(
        unwrap=unwrapper, pairs=lambda text: members_in(text.strip(" \t"), delimiter, explode=explode)
    )


def _member(document: Document, subschemas: Sequence[Subschema]) -> Parameter:
    parameter = parameter_of(document, subschemas, "query")
    if parameter.is_array or not parameter.is_plain or parameter.is_file:
        pointer = document.pointer(subschemas[0].contents)
        message = "No style says how an array or an object is written inside an object: use content: application/json"
        raise InvalidSchemaError(message, pointer)
    return parameter


def _all(kinds: "Iterator[Kinds]") -> Kinds:
    merged = next(kinds)
    for each in kinds:
        merged = merged.both(each)
    return merged


def _combined(checks: Iterable[Fits], combine: Callable[[Iterable[bool]], bool]) -> Fits:
    several = list(checks)
    return several[0] if len(several) == 1 else lambda value: combine(check(value) for check in several)


_NEVER_TEXT: Final = frozenset({"object", "array"})


def _check_possible(kinds: Kinds, pointer: str, *, is_array: bool) -> None:
    if not kinds.is_open and kinds.names & _NEVER_TEXT and kinds.names <= _NEVER_TEXT | {"null"}:
        what = "its items are objects or arrays" if is_array else "it is an object"
        raise InvalidSchemaError(f"The parameter could never be given as text: {what}", pointer)


def _parsers(kinds: Kinds, parts: Sequence[Subschema]) -> Iterator[Callable[[str], Any]]:
    if "number" in kinds.names:  # which reads integers, too
        yield parse_number
    elif "integer" in kinds.names:
        yield parse_any_integer if any(map(_is_wide, parts)) else parse_integer
    if "boolean" in kinds.names:
        yield parse_boolean


def _is_wide(part: Subschema) -> bool:
    """Tell whether a schema says that its integers may need more than 64 bits."""
    keywords = part.keywords
    limits = [keywords.get(name) for name in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "const")]
    return any(map(exceeds_int64, (*limits, *keywords.get("enum", ()))))


_NOT_FOR_FILES: Final = ("minLength", "pattern", "enum", "const")


def _max_size(document: Document, parts: Sequence[Subschema], place: str) -> int | None:
    """The size of a file: of a binary string, ``maxLength`` counts bytes (OpenAPI 3.1.1, section 4.8.14.2)."""
    limits = []
    for part in parts:
        keywords, pointer = part.keywords, document.pointer(part.contents)
        if keywords.get("format") == "binary":
            if place != "form":
                raise InvalidSchemaError("Only a form has files", pointer)
            for keyword in _NOT_FOR_FILES:
                if keyword in keywords:
                    raise InvalidSchemaError(f"The content of a file is not looked at: {keyword} has no use", pointer)
        if "maxLength" in keywords:
            limits.append(int(keywords["maxLength"]))
    return min(limits, default=None)


def style_of(subschemas: Sequence[Subschema], place: str) -> tuple[str, bool]:
    """The style of a parameter of a place, and whether it explodes: as its schemas say, or else the place's default."""
    said = _said(subschemas)
    style = said.get("style", next(iter(STYLES[place]))[0])
    explodes = [explode for name, explode in STYLES[place] if name == style]
    return style, said.get("explode", explodes[0] if explodes else style == "deepObject")


_ARRAYS_ONLY: Final = ("spaceDelimited", "pipeDelimited")


def _said(subschemas: Sequence[Subschema]) -> Mapping[str, Any]:
    """The schema that has the words ``style`` and ``explode`` beside it."""
    # Beside a $ref of an old draft no keyword counts; these are no keywords.
    contents = [subschema.contents for subschema in subschemas if isinstance(subschema.contents, dict)]
    return next((each for each in contents if "style" in each or "explode" in each), {})


def _style(said: Mapping[str, Any], place: str, pointer: str, *, is_array: bool, is_file: bool) -> tuple[str, bool]:
    """How an array is written, by the words ``style`` and ``explode`` beside a parameter's schema."""
    styles = STYLES[place]
    if place == "cookies" and said.get("explode") is True and not is_array:
        said = {**said, "explode": False}  # of one text, it says nothing
    style = said.get("style", next(iter(styles))[0])
    known = [explode for name, explode in styles if name == style]
    explode = said.get("explode", known[0] if known else None)
    if not isinstance(explode, bool) or explode not in known:
        raise InvalidSchemaError(_no_style("style", style, explode, place, styles), pointer)
    if (is_file and styles[style, explode] is not None) or (style in _ARRAYS_ONLY and not is_array):
        raise InvalidSchemaError(f"The style {style!r} is for arrays of text", pointer)
    return style, explode


def _no_style(what: str, style: Any, explode: Any, place: str, styles: Iterable[tuple[str, bool]]) -> str:
    allowed = "; ".join(f"{name} with explode={str(value).lower()}" for name, value in styles)
    return f"There is no {what} {style!r} with explode={explode!r} in {place}: use {allowed}"
