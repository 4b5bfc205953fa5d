"""SQLite as the service uses it, and its migrations."""

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError

from senoscope.core.errors import SettingsError

BUSY_MS = 10_000
MIGRATIONS = Path(__file__).parent / "migrations"


def _configure(connection: Any, _record: object) -> None:
    # FULL: in WAL mode NORMAL may lose the last commits on a power cut, and an acknowledged upload must not be lost.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_MS}"):
        connection.execute(f"PRAGMA {pragma}")


def open_database(path: Path) -> Engine:
    """Open the database, bring its tables up to date and return its engine.

    Raises:
        SettingsError: the file is no database, or one of a later version.
    """
    engine = create_engine(URL.create("sqlite", database=str(path)))
    event.listen(engine, "connect", _configure)
    try:
        migrate(engine)
    except DatabaseError as error:
        engine.dispose()
        raise SettingsError(f"{path} cannot be used as a database: {error.orig}", "choose another --home") from error
    except CommandError as error:
        engine.dispose()
        raise SettingsError(f"{path}: {error}", "it was written by a later version of Senoscope; update") from error
    return engine


def migrate(engine: Engine) -> None:
    """Apply the migrations that are missing, each in a transaction."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
