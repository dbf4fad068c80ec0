"""What the forms take, what a redirect may lead to, and what is told of anything else."""

import re
from collections.abc import Mapping
from typing import Final

__all__ = [
    "ERRORS",
    "NAME",
    "TAG",
    "WRONG_LOGIN",
    "check_account",
    "check_comment",
    "check_post",
    "error_texts",
    "safe_next",
]

NAME: Final = "[a-z0-9][a-z0-9_-]{2,31}"
TAG: Final = "[a-z0-9-]{1,20}"
THEMES: Final = ("light", "dark")
WRONG_LOGIN: Final = "The name or the password is wrong."
MIN_PASSWORD, MAX_PASSWORD = 10, 128
MAX_TITLE, MAX_BODY, MAX_COMMENT, MAX_NICKNAME = 120, 20_000, 2_000, 40

# Control characters: none in a line; in a text only tabs and the ends of lines.
_IN_LINE: Final = re.compile(r"[\x00-\x1f\x7f]")
_IN_TEXT: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

# A status, what it is called, and what is told of it. Nothing of the request is in it.
ERRORS: Final[Mapping[int, tuple[str, str]]] = {
    400: ("Bad Request", "The request cannot be read, or the form has expired: reload the page and send it again."),
    401: ("Unauthorized", "Log in first."),
    403: ("Forbidden", "This belongs to somebody else."),
    404: ("Not Found", "There is no such page."),
    405: ("Method Not Allowed", "The page is there, but not for what was asked of it."),
    413: ("Content Too Large", "That is too large."),
    415: ("Unsupported Media Type", "Send JSON, and say so in Content-Type."),
    416: ("Range Not Satisfiable", "There are no such bytes."),
    422: ("Unprocessable Content", "Something in it is not as it should be."),
    500: ("Internal Server Error", "It is our mistake. It has been noted, and nothing of yours is lost."),
}


def error_texts(status: int) -> tuple[str, str]:
    """What an error is called, and what is told of it."""
    return ERRORS.get(status, ("Error", "The request cannot be answered."))


def check_account(name: str, password: str) -> dict[str, str]:
    """What is wrong with a new account, by the fields of the form."""
    errors = {}
    if not re.fullmatch(NAME, name):
        errors["name"] = "must be 3 to 32 characters: a to z, digits, - and _; the first one a letter or a digit"
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        errors["password"] = f"must be {MIN_PASSWORD} to {MAX_PASSWORD} characters"
    return errors


def check_post(title: str, body: str, tag: str) -> dict[str, str]:
    """What is wrong with a post, by the fields of the form."""
    errors = {}
    if not 1 <= len(title) <= MAX_TITLE or _IN_LINE.search(title):
        errors["title"] = f"must be one line of 1 to {MAX_TITLE} characters"
    if not 1 <= len(body) <= MAX_BODY or _IN_TEXT.search(body):
        errors["body"] = f"must be 1 to {MAX_BODY:,} characters, without control characters"
    if not re.fullmatch(TAG, tag):
        errors["tag"] = "must be 1 to 20 characters: a to z, digits and -"
    return errors


def check_comment(text: str) -> str | None:
    """What is wrong with a comment."""
    if 1 <= len(text) <= MAX_COMMENT and not _IN_TEXT.search(text):
        return None
    return f"A comment has 1 to {MAX_COMMENT:,} characters."


def check_preferences(theme: str, nickname: str) -> str | None:
    """What is wrong with the preferences."""
    if theme in THEMES and len(nickname) <= MAX_NICKNAME and not _IN_LINE.search(nickname):
        return None
    return f"Choose a theme, and a nickname of at most {MAX_NICKNAME} characters."


def safe_next(target: str) -> str | None:
    """A path of this site to go on to; None for what leads anywhere else, or nowhere."""
    if not target.startswith("/") or target[1:2] in ("/", "\\") or not target.isascii() or _IN_LINE.search(target):
        return None
    return target
