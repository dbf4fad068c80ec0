"""Flask's signed session cookie and flash messages, for aiohttp-session: ``pip install "aiotoolkit[flask]"``.

``setup_sessions(app, FlaskSessionStorage(secret_key))`` reads the sessions of a Flask application and writes sessions
that it reads: while an application moves, its users stay logged in, on both sides.
"""

try:
    from aiotoolkit.porting._flashes import flash, flashes_context, get_flashed_messages
    from aiotoolkit.porting._session_storage import FlaskSession, FlaskSessionStorage, setup_sessions
except ModuleNotFoundError as _missing:
    raise ImportError(f'Flask sessions need {_missing.name}: pip install "aiotoolkit[flask]"') from _missing

__all__ = [
    "FlaskSession",
    "FlaskSessionStorage",
    "flash",
    "flashes_context",
    "get_flashed_messages",
    "setup_sessions",
]
