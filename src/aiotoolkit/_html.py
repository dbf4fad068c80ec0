"""HTML that is escaped unless it was made here."""

import html
import re
from collections.abc import Iterable
from typing import Final

__all__ = ["Html", "element", "join", "markdown", "plain", "safe_url"]

# No scheme but these: "javascript:" and "data:" would run or show what the document's author wants.
_SAFE_URL: Final = re.compile(r"(?:https?://|mailto:)[^\s\"'<>`\\]+", re.IGNORECASE)

# U+0000 and lone surrogates are no characters of HTML; the other controls show as nothing at all.
_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")

_CODE_OR_LINK: Final = re.compile(
    # Exactly as many backticks at the end as at the start: so a text is searched once for each number of them.
    r"(?<!`)(?P<ticks>`{1,3})(?!`)(?P<code>.+?)(?<!`)(?P=ticks)(?!`)"
    r"|\*\*(?P<strong>[^\s*](?:[^*]*[^\s*])?)\*\*"
    r"|(?<![\w*])\*(?P<emphasis>[^\s*](?:[^*]*[^\s*])?)\*(?![\w*])"
    r"|\[(?P<label>[^\[\]]+)\]\((?P<url>[^\s()]+)\)",
    re.DOTALL,
)
_FENCE: Final = re.compile(r" {0,3}(`{3,}|~{3,})")
_ITEM: Final = re.compile(r" {0,3}(?:(?P<bullet>[-*+])|(?P<number>[0-9]{1,9})[.)])\s+(?P<text>\S.*)")
_HEADING: Final = re.compile(r" {0,3}#{1,6}[ \t]+(?P<text>\S.*)")
_EMPTY: Final = frozenset({"br", "link", "meta"})


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(name: str, /, *children: str | None, **attributes: str | bool | None) -> Html:
    """One element: its children are escaped unless they are `Html`, its attributes are always.

    Args:
        name: of the element.
        children: None is left out.
        attributes: True for one without a value, None and False for none. ``class_`` is the attribute ``class``,
            and ``aria_label`` is ``aria-label``.
    """
    opened = [name]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = key.rstrip("_").replace("_", "-")  # noqa: PLW2901 - the name that HTML has for it
        opened.append(key if value is True else f'{key}="{html.escape(_printable(str(value)))}"')
    start = f"<{' '.join(opened)}>"
    return Html(start if name in _EMPTY else f"{start}{join(children)}</{name}>")


def join(children: Iterable[str | None]) -> Html:
    """Several pieces one after the other, escaped unless they are `Html`."""
    return Html("".join(child if isinstance(child, Html) else plain(child) for child in children if child is not None))


def plain(text: str) -> Html:
    """Text, escaped."""
    return Html(html.escape(_printable(text)))


def safe_url(url: object) -> str | None:
    """The URL where it leads to the web or to a mailbox, else None."""
    return url if isinstance(url, str) and _SAFE_URL.fullmatch(url) else None


def _printable(text: str) -> str:
    # isprintable() is the cheap question; it also says no to line breaks and to some letters that are fine.
    return text if text.isprintable() else _UNPRINTABLE.sub("\ufffd", text)


def markdown(text: str) -> Html:
    """A small part of CommonMark, which OpenAPI's descriptions are written in. HTML in it is shown as text.

    Paragraphs, lists of one level, fenced code, headings (as bold lines: the page has its own), code spans,
    ``**strong**``, ``*emphasis*`` and links to the web.
    """
    blocks: list[Html] = []
    lines = text.replace("\r\n", "\n").expandtabs(4).split("\n")
    index = 0
    while index < len(lines):
        line = lines[index]
        if not line.strip():
            index += 1
        elif fence := _FENCE.match(line):
            end = _closing(lines, index + 1, fence[1])
            blocks.append(element("pre", element("code", "\n".join(lines[index + 1 : end])), tabindex="0"))
            index = end + 1
        elif _ITEM.fullmatch(line):
            index = _list(lines, index, blocks)
        elif heading := _HEADING.fullmatch(line):
            blocks.append(element("p", element("strong", _inline(heading["text"].rstrip().rstrip("#").rstrip()))))
            index += 1
        else:
            index = _paragraph(lines, index, blocks)
    return Html("".join(blocks))


def _closing(lines: list[str], start: int, fence: str) -> int:
    """The index of the line that closes a fence, or the end."""
    for index in range(start, len(lines)):
        stripped = lines[index].strip()
        if len(stripped) >= len(fence) and set(stripped) == {fence[0]}:
            return index
    return len(lines)


def _list(lines: list[str], index: int, blocks: list[Html]) -> int:
    first = _ITEM.fullmatch(lines[index])
    is_numbered = first is not None and first["number"] is not None
    items: list[str] = []
    while index < len(lines):
        item = _ITEM.fullmatch(lines[index])
        if item and (item["number"] is not None) == is_numbered:
            items.append(item["text"])
        elif lines[index].strip() and lines[index].startswith(" "):
            items[-1] += "\n" + lines[index].strip()
        elif lines[index].strip() or index + 1 == len(lines) or not _ITEM.fullmatch(lines[index + 1]):
            break
        index += 1
    start = first["number"].lstrip("0") if first is not None and is_numbered else None
    children = (element("li", _inline(item)) for item in items)
    blocks.append(
        element("ol" if is_numbered else "ul", *children, start=start if start not in (None, "", "1") else None)
    )
    return index


def _paragraph(lines: list[str], index: int, blocks: list[Html]) -> int:
    start = index
    while index < len(lines) and lines[index].strip() and not (index > start and _starts_block(lines[index])):
        index += 1
    blocks.append(element("p", _inline("\n".join(line.strip() for line in lines[start:index]))))
    return index


def _starts_block(line: str) -> bool:
    return bool(_FENCE.match(line) or _ITEM.fullmatch(line) or _HEADING.fullmatch(line))


def _inline(text: str) -> Html:
    pieces: list[Html] = []
    position = 0
    for match in _CODE_OR_LINK.finditer(text):
        pieces += [plain(text[position : match.start()]), _span(match)]
        position = match.end()
    return join([*pieces, plain(text[position:])])


def _span(match: re.Match[str]) -> Html:
    if match["code"] is not None:
        return element("code", match["code"].strip() or match["code"])
    if match["strong"] is not None:
        return element("strong", match["strong"])
    if match["emphasis"] is not None:
        return element("em", match["emphasis"])
    url = safe_url(match["url"])
    return plain(match[0]) if url is None else element("a", match["label"], href=url)
