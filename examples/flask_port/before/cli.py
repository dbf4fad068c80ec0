"""The commands of the administrator: ``flask --app examples.flask_port.before init-db``."""

import contextlib
from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from werkzeug.security import generate_password_hash

from examples.flask_port import checks
from examples.flask_port.database import connect, create_tables
from examples.flask_port.samples import SAMPLE_PASSWORD, add_samples
from examples.flask_port.users import NameTakenError, create_user

__all__ = ["add_commands"]


def add_commands(app: Flask) -> None:
    app.cli.add_command(init_db)
    app.cli.add_command(add_user)


def hash_password(password: str) -> str:
    return generate_password_hash(password, current_app.config["PASSWORD_METHOD"])


@click.command("init-db")
@click.option("--sample", is_flag=True, help="Add accounts and posts to try it with.")
@with_appcontext
def init_db(*, sample: bool) -> None:
    """Make the tables that are not there yet."""
    path = Path(current_app.config["DATABASE"])
    create_tables(path)
    if sample:
        with contextlib.closing(connect(path)) as connection:
            try:
                add_samples(connection, hash_password)
            except NameTakenError as error:
                raise click.ClickException(f"there is an account {error} already") from error
        click.echo(f"Accounts: ada, bob, admin. Password: {SAMPLE_PASSWORD}")
    click.echo(f"The database is ready: {path}")


@click.command("create-user")
@click.argument("name")
@click.option("--admin", is_flag=True, help="Let the account change what others wrote.")
@click.password_option(help="Asked for when it is not given.")
@with_appcontext
def add_user(name: str, password: str, *, admin: bool) -> None:
    """Make an account."""
    errors = checks.check_account(name, password)
    if errors:
        raise click.ClickException("; ".join(f"{field} {error}" for field, error in errors.items()))
    with contextlib.closing(connect(Path(current_app.config["DATABASE"]))) as connection:
        try:
            create_user(connection, name, hash_password(password), is_admin=admin)
        except NameTakenError as error:
            raise click.ClickException(f"there is an account {name} already") from error
    click.echo(f"{name} can log in.")
