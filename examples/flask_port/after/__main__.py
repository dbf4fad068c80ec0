"""The commands of the administrator: ``python -m examples.flask_port.after init-db``."""

import argparse
import getpass
import sqlite3
import sys

from aiotoolkit.porting.fallback import unported_routes
from examples.flask_port import checks
from examples.flask_port.after.app import create_app
from examples.flask_port.after.passwords import hash_password
from examples.flask_port.after.settings import STAGES, Settings, Stage, read_settings
from examples.flask_port.after.storage import query_at
from examples.flask_port.after.urls import OLD_APP
from examples.flask_port.database import create_tables
from examples.flask_port.samples import SAMPLE_PASSWORD, add_samples
from examples.flask_port.users import NameTakenError, create_user


def main(arguments: list[str] | None = None) -> None:
    parsed = _parser().parse_args(arguments)
    try:
        settings = read_settings()
        if parsed.command == "unported":
            list_unported(settings, parsed.stage or settings.stage)
        elif parsed.command == "init-db":
            init_db(settings, sample=parsed.sample)
        else:
            add_user(settings, parsed.name, parsed.password, admin=parsed.admin)
    except NameTakenError as error:
        sys.exit(f"error: there is an account {error} already")
    except (ValueError, OSError, sqlite3.Error) as error:
        sys.exit(f"error: {error}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m examples.flask_port.after", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    init = commands.add_parser("init-db", help="make the tables that are not there yet")
    init.add_argument("--sample", action="store_true", help="add accounts and posts to try it with")
    user = commands.add_parser("create-user", help="make an account")
    user.add_argument("name")
    user.add_argument("--admin", action="store_true", help="let the account change what others wrote")
    user.add_argument("--password", help="asked for when it is not given")
    unported = commands.add_parser("unported", help="list the routes that Flask still answers")
    unported.add_argument("--stage", choices=STAGES, help="the stage of the port (default: LOGBOOK_STAGE, or all)")
    return parser


def list_unported(settings: Settings, stage: Stage) -> None:
    """List the routes that are still Flask's at a stage."""
    app = create_app(settings, stage=stage)
    for route in unported_routes(app, app[OLD_APP]) if OLD_APP in app else []:
        print(f"{', '.join(route.methods):12} {route.rule}")


def init_db(settings: Settings, *, sample: bool) -> None:
    """Make the tables that are not there yet."""
    create_tables(settings.database)
    if sample:
        query_at(settings.database, add_samples, lambda password: hash_password(password, settings.password_method))
        print(f"Accounts: ada, bob, admin. Password: {SAMPLE_PASSWORD}")
    print(f"The database is ready: {settings.database}")


def add_user(settings: Settings, name: str, password: str | None, *, admin: bool) -> None:
    """Make an account.

    Raises:
        ValueError: the name or the password is not what it should be.
    """
    password = password if password is not None else getpass.getpass()
    errors = checks.check_account(name, password)
    if errors:
        raise ValueError("; ".join(f"{field} {error}" for field, error in errors.items()))
    query_at(settings.database, create_user, name, hash_password(password, settings.password_method), is_admin=admin)
    print(f"{name} can log in.")


if __name__ == "__main__":
    main()
