"""What each construct of Flask becomes, in one line, and the section of the notes that says more: data, and no code."""

from typing import NamedTuple

__all__ = [
    "BLOCKING",
    "BLOCKING_METHODS",
    "CONSTRUCTS",
    "EXTENSIONS",
    "FLASK_NAMES",
    "METHODS",
    "WERKZEUG_NAMES",
    "Construct",
]


class Construct(NamedTuple):
    """A kind of finding: what it is called, the anchor of its section, and what takes its place."""

    title: str
    slug: str
    equivalent: str


CONSTRUCTS: dict[str, Construct] = {
    "application": Construct("application", "application", "web.Application() in a create_app function"),
    "configuration": Construct("configuration", "configuration", "setup_settings(app, settings), get_settings"),
    "route": Construct("route", "url-rules", "a row of a route table; aiotoolkit.porting.rules reads Flask's rules"),
    "converter": Construct("URL converter", "url-rules", "converters= of aiotoolkit.porting.rules"),
    "method-view": Construct("class-based view", "method-view", "web.View, or a function for each method"),
    "view-return": Construct("converted return value", "view-returns", "a web.Response; aiotoolkit.porting.views"),
    "blueprint": Construct("blueprint", "blueprints", "aiotoolkit.components.Component"),
    "hook": Construct("request hook", "hooks", "a middleware; aiotoolkit.porting.hooks"),
    "error-handler": Construct("error handler", "error-handlers", "handlers of setup_errors"),
    "request": Construct("request", "request", "the view's parameter; aiotoolkit.requests"),
    "response": Construct("response", "response", "web.Response; json_response"),
    "session": Construct("session", "session", "aiohttp_session with aiotoolkit's FlaskSessionStorage"),
    "g": Construct("g", "g", "a web.RequestKey, or a plain argument"),
    "current-app": Construct("current_app", "current-app", "request.app, request.config_dict"),
    "url-for": Construct("url_for", "url-for", "aiotoolkit.routes.url_for"),
    "redirect": Construct("redirect", "redirect", "raise web.HTTPFound(location)"),
    "abort": Construct("abort", "abort", "raise web.HTTPNotFound(), or Problem(404)"),
    "flash": Construct("flash message", "flash", "flash messages of aiotoolkit.porting.sessions"),
    "jsonify": Construct("JSON response", "jsonify", "aiotoolkit.responses.json_response"),
    "templates": Construct("template", "templates", "render_template of aiotoolkit.components"),
    "send-file": Construct("file response", "send-file", "web.FileResponse"),
    "streaming": Construct("streamed response", "streaming", "web.StreamResponse"),
    "cli": Construct("command", "cli", "a plain click or argparse command"),
    "shell": Construct("shell context", "shell", "python -m asyncio"),
    "test-client": Construct("test client", "test-client", "aiohttp.test_utils.TestClient, the aiohttp_client fixture"),
    "signals": Construct("signal", "signals", "on_startup, on_cleanup, on_response_prepare; or a middleware"),
    "uploads": Construct("upload", "uploads", "aiotoolkit.requests.read_form, client_max_size"),
    "cookies": Construct("cookie", "cookies", "request.cookies, response.set_cookie"),
    "proxyfix": Construct("ProxyFix", "proxyfix", "request.clone in a middleware, for proxies that are trusted"),
    "extension": Construct("extension", "extensions", "see the notes on extensions"),
    "blocking": Construct("blocking call", "blocking-calls", "an asyncio library, or asyncio.to_thread"),
}

# Names of flask, and what they are.
FLASK_NAMES: dict[str, str] = {
    "Flask": "application", "Blueprint": "blueprint", "Config": "configuration", "Request": "request",
    "Response": "response", "abort": "abort", "after_this_request": "hook", "appcontext_popped": "signals",
    "appcontext_pushed": "signals", "appcontext_tearing_down": "signals", "before_render_template": "signals",
    "copy_current_request_context": "request", "current_app": "current-app", "flash": "flash", "g": "g",
    "get_flashed_messages": "flash", "get_template_attribute": "templates", "got_request_exception": "signals",
    "has_app_context": "current-app", "has_request_context": "request", "jsonify": "jsonify",
    "make_response": "response", "message_flashed": "signals", "redirect": "redirect",
    "render_template": "templates", "render_template_string": "templates", "request": "request",
    "request_finished": "signals", "request_started": "signals", "request_tearing_down": "signals",
    "send_file": "send-file", "send_from_directory": "send-file", "session": "session",
    "stream_template": "streaming", "stream_template_string": "streaming", "stream_with_context": "streaming",
    "template_rendered": "signals", "url_for": "url-for",
    "AppGroup": "cli", "FlaskGroup": "cli", "with_appcontext": "cli",
    "DefaultJSONProvider": "jsonify", "JSONEncoder": "jsonify", "JSONProvider": "jsonify",
    "SecureCookieSessionInterface": "session", "SessionInterface": "session", "SessionMixin": "session",
}  # fmt: skip

