"""`senoscope predict TASK SLIDE...`: whole slides in; maps, regions, areas and hot spots out."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.progress import Progress

    from senoscope.runtime.slides.job import Settings
    from senoscope.runtime.slides.rows import Answer
    from senoscope.runtime.slides.tiles import SlideModel


@dataclass(frozen=True)
class SlideOptions:
    """What `predict` was told beyond its paths.

    Args:
        form: table, json or csv.
        out: folder for results; None prints what the slides come to and keeps nothing.
        bundle: name or path; the task's where empty.
        operating_point: name of the threshold; the bundle's where empty.
        mpp: µm per pixel, where the slides do not say it.
        overlap: share of a tile's side that it has in common with the next.
        skip_errors: whether slides that failed in an earlier run are left alone.
        workers: slides at once, by Ray; 0 runs one after the other without it.
    """

    form: str
    out: Path | None
    bundle: str
    operating_point: str
    mpp: float | None
    overlap: float
    skip_errors: bool
    workers: int


def slides_asked(task: str, paths: Sequence[Path]) -> list[Path]:
    """The slides meant by paths, where the task may be asked about slides; raises `UsageError` for a mixture."""
    from senoscope.core.errors import UsageError
    from senoscope.core.io.slide import find_slides
    from senoscope.core.tasks import TASKS

    if TASKS.get(task).microns_per_pixel is None:
        return []
    slides = find_slides(paths)
    stills = [path for path in paths if path.is_file() and path not in slides]
    if slides and stills:
        raise UsageError(f"{stills[0]} is a still, and {slides[0]} a whole slide", "ask about them one after the other")
    return slides


def predict_slides(task: str, slides: Sequence[Path], options: SlideOptions) -> None:
    """Ask about slides, print what they come to, and write the rest; the exit status is 1 where one failed."""
    from senoscope.core.errors import UsageError
    from senoscope.evidence.tables.rows import write_rows
    from senoscope.runtime.slides.job import Settings
    from senoscope.runtime.slides.outliner import slide_model
    from senoscope.runtime.slides.rows import COLUMNS, FORMS, row
    from senoscope.runtime.store import find_for_task, load_any

    write, settings = FORMS.get(options.form), Settings(options.mpp, _parts(options.overlap))
    name = options.bundle or find_for_task(task)
    model = load_any(name)
    if model.task.name != task:
        raise UsageError(f"bundle {model.manifest.name!r} answers {model.task.name!r}, not {task!r}")
    asked = slide_model(model, options.operating_point)
    with _bars(len(slides)) as bars:
        found = _Counted(_answers(slides, name, asked, options, settings, bars), bars)
        for line in write(found):
            typer.echo(line)
    if options.out is not None:
        target = options.out / "summary.csv"
        write_rows(target, COLUMNS, [row(one) for one in found.every])
        typer.echo(f"{len(found.every)} slides, {found.failed} failed: {target}", err=True)
    if found.failed:
        raise typer.Exit(1)


def _answers(
    slides: Sequence[Path],
    bundle: str,
    asked: "SlideModel",
    options: SlideOptions,
    settings: "Settings",
    bars: "_Bars",
) -> "Iterator[Answer]":
    from senoscope.runtime.slides.company import run_by_ray
    from senoscope.runtime.slides.job import run_slides

    point, out, skip = options.operating_point, options.out, options.skip_errors
    if options.workers:
        return run_by_ray(slides, bundle, point, settings, out, workers=options.workers, skip_failed=skip)
    return run_slides(slides, asked, settings, out, skip_failed=skip, progress=bars.tiles)


class _Counted:
    """Answers as they come, kept and counted."""

    def __init__(self, answers: "Iterable[Answer]", bars: "_Bars") -> None:
        self._answers, self._bars = answers, bars
        self.every: list[Answer] = []

    def __iter__(self) -> "Iterator[Answer]":
        for answer in self._answers:
            self.every.append(answer)
            self._bars.slide()
            yield answer

    @property
    def failed(self) -> int:
        from senoscope.runtime.reading import Failure

        return sum(isinstance(one, Failure) for one in self.every)


class _Bars:
    """Slides done, and the tiles of the one in work with their rate and the time left."""

    def __init__(self, bars: "Progress", slides: int) -> None:
        self._bars = bars
        self._slides = bars.add_task("slides", total=slides, rate="")
        self._tiles = bars.add_task("tiles", total=None, rate="", visible=False)
        self._start, self._before = 0.0, -1

    def slide(self) -> None:
        """One more slide is done."""
        self._before = -1
        self._bars.advance(self._slides)

    def tiles(self, done: int, total: int) -> None:
        """So many tiles of the slide in work are done."""
        if self._before < 0:
            # What an earlier run had done says nothing of how fast this one is.
            self._start, self._before = time.monotonic(), done
            self._bars.reset(self._tiles, total=total, completed=done, visible=True)
        new = done - self._before
        rate = new / max(time.monotonic() - self._start, 1e-6)
        self._bars.update(self._tiles, completed=done, total=total, rate=f"{rate:.0f} tiles/s" if new else "")


@contextmanager
def _bars(slides: int) -> Iterator[_Bars]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    rate = TextColumn("{task.fields[rate]}")
    with Progress(*columns, rate, console=console, disable=not console.is_terminal, transient=True) as bars:
        yield _Bars(bars, slides)


def _parts(overlap: float) -> int:
    from senoscope.core.errors import UsageError

    parts = round(1 / (1 - overlap)) if 0 <= overlap < 1 else 0
    if not 1 <= parts <= 10 or abs(1 - 1 / parts - overlap) > 0.005:
        raise UsageError(f"--overlap {overlap:g}: tiles cannot overlap so", "0, 0.5 or 0.8 of a tile, for instance")
    return parts
