"""What slides come to as rows of a table."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict

from senoscope.core.errors import printable
from senoscope.core.registry import Registry
from senoscope.runtime.outputs.json import RESEARCH_USE
from senoscope.runtime.outputs.table import WIDTH
from senoscope.runtime.reading import Failure
from senoscope.runtime.slides.measure import SlideSummary

_TILES = ("answered", "withheld", "blurred", "pen", "glass")
COLUMNS = (
    *("file", "task", "bundle", "tissue_mm2", "answered_mm2", "positive_mm2", "fraction", "mean", "highest"),
    *("regions", "hot_spots", *(f"tiles_{kind}" for kind in _TILES), "warnings"),
)

Answer = SlideSummary | Failure
Form = Callable[[Iterable[Answer]], Iterator[str]]


def row(answer: Answer) -> dict[str, object]:
    """One slide as a row of `COLUMNS`; a hot spot is "x y probability", in pixels of level 0."""
    if isinstance(answer, Failure):
        return {"file": answer.source, "warnings": f"error: {answer.error.message}"}
    asked, spots = answer.question, answer.hot_spots
    figures = {"tissue_mm2": answer.tissue_mm2, "answered_mm2": answer.answered_mm2}
    figures["positive_mm2"] = answer.positive_mm2
    shares = {"fraction": answer.fraction, "mean": answer.mean, "highest": answer.highest}
    return {
        "file": answer.source,
        "task": asked.task,
        "bundle": asked.bundle,
        **{name: "" if value is None else f"{value:.4f}" for name, value in {**figures, **shares}.items()},
        "regions": answer.regions,
        "hot_spots": "; ".join(f"{spot.x} {spot.y} {spot.probability:.4f}" for spot in spots),
        **{f"tiles_{kind}": answer.tiles.get(kind, 0) for kind in _TILES},
        "warnings": " ".join(answer.warnings),
    }


def csv_lines(answers: Iterable[Answer]) -> Iterator[str]:
    """A header, and a line a slide."""
    yield ",".join(COLUMNS)
    for answer in answers:
        buffer = io.StringIO(newline="")
        csv.DictWriter(buffer, COLUMNS, restval="", lineterminator="").writerow(row(answer))
        yield buffer.getvalue()


def json_lines(answers: Iterable[Answer]) -> Iterator[str]:
    """One JSON object a slide."""
    for answer in answers:
        if isinstance(answer, Failure):
            error = answer.error
            said = {"code": error.code, "message": error.message, "hint": error.hint}
            yield json.dumps({"file": answer.source, "error": said}, ensure_ascii=False)
        else:
            yield json.dumps({**asdict(answer), "notice": RESEARCH_USE}, ensure_ascii=False, allow_nan=False)


def table_lines(answers: Iterable[Answer]) -> Iterator[str]:
    """One line a slide as it is done, what is to be said of it beneath, and the notice last."""
    headings = f"{'tissue':>10}  {'positive':>10}  {'fraction':>8}  {'highest':>7}  {'tiles':>7}  withheld"
    yield f"{'slide':<{WIDTH}}  {headings}"
    for answer in answers:
        name = printable(answer.source)
        name = name if len(name) <= WIDTH else "…" + name[1 - WIDTH :]
        if isinstance(answer, Failure):
            yield f"{name:<{WIDTH}}  error: {printable(answer.error.message)}"
            yield from [f"{'':<{WIDTH}}  hint: {printable(answer.error.hint)}"] if answer.error.hint else []
            continue
        share, highest = (
            "–" if value is None else form.format(value)
            for value, form in ((answer.fraction, "{:.1%}"), (answer.highest, "{:.2f}"))
        )
        asked, withheld = answer.tiles["answered"] + answer.tiles["withheld"], answer.tiles["withheld"]
        areas = f"{f'{answer.tissue_mm2:.1f} mm²':>10}  {f'{answer.positive_mm2:.1f} mm²':>10}"
        yield f"{name:<{WIDTH}}  {areas}  {share:>8}  {highest:>7}  {asked:>7}  {withheld}"
        yield from (f"{'':<{WIDTH}}  {warning}" for warning in answer.warnings)
    yield RESEARCH_USE


FORMS: Registry[Form] = Registry("format", [("table", table_lines), ("json", json_lines), ("csv", csv_lines)])
