"""Serve one application in a process of its own, on a port that the system chooses.

Run as a script, by a Python that need not have the toolkit: only the standard library, and the application's own
framework. ``python _serve.py flask|aiohttp MODULE:NAME PIPE`` writes the port to the pipe, and ends with its parent.
"""

import ast
import contextlib
import importlib
import inspect
import os
import socket
import sys
import threading
from typing import Any


def main() -> None:
    kind, target, pipe = sys.argv[1], sys.argv[2], int(sys.argv[3])
    # The folder of this script is not the application's business; the one it was started in is, as with "python -m".
    sys.path[0] = os.getcwd()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    application = load(target, required=2 if kind == "flask" else 1)

    def ready() -> None:
        os.write(pipe, f"{listener.getsockname()[1]}\n".encode())
        os.close(pipe)

    # A Flask application on both sides shows what differs by itself: time, chance, order.
    is_wsgi = kind == "flask" or hasattr(application, "wsgi_app")
    (serve_wsgi if is_wsgi else serve_aiohttp)(application, listener, ready)


def _end_with_parent() -> None:
    # The parent holds the other end of standard input: it closes however the parent ends.
    with contextlib.suppress(OSError):
        while os.read(0, 1024):
            pass
    os._exit(0)


def load(target: str, required: int) -> Any:
    """Import ``module:name``, ``module:factory`` or ``module:factory("literal", arguments)``.

    A function or class that needs no argument is a factory. ``required`` is how many an application itself takes.
    """
    module, _, expression = target.partition(":")
    node: Any = ast.parse(expression or "app", mode="eval").body
    call = node if isinstance(node, ast.Call) else None
    found: Any = importlib.import_module(module)
    for part in ast.unparse(node.func if call else node).split("."):
        found = getattr(found, part)
    if call:
        keywords = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}
        return found(*map(ast.literal_eval, call.args), **keywords)
    factory: Any = found
    is_factory = inspect.isclass(found) or inspect.isfunction(found) or inspect.ismethod(found)
    needed = sum(
        parameter.default is parameter.empty and parameter.kind < parameter.VAR_POSITIONAL
        for parameter in (inspect.signature(found).parameters.values() if is_factory else ())
    )
    if is_factory and not needed:
        return factory()
    if is_factory and needed == required == 1:
        return factory([])  # the function that "python -m aiohttp.web" calls takes the arguments of the command
    return found


def serve_wsgi(application: Any, listener: socket.socket, ready: Any) -> None:
    if not callable(application):
        raise SystemExit(f"{application!r} is no WSGI application")
    listener.listen(128)
    wsgi: Any = application
    port = listener.getsockname()[1]
    try:
        from werkzeug.serving import WSGIRequestHandler, make_server  # noqa: PLC0415 - any WSGI application will do
    except ImportError:
        server: Any = wsgiref_server(application, listener)
    else:
        WSGIRequestHandler.protocol_version = "HTTP/1.1"
        server = make_server("127.0.0.1", port, wsgi, threaded=True, fd=listener.fileno())
    ready()
    server.serve_forever()


def wsgiref_server(application: Any, listener: socket.socket) -> Any:
    from socketserver import ThreadingMixIn  # noqa: PLC0415 - only where Werkzeug is not installed
    from wsgiref.simple_server import WSGIRequestHandler, WSGIServer  # noqa: PLC0415 - the same

    class Server(ThreadingMixIn, WSGIServer):
        daemon_threads = True

    server = Server(("127.0.0.1", 0), WSGIRequestHandler, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    server.server_address = listener.getsockname()[:2]
    server.server_name, server.server_port = listener.getsockname()[:2]
    server.setup_environ()
    server.set_app(application)
    return server


def serve_aiohttp(application: Any, listener: socket.socket, ready: Any) -> None:
    import asyncio  # noqa: PLC0415 - only this side needs it
    import signal  # noqa: PLC0415 - the same

    from aiohttp import web  # noqa: PLC0415 - the same

    async def serve() -> None:
        app = await application if inspect.isawaitable(application) else application
        if not isinstance(app, web.Application):
            raise SystemExit(f"{app!r} is no aiohttp.web.Application")
        done = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, done.set)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        try:
            await runner.setup()
            await web.SockSite(runner, listener).start()
            ready()
            await done.wait()
        finally:
            await runner.cleanup()

    asyncio.run(serve())


if __name__ == "__main__":
    main()
