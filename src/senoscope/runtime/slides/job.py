"""One slide from file to results, and many one after the other; each may stop and go on."""

import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from senoscope.core.errors import InputError, RunError, SenoscopeError, UsageError
from senoscope.core.io.slide import SlideReader, open_slide
from senoscope.runtime.reading import Failure
from senoscope.runtime.slides.loop import BATCH, Progress, ask
from senoscope.runtime.slides.mask_files import files_of, write_codes, write_labelled, write_mask_overlay
from senoscope.runtime.slides.masks import asked, labelled, measured
from senoscope.runtime.slides.measure import SlideSummary, regions, summarise
from senoscope.runtime.slides.plan import LEAST_TISSUE, judge_tiles, make_grid
from senoscope.runtime.slides.saving import write_bytes
from senoscope.runtime.slides.sheet import NumberSheet
from senoscope.runtime.slides.tiles import Question, SlideModel
from senoscope.runtime.slides.tissue import find_tissue
from senoscope.runtime.slides.writing import (
    MAP,
    OVERLAY,
    REGIONS,
    SUMMARY,
    write_map,
    write_overlay,
    write_regions,
    write_summary,
)

VERSION = 1
"""Of what a run does; results of another are made anew."""

STATE, KEPT, KEPT_MAP = "state.json", ".answers.npz", ".answers.map"
_ENDS = 2**20
"""Bytes at either end of a slide's file by which it is told from others; it may be many gigabytes."""

_LARGEST_SUMMARY = 1_000_000


@dataclass(frozen=True)
class Settings:
    """How slides are asked about.

    Args:
        microns: µm per pixel of level 0, where the files do not say it.
        parts: tiles start this many times a tile's side; above 1 they overlap and their answers are averaged.
        least_tissue: share of a tile that must be tissue.
        batch: tiles a run of the network takes.
        workers: threads that read ahead of the network.
    """

    microns: float | None = None
    parts: int = 1
    least_tissue: float = LEAST_TISSUE
    batch: int = BATCH
    workers: int = 2


@dataclass(frozen=True)
class State:
    """`state.json` of a slide: how far it came, so that a second run need not repeat the first.

    Args:
        status: running (or killed while it was), done or failed.
        identity: of slide, bundle and settings.
        attempts: how many runs began it.
        error: why it failed.
        hint: what to do about it.
    """

    status: Literal["running", "done", "failed"]
    identity: str
    attempts: int = 1
    error: str = ""
    hint: str = ""


_STATES, _SUMMARIES = TypeAdapter(State), TypeAdapter(SlideSummary)


def run_slides(
    paths: Sequence[Path],
    model: SlideModel,
    settings: Settings,
    out: Path | None = None,
    *,
    skip_failed: bool = False,
    progress: Progress | None = None,
) -> Iterator[SlideSummary | Failure]:
    """Ask about slides one after the other; one that fails does not keep the others.

    Args:
        paths: the slides' files.
        model: what answers.
        settings: how.
        out: folder for a folder of results each; None where nothing is written, and nothing can go on.
        skip_failed: whether slides that failed in an earlier run are left alone.
        progress: told of the tiles of each slide.

    Raises:
        UsageError: the request makes no sense for any slide.
    """
    for path in paths:
        yield run_or_fail(path, model, settings, out, skip_failed=skip_failed, progress=progress)


def run_or_fail(
    path: Path,
    model: SlideModel,
    settings: Settings,
    out: Path | None,
    *,
    skip_failed: bool = False,
    progress: Progress | None = None,
) -> SlideSummary | Failure:
    """Ask about one slide, and say why where it cannot be; see `run_slides`."""
    folder, state = None, State("running", "")
    try:
        digest = digest_of(path)
        identity = identity_of(digest, model, settings)
        folder = out / folder_name(path, identity) if out else None
        before = _state(folder, identity)
        if folder and before and before.status == "failed" and skip_failed:
            return Failure(str(path), RunError(f"{before.error} (in an earlier run)", before.hint))
        finished = _finished(folder, path, model.question) if folder and before and before.status == "done" else None
        if finished:
            return finished
        state = State("running", identity, before.attempts + 1 if before else 1)
        _keep(folder, state)
        found = run_slide(path, model, settings, folder, digest, progress)
        _keep(folder, State("done", identity, state.attempts))
        return found
    except UsageError:
        raise
    except SenoscopeError as error:
        return _failed(path, folder, state, error)


