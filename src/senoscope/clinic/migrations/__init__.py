"""Alembic's migrations: one file a change of the tables, applied at start."""
