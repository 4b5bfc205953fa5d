"""Predictions as a table for a terminal."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from senoscope.core.domain.outline import OutlinePrediction
from senoscope.core.domain.prediction import Answer, ExamPrediction
from senoscope.core.errors import printable
from senoscope.runtime.outputs.json import RESEARCH_USE
from senoscope.runtime.reading import Failure

WIDTH = 48
"""Characters of the file's name that are shown, its end first."""


def lines(answers: Iterable[Answer | Failure]) -> Iterator[str]:
    """One line a file or an exam as it is answered, its doubts beneath it, and the notice last."""
    yield f"{'file':<{WIDTH}}  {'answer':<22}  {'probability':>11}  {'operating point':<22}"
    for answer in answers:
        yield from _rows(answer)
    yield RESEARCH_USE


def _rows(answer: Answer | Failure) -> Iterator[str]:
    name = printable(answer.source)
    name = name if len(name) <= WIDTH else "…" + name[1 - WIDTH :]
    if isinstance(answer, Failure):
        yield f"{name:<{WIDTH}}  error: {printable(answer.error.message)}"
        if answer.error.hint:
            yield f"{'':<{WIDTH}}  hint: {printable(answer.error.hint)}"
        return
    label = "no answer" if answer.abstained else answer.label
    # Of two labels the probability is of the positive one; of more, of the one that is called.
    chance = "–" if answer.abstained else f"{answer.probabilities[answer.explained]:.1%}"
    bound = "" if answer.threshold is None else f" ≥ {answer.threshold:.1%}"
    point = f"{answer.operating_point}{bound}"
    yield f"{name:<{WIDTH}}  {label:<22}  {chance:>11}  {point:<22}"
    if len(answer.probabilities) > 2 and not answer.abstained:
        yield f"{'':<{WIDTH}}  {', '.join(f'{name} {share:.1%}' for name, share in answer.probabilities.items())}"
    if isinstance(answer, ExamPrediction) and len(answer.views) > 1 and not answer.abstained:
        shares = ", ".join(f"{printable(Path(view.source).name)} {view.share:.0%}" for view in answer.views)
        yield f"{'':<{WIDTH}}  share of its images: {shares}"
    if isinstance(answer, OutlinePrediction) and answer.regions and not answer.abstained:
        yield f"{'':<{WIDTH}}  {_regions(answer)}"
    for flag in answer.trust.flags:
        yield f"{'':<{WIDTH}}  {printable(flag.message)}"


def _regions(answer: OutlinePrediction) -> str:
    """The largest region, and how many there are."""
    region, count = answer.regions[0], len(answer.regions)
    left, top, _, _ = region.box.edges
    several = f"{count} regions, the largest " if count > 1 else ""
    return f"{several}{region.label}, {region.share:.1%} of the picture, {region.box.size} pixels from ({left}, {top})"