WERKZEUG_NAMES: dict[str, str] = {
    "werkzeug.utils.redirect": "redirect",
    "werkzeug.utils.secure_filename": "uploads",
    "werkzeug.utils.send_file": "send-file",
    "werkzeug.wrappers.Request": "request",
    "werkzeug.wrappers.Response": "response",
    "werkzeug.datastructures.FileStorage": "uploads",
}

# Methods and decorators of an application or a blueprint, wherever they are called: their names are Flask's own.
METHODS: dict[str, str] = {
    "add_app_template_filter": "templates", "add_app_template_global": "templates",
    "add_app_template_test": "templates",
    "add_template_filter": "templates", "add_template_global": "templates", "add_template_test": "templates",
    "after_app_request": "hook", "after_request": "hook", "app_context_processor": "templates",
    "app_errorhandler": "error-handler", "app_template_filter": "templates", "app_template_global": "templates",
    "app_template_test": "templates", "app_url_defaults": "hook", "app_url_value_preprocessor": "hook",
    "before_app_first_request": "hook", "before_app_request": "hook", "before_first_request": "hook",
    "before_request": "hook", "context_processor": "templates", "errorhandler": "error-handler",
    "register_blueprint": "blueprint", "register_error_handler": "error-handler",
    "shell_context_processor": "shell", "teardown_app_request": "hook", "teardown_appcontext": "hook",
    "teardown_request": "hook", "template_filter": "templates", "template_global": "templates",
    "template_test": "templates", "test_cli_runner": "test-client", "test_client": "test-client",
    "test_request_context": "test-client", "url_defaults": "hook", "url_value_preprocessor": "hook",
    "delete_cookie": "cookies", "set_cookie": "cookies",
}  # fmt: skip

# Package -> (its name, its anchor).
EXTENSIONS: dict[str, tuple[str, str]] = {
    "flask_sqlalchemy": ("Flask-SQLAlchemy", "flask-sqlalchemy"),
    "flask_login": ("Flask-Login", "flask-login"),
    "flask_wtf": ("Flask-WTF", "flask-wtf"),
    "flask_migrate": ("Flask-Migrate", "flask-migrate"),
    "flask_cors": ("Flask-CORS", "flask-cors"),
    "flask_restful": ("Flask-RESTful", "flask-restful"),
    "flask_restx": ("Flask-RESTX", "flask-restful"),
    "flask_jwt_extended": ("Flask-JWT-Extended", "flask-jwt-extended"),
    "flask_mail": ("Flask-Mail", "flask-mail"),
    "flask_mailman": ("Flask-Mailman", "flask-mail"),
    "flask_caching": ("Flask-Caching", "flask-caching"),
    "flask_limiter": ("Flask-Limiter", "flask-limiter"),
    "flask_socketio": ("Flask-SocketIO", "flask-socketio"),
    "flask_session": ("Flask-Session", "flask-session"),
}

