"""Predictions as they are read: single, newest first, and as the REST interface shows them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, Row, func, select

from senoscope.clinic.schemas import PredictionView
from senoscope.clinic.tables import JobRow, PredictionRow
from senoscope.core.errors import NotFoundError

TABLE = PredictionRow.__table__
SHOWN = [column for column in TABLE.columns if column.name != "evidence"]


class Records:
    """Reads the table of predictions."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, prediction: str) -> Row[Any]:
        """Return a row with all its columns; raises `NotFoundError`."""
        with self._engine.connect() as connection:
            row = connection.execute(select(TABLE).where(PredictionRow.id == prediction)).one_or_none()
        if row is None:
            raise NotFoundError("there is no such prediction", "GET /api/v1/predictions lists them")
        return row

    def view(self, prediction: str) -> PredictionView:
        """Return a prediction as it is shown; raises `NotFoundError`."""
        found = self.views([prediction])
        if not found:
            raise NotFoundError("there is no such prediction", "GET /api/v1/predictions lists them")
        return found[0]

    def views(self, predictions: Sequence[str]) -> list[PredictionView]:
        """Return several in the order given; ids that do not exist are passed over."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(*SHOWN).where(PredictionRow.id.in_(predictions)))
            found = {row.id: _view(row) for row in rows}
        return [found[prediction] for prediction in predictions if prediction in found]

    def newest(self, limit: int) -> list[PredictionView]:
        """Return the newest, newest first."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(*SHOWN).order_by(PredictionRow.number.desc()).limit(limit))
            return [_view(row) for row in rows]

    def waiting(self) -> int:
        """Count the jobs that are not finished."""
        with self._engine.connect() as connection:
            return connection.execute(select(func.count()).select_from(JobRow)).scalar_one()


def _view(row: Row[Any]) -> PredictionView:
    values = {name: value for name, value in row._mapping.items() if name in PredictionView.model_fields}
    values["created"] = datetime.fromtimestamp(row.created, UTC)
    values["finished"] = None if row.finished is None else datetime.fromtimestamp(row.finished, UTC)
    return PredictionView.model_validate(values)
