"""What keeps a comparison from being made."""

__all__ = ["ParityError", "ScriptError"]


class ParityError(Exception):
    """The two applications could not be compared: a server that does not start, a file that cannot be read."""


class ScriptError(ParityError):
    """A file of requests, of announced differences or a HAR recording is wrong. The text names the step."""