# Dotted names (an entry covers what is below it) that wait for a disk, a network or a processor.
BLOCKING: dict[str, str] = {
    "time.sleep": "asyncio.sleep",
    "requests": "aiohttp.ClientSession",
    "httpx.get": "httpx.AsyncClient", "httpx.post": "httpx.AsyncClient", "httpx.put": "httpx.AsyncClient",
    "httpx.patch": "httpx.AsyncClient", "httpx.delete": "httpx.AsyncClient", "httpx.head": "httpx.AsyncClient",
    "httpx.request": "httpx.AsyncClient", "httpx.stream": "httpx.AsyncClient", "httpx.Client": "httpx.AsyncClient",
    "urllib.request": "aiohttp.ClientSession", "urllib3": "aiohttp.ClientSession",
    "http.client": "aiohttp.ClientSession",
    "subprocess": "asyncio.create_subprocess_exec", "os.system": "asyncio.create_subprocess_exec",
    "os.popen": "asyncio.create_subprocess_exec", "os.wait": "asyncio.create_subprocess_exec",
    "socket.create_connection": "asyncio.open_connection", "socket.getaddrinfo": "loop.getaddrinfo",
    "socket.gethostbyname": "loop.getaddrinfo",
    "sqlite3": "aiosqlite", "psycopg2": "psycopg or asyncpg", "psycopg.connect": "psycopg.AsyncConnection",
    "pymysql": "aiomysql", "MySQLdb": "aiomysql", "mysql.connector": "mysql.connector.aio",
    "pymongo": "pymongo.AsyncMongoClient", "redis.Redis": "redis.asyncio", "redis.StrictRedis": "redis.asyncio",
    "redis.from_url": "redis.asyncio", "peewee": "asyncio.to_thread",
    "sqlalchemy.orm.Session": "sqlalchemy.ext.asyncio", "sqlalchemy.orm.sessionmaker": "sqlalchemy.ext.asyncio",
    "sqlalchemy.create_engine": "sqlalchemy.ext.asyncio",
    "boto3": "aioboto3, or asyncio.to_thread", "botocore": "aiobotocore", "ldap3": "asyncio.to_thread",
    "ldap": "asyncio.to_thread", "paramiko": "asyncssh",
    "smtplib": "aiosmtplib", "ftplib": "asyncio.to_thread", "imaplib": "asyncio.to_thread",
    "dns.resolver": "dns.asyncresolver",
    "open": "asyncio.to_thread", "io.open": "asyncio.to_thread", "input": "asyncio.to_thread",
    "shutil": "asyncio.to_thread", "zipfile.ZipFile": "asyncio.to_thread", "tarfile.open": "asyncio.to_thread",
    "os.fsync": "asyncio.to_thread", "os.walk": "asyncio.to_thread", "PIL.Image.open": "asyncio.to_thread",
    "werkzeug.security.generate_password_hash": "asyncio.to_thread",
    "werkzeug.security.check_password_hash": "asyncio.to_thread",
    "hashlib.scrypt": "asyncio.to_thread", "hashlib.pbkdf2_hmac": "asyncio.to_thread",
    "bcrypt.hashpw": "asyncio.to_thread", "bcrypt.checkpw": "asyncio.to_thread", "argon2": "asyncio.to_thread",
    "passlib": "asyncio.to_thread", "flask_bcrypt": "asyncio.to_thread",
}  # fmt: skip

# Methods that are known by their name alone, since what they are called on is made somewhere else. A tuple is the end
# of the chain of names.
BLOCKING_METHODS: dict[tuple[str, ...], str] = {
    ("execute",): "the driver's asyncio form",
    ("executemany",): "the driver's asyncio form",
    ("executescript",): "the driver's asyncio form",
    ("fetchone",): "the driver's asyncio form",
    ("fetchall",): "the driver's asyncio form",
    ("session", "commit"): "sqlalchemy.ext.asyncio",
    ("session", "flush"): "sqlalchemy.ext.asyncio",
    ("session", "scalar"): "sqlalchemy.ext.asyncio",
    ("session", "scalars"): "sqlalchemy.ext.asyncio",
    ("session", "query"): "sqlalchemy.ext.asyncio",
    ("session", "refresh"): "sqlalchemy.ext.asyncio",
    ("query", "all"): "sqlalchemy.ext.asyncio",
    ("query", "count"): "sqlalchemy.ext.asyncio",
    ("query", "filter"): "sqlalchemy.ext.asyncio",
    ("query", "filter_by"): "sqlalchemy.ext.asyncio",
    ("query", "first"): "sqlalchemy.ext.asyncio",
    ("query", "first_or_404"): "sqlalchemy.ext.asyncio",
    ("query", "get"): "sqlalchemy.ext.asyncio",
    ("query", "get_or_404"): "sqlalchemy.ext.asyncio",
    ("query", "order_by"): "sqlalchemy.ext.asyncio",
    ("query", "paginate"): "sqlalchemy.ext.asyncio",
    ("read_text",): "asyncio.to_thread",
    ("read_bytes",): "asyncio.to_thread",
    ("write_text",): "asyncio.to_thread",
    ("write_bytes",): "asyncio.to_thread",
    ("check_password",): "asyncio.to_thread",
}