def run_slide(
    path: Path,
    model: SlideModel,
    settings: Settings,
    folder: Path | None,
    digest: str,
    progress: Progress | None = None,
) -> SlideSummary:
    """Ask about one slide and write what it comes to; see `run_slides`.

    Raises:
        InputError: it cannot be read.
        RunError: the results cannot be written.
    """
    with open_slide(path, settings.microns) as reader:
        if model.classes:
            return _run_masks(reader, model, settings, folder, digest, progress)
        grid = make_grid(reader, model.microns, model.patch, settings.parts)
        tissue = find_tissue(reader)
        kept = folder / KEPT if folder else None
        seen = judge_tiles(grid, tissue, settings.least_tissue)
        sheet = NumberSheet(grid, seen, kept, identity_of(digest, model, settings))
        ask(reader, grid, model, sheet, batch=settings.batch, workers=settings.workers, progress=progress)
        cells = sheet.cells()
        summary = summarise(reader, digest, model.question, grid, tissue, sheet.seen, cells)
        if folder and kept:
            title = f"Probability of {model.question.positive}: 0 no answer, 1 + 254 p"
            write_map(folder / MAP, cells, grid, digest, title)
            write_regions(folder / REGIONS, regions(reader, grid, cells, model.question.threshold), summary)
            write_overlay(folder / OVERLAY, tissue.picture, cells, grid)
            write_summary(folder / SUMMARY, summary)
            kept.unlink(missing_ok=True)
    return summary


def _run_masks(
    reader: SlideReader,
    model: SlideModel,
    settings: Settings,
    folder: Path | None,
    digest: str,
    progress: Progress | None,
) -> SlideSummary:
    # Without the resolution nothing can be measured: that is said before tissue is sought.
    make_grid(reader, model.microns, model.patch)
    tissue, question = find_tissue(reader), model.question
    with asked(
        reader,
        model,
        tissue,
        parts=settings.parts,
        least=settings.least_tissue,
        kept=folder / KEPT_MAP if folder else None,
        identity=identity_of(digest, model, settings),
        batch=settings.batch,
        workers=settings.workers,
        progress=progress,
    ) as (found, seen):
        summary = measured(reader, digest, question, tissue, found, seen)
        shown = labelled(reader, question, found, model.smallest)
        summary = replace(summary, regions=len(shown.get(question.positive, ())))
        if folder:
            write_codes(folder / files_of(question)[0], found, question, digest)
            write_labelled(folder / REGIONS, shown, summary)
            write_mask_overlay(folder / OVERLAY, tissue.picture, found, question)
            write_summary(folder / SUMMARY, summary)
    return summary


def folder_name(path: Path, identity: str) -> str:
    """Name of the folder for a slide's results: two slides of one name have two, and so has one asked differently."""
    stem = re.sub(r"[^\w.-]+", "_", path.stem)
    return f"{stem[:50]}_{identity[:8]}"


def digest_of(path: Path) -> str:
    """SHA-256 over a file's length, first and last bytes; raises `InputError` where it cannot be read."""
    try:
        with open(path, "rb") as file:
            length = os.fstat(file.fileno()).st_size
            found = hashlib.sha256(f"{length} ".encode())
            found.update(file.read(_ENDS))
            file.seek(max(0, length - _ENDS))
            found.update(file.read(_ENDS))
            return found.hexdigest()
    except OSError as error:
        raise InputError(f"{path}: {(error.strerror or 'cannot be read').lower()}", "check the spelling") from error


def identity_of(digest: str, model: SlideModel, settings: Settings) -> str:
    """SHA-256 of everything that changes an answer: slide, bundle, threshold, settings."""
    said = {
        "version": VERSION,
        "slide": digest,
        "model": model.identity,
        "question": asdict(model.question),
        "settings": {**asdict(settings), "workers": None},
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _state(folder: Path | None, identity: str) -> State | None:
    """What an earlier run of the same slide, bundle and settings left."""
    found = _parsed(folder / STATE) if folder else None
    return found if found is not None and found.identity == identity else None


def _parsed(path: Path) -> State | None:
    try:
        return _STATES.validate_json(path.read_bytes()) if path.stat().st_size <= _LARGEST_SUMMARY else None
    except (OSError, ValidationError):
        return None


def _finished(folder: Path, path: Path, question: Question) -> SlideSummary | None:
    """The results of an earlier run, where all of them are there."""
    try:
        if not all((folder / name).is_file() for name in files_of(question)):
            return None
        if (folder / SUMMARY).stat().st_size > _LARGEST_SUMMARY:
            return None
        content = json.loads((folder / SUMMARY).read_bytes())
        return _SUMMARIES.validate_python({**content, "source": str(path)})
    except (OSError, ValueError, TypeError):
        return None


def _keep(folder: Path | None, state: State) -> None:
    if folder:
        write_bytes(folder / STATE, (json.dumps(asdict(state), indent=1) + "\n").encode("utf-8", "backslashreplace"))


def _failed(path: Path, folder: Path | None, state: State, error: SenoscopeError) -> Failure:
    with suppress(RunError):  # the disk may be full, which is what the error says
        _keep(folder, State("failed", state.identity, state.attempts, error.message, error.hint))
    return Failure(str(path), error)
