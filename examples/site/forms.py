"""Forms: JSON Schema says what each field takes, and its description is what the user is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web
from multidict import MultiDictProxy

from aiotoolkit.requests import UploadedFile, read_form
from aiotoolkit.schemas import RequestValidationError, Schema

__all__ = ["LINE_PATTERN", "TEXT_PATTERN", "Fields", "Form"]

# What no text needs: control characters other than the tab and the ends of lines; and what no single line needs.
TEXT_PATTERN: Final = r"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]*$"
LINE_PATTERN: Final = r"^[^\u0000-\u001f\u007f]*$"


@dataclass
class Form:
    """What the user wrote, and what is wrong with it: both by the names of the fields."""

    values: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


class Fields:
    """The texts of a form, each with its JSON Schema; what may be left out may be the empty text.

    A schema's ``description`` is what is told of any mistake in the field; without one, the toolkit's text is.
    """

    def __init__(self, **properties: Mapping[str, Any]) -> None:
        self._properties = properties
        self._schema = Schema(request={"type": "object", "properties": properties, "required": list(properties)})

    async def read(self, request: web.Request) -> Form:
        """Read and check a form; lines end as in Python, and white space around a value does not count."""
        raw = await read_form(request)
        form = Form({name: _text(raw, name) for name in self._properties})
        try:
            self._schema.validate_request(form.values)
        except RequestValidationError as error:
            for item in error.errors:
                name = str(item["pointer"]).removeprefix("#/")
                form.errors[name] = self._properties[name].get("description", item["detail"])
        return form


def _text(raw: MultiDictProxy[str | UploadedFile], name: str) -> str:
    value = raw.get(name, "")
    return value.replace("\r\n", "\n").strip() if isinstance(value, str) else ""
