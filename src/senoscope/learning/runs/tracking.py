"""A run in MLflow, where the extra `track` is installed: parameters, epochs, final figures and where the results lie.

What is told of epochs is read from the run folder's own `log.csv` files, so that a run that is taken up goes on where
it was cut, in the same run of MLflow. A tracker that fails is left alone from then on, and the training goes on.
"""

import csv
import json
import logging
import math
import os
import re
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import senoscope
from senoscope.core.domain.bundle import Interval
from senoscope.core.domain.recipe import Recipe
from senoscope.evidence.tables.rows import write_text

log = logging.getLogger(__name__)

URI, SWITCH = "MLFLOW_TRACKING_URI", "SENOSCOPE_TRACK"
"""Environment variables: where MLflow keeps its runs; and `off` where nothing is to be tracked."""
MANNERS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
"""Unless they are set: a server that is down must not hold training up for minutes, and nobody else is told of it."""
EVERY = 10.0
"""Seconds between two looks at the logs."""
MOST = 100
"""Parameters and figures told at once."""


class Tracker:
    """What is told of one run.

    Args:
        recipe: of the run.
        out: the run folder; it keeps `tracking.json`, which run of MLflow it is and which epochs have been told.
    """

    def __init__(self, recipe: Recipe, out: Path) -> None:
        self._recipe, self._out = recipe, out
        self._client: Any = None
        self._uri = self._run = ""
        self._told: dict[str, int] = {}
        self._next = 0.0
        self._off = find_spec("mlflow") is None or os.environ.get(SWITCH, "").lower() == "off"

    def following(self, progress: Callable[[str, int, int], None]) -> Callable[[str, int, int], None]:
        """Return what passes progress on and looks at the logs."""

        def advance(stage: str, done: int, total: int) -> None:
            progress(stage, done, total)
            self.look()

        return advance

    def look(self) -> None:
        """Tell of new epochs, if the last look is some time ago; before the run folder is opened there is nothing."""
        if time.monotonic() >= self._next and (self._out / "run.json").is_file():
            self._try(self._epochs)
            self._next = time.monotonic() + EVERY

    def finished(self, table: Mapping[str, Interval]) -> None:
        """Tell of the final figures, their 95 % intervals, the report and the bundle's card."""
        self._try(lambda: self._results(table))

    def end(self, status: str) -> None:
        """Close MLflow's run as FINISHED, FAILED or KILLED, if there is one."""
        if self._run:
            self._try(self._epochs)
            self._try(lambda: self._client.set_terminated(self._run, status))

    def _try(self, telling: Callable[[], None]) -> None:
        if self._off:
            return
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                if not self._run:
                    self._open()
                telling()
        except Exception as error:  # noqa: BLE001 # whatever a tracker does, it must not harm the training
            self._off = True
            words = " ".join(str(error).split())[:200]
            log.warning("MLflow is left alone from here on (%s: %s); the training goes on", type(error).__name__, words)

    def _open(self) -> None:
        for name, value in MANNERS.items():
            os.environ.setdefault(name, value)
        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.WARNING)
        from mlflow.tracking import MlflowClient

        home = self._out.resolve().parent
        self._uri = os.environ.get(URI) or f"sqlite:///{home / 'mlflow.db'}"
        self._client = MlflowClient(self._uri)
        kept = self._kept()
        if kept.get("uri") == self._uri:
            self._run, self._told = str(kept["run"]), dict(kept["told"])
            self._client.update_run(self._run, status="RUNNING")
            return
        run = self._client.create_run(
            self._experiment(None if os.environ.get(URI) else (home / "mlflow").as_uri()),
            run_name=self._out.resolve().name,
            tags={"senoscope": senoscope.__version__, "folder": str(self._out.resolve())},
        )
        self._parameters(run.info.run_id)
        self._run = run.info.run_id
        self._keep()

    def _experiment(self, place: str | None) -> str:
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", "senoscope")
        known = self._client.get_experiment_by_name(name)
        return str(known.experiment_id if known else self._client.create_experiment(name, artifact_location=place))

    def _parameters(self, run: str) -> None:
        from mlflow.entities import Param

        values = self._recipe.model_dump()
        flat = {key: value for key, value in values.items() if not isinstance(value, dict)}
        for name, table in values.items():
            if isinstance(table, dict):
                flat |= {f"{name}.{key}": value for key, value in table.items()}
        every = [Param(key, str(value)[:500]) for key, value in flat.items()]
        for begin in range(0, len(every), MOST):
            self._client.log_batch(run, params=every[begin : begin + MOST])

    def _epochs(self) -> None:
        found: list[tuple[str, float, int]] = []
        told = dict(self._told)
        for path in sorted(self._out.glob("folds/**/log.csv")):
            name = path.parent.relative_to(self._out / "folds").as_posix()
            rows = _rows(path)[told.get(name, 0) :]
            for row in rows:
                epoch = int(row.pop("epoch"))
                found += [(f"{name}/{key}", float(value), epoch) for key, value in row.items() if value]
            told[name] = told.get(name, 0) + len(rows)
        self._figures(found)
        if told != self._told:
            self._told = told
            self._keep()

    def _results(self, table: Mapping[str, Interval]) -> None:
        found = []
        for name, interval in table.items():
            values = {"": interval.value, "_low": interval.low, "_high": interval.high}
            found += [(f"final/{name}{end}", value, 0) for end, value in values.items()]
        self._figures(found)
        self._client.set_tag(self._run, "bundle", str((self._out / "bundle").resolve()))
        self._client.log_artifacts(self._run, str(self._out / "report"), "report")
        for name in ("bundle.json", "card.md"):
            if (self._out / "bundle" / name).is_file():
                self._client.log_artifact(self._run, str(self._out / "bundle" / name), "bundle")

    def _figures(self, found: list[tuple[str, float, int]]) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        every = [
            Metric(re.sub(r"[^\w./-]", "_", name), value, now, step)
            for name, value, step in found
            if math.isfinite(value)
        ]
        for begin in range(0, len(every), MOST):
            self._client.log_batch(self._run, metrics=every[begin : begin + MOST])

    def _kept(self) -> dict[str, Any]:
        try:
            found = json.loads((self._out / "tracking.json").read_text(encoding="utf-8"))
            return found if isinstance(found, dict) and {"run", "told"} <= found.keys() else {}
        except (OSError, ValueError):
            return {}

    def _keep(self) -> None:
        write_text(
            self._out / "tracking.json", json.dumps({"uri": self._uri, "run": self._run, "told": self._told}) + "\n"
        )


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@contextmanager
def tracked(recipe: Recipe, out: Path) -> Iterator[Tracker]:
    """Give what tells MLflow of a run while the block runs; silent where the extra `track` is not installed."""
    tracker = Tracker(recipe, out)
    try:
        yield tracker
    except BaseException as error:
        tracker.end("FAILED" if isinstance(error, Exception) else "KILLED")
        raise
    tracker.end("FINISHED")
