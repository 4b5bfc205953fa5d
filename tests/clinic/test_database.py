from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from senoscope.clinic.database import open_database
from senoscope.clinic.tables import Base
from senoscope.core.errors import SettingsError


def test_migrations_end_at_the_tables_in_use(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "a.db")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    engine.dispose()


def test_what_is_committed_is_on_the_disk(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "a.db")
    with engine.connect() as connection:
        pragmas = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar_one() for name in ("journal_mode", "synchronous")
        }
    engine.dispose()
    assert pragmas == {"journal_mode": "wal", "synchronous": 2}


def test_opening_again_keeps_what_is_there(tmp_path: Path) -> None:
    for _ in range(2):
        engine = open_database(tmp_path / "a.db")
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE IF NOT EXISTS marks (n INTEGER)"))
            connection.execute(text("INSERT INTO marks VALUES (1)"))
            count = connection.execute(text("SELECT count(*) FROM marks")).scalar_one()
        engine.dispose()
    assert count == 2


def test_a_path_may_hold_signs_that_mean_something_in_an_address(tmp_path: Path) -> None:
    folder = tmp_path / "Brust? #1 für 50%41"
    folder.mkdir()
    open_database(folder / "a.db").dispose()
    assert (folder / "a.db").is_file()


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("not a database at all, but long enough to be read as the head of one " * 20)
    with pytest.raises(SettingsError, match="cannot be used as a database"):
        open_database(tmp_path / "a.db")


def test_a_later_version_is_refused(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "a.db")
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(SettingsError, match="9999") as caught:
        open_database(tmp_path / "a.db")
    assert "later version" in caught.value.hint
