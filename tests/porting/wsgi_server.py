"""A WSGI application on a real server, in a thread of the tests' process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.raw import Address


@contextmanager
def wsgi_served(application: Any) -> Iterator[Address]:
    """Serve an application with Werkzeug's server, each request in a thread of its own."""
    from werkzeug.serving import make_server

    server = make_server("127.0.0.1", 0, application, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield Address("127.0.0.1", server.server_port)
    finally:
        server.shutdown()
        thread.join(30)
        server.server_close()
