"""`senoscope evaluate`: measure bundles on a dataset and write the reports."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from senoscope.evidence.evaluation.boxes import BoxEvaluation
    from senoscope.evidence.evaluation.evaluation import Evaluation
    from senoscope.evidence.evaluation.multiclass import MulticlassEvaluation
    from senoscope.evidence.evaluation.outlines import OutlineEvaluation
    from senoscope.evidence.evaluation.tissue import TissueEvaluation
    from senoscope.evidence.metrics.aggregation import Level, Rule
    from senoscope.runtime.detecting import Detector
    from senoscope.runtime.outlining import Outliner
    from senoscope.runtime.predictor import Model

LEVELS: "tuple[Level, ...]" = ("image", "breast", "patient")
RULES: "tuple[Rule, ...]" = ("mean", "max", "noisy_or")


@dataclass(frozen=True)
class Request:
    """What was asked for, but for the bundles."""

    data: Path
    dataset: str
    split: str
    split_file: Path | None
    operating_point: str
    trained_on: bool
    level: "Level"
    rule: "Rule"
    prevalence: float | None
    answers: Mapping[str, Path]


def evaluate(
    bundles: Annotated[
        list[str],
        typer.Argument(
            metavar="BUNDLE",
            help="A shipped bundle, a bundle folder, or a run folder; NAME=BUNDLE calls it something else. "
            "Several are compared on the same images.",
        ),
    ],
    data: Annotated[Path, typer.Option(help="Folder that holds the dataset in its publisher's layout.")],
    out: Annotated[Path, typer.Option(help="Folder for report.html, report.json and predictions.csv.")],
    dataset: Annotated[
        str, typer.Option(help="Name of the dataset. Default: the one the first bundle was trained on.")
    ] = "",
    split: Annotated[
        str, typer.Option(help="Part of the split, or all. Default: test on the bundle's own dataset, else all.")
    ] = "",
    split_file: Annotated[Path | None, typer.Option(help="The run's split.csv. Default: beside the bundle.")] = None,
    operating_point: Annotated[str, typer.Option(help="Name of the threshold. Default: the bundle's.")] = "",
    level: Annotated[str, typer.Option(help="What the figures count: image, breast or patient.")] = "image",
    aggregate: Annotated[
        str, typer.Option(help="How a breast's or patient's images are pooled: mean, max or noisy_or. Default: mean.")
    ] = "",
    prevalence: Annotated[
        float | None,
        typer.Option(help="Share of women with the disease where the model is meant for: PPV, NPV and probabilities."),
    ] = None,
    trained_on: Annotated[
        bool,
        typer.Option("--trained-on", help="Evaluate on training data all the same; the report is marked as leaky."),
    ] = False,
    keep: Annotated[
        bool, typer.Option("--record", help="Add the figures to the bundle's manifest and card too.")
    ] = False,
    protocol: Annotated[
        str,
        typer.Option(
            help="patient; or paper: train the bundle's recipe (or a recipe, by name or file) on the dataset twice, "
            "divided image by image as papers do and by patient, and print the leakage gap."
        ),
    ] = "patient",
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="With --protocol paper: change a field of the recipe."),
    ] = None,
    answers: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=TABLE", help="As in train: a fact predicted_NAME, for records and for subgroups."),
    ] = None,
) -> None:
    """Measure bundles on a dataset: figures with 95 % intervals, curves, and one page that shows them."""
    from senoscope.cli.train import named_tables
    from senoscope.evidence.report.plots import require

    if _is_paper(protocol, changes):
        given: dict[str, object] = {"--split": split, "--split-file": split_file, "--operating-point": operating_point}
        given |= {"--aggregate": aggregate, "--prevalence": prevalence, "--trained-on": trained_on, "--record": keep}
        given |= {"--answers": answers}
        _gap(bundles, data, out, dataset, changes or [], given | {"--level": "" if level == "image" else level})
        return
    of_level, rule = _pooling(level, aggregate)
    known = named_tables(answers or [])
    share = _share(prevalence)
    request = Request(data, dataset, split, split_file, operating_point, trained_on, of_level, rule, share, known)
    names = [named(bundle) for bundle in bundles]
    require()
    _check_out(out)
    if len(bundles) == 1:
        _one(names[0][1], request, out, keep)
    else:
        _several(names, request, out, keep)


def _is_paper(protocol: str, changes: list[str] | None) -> bool:
    from senoscope.core.errors import UsageError

    if protocol not in ("patient", "paper"):
        raise UsageError(f"--protocol {protocol}: there is no such protocol", "patient or paper")
    if changes and protocol != "paper":
        raise UsageError("--set changes a recipe, and a bundle is finished", "train it, or say --protocol paper")
    return protocol == "paper"


def _check_out(out: Path) -> None:
    from senoscope.core.errors import UsageError

    # Said before an hour of answers, not after it.
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file", "name a folder")


def _gap(
    bundles: list[str], data: Path, out: Path, dataset: str, changes: list[str], others: Mapping[str, object]
) -> None:
    from senoscope.cli.gap import show_gap
    from senoscope.core.errors import UsageError

    if len(bundles) != 1:
        raise UsageError(f"--protocol paper takes one bundle or recipe, not {len(bundles)}", "run it once for each")
    unfit = [option for option, value in others.items() if value]
    if unfit:
        raise UsageError(f"{unfit[0]} does not go with --protocol paper", "it trains and tests every fold anew")
    _check_out(out)
    show_gap(bundles[0], data, out, dataset, tuple(changes))


def named(argument: str) -> tuple[str, str]:
    """Name and place of a bundle: `NAME=PLACE`, or only the place, whose name is then the bundle's own ("" here)."""
    name, sign, place = argument.partition("=")
    if sign and re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) and not Path(argument).exists():
        return name, place
    return "", argument


def _pooling(level: str, aggregate: str) -> "tuple[Level, Rule]":
    from senoscope.core.errors import UsageError

    of_level = next((known for known in LEVELS if known == level), None)
    rule = next((known for known in RULES if known == (aggregate or "mean")), None)
    if of_level is None:
        raise UsageError(f"--level {level}: there is no such level", f"levels: {', '.join(LEVELS)}")
    if rule is None:
        raise UsageError(f"--aggregate {aggregate}: there is no such rule", f"rules: {', '.join(RULES)}")
    if aggregate and of_level == "image":
        raise UsageError("--aggregate pools images, and --level image leaves them single", "say --level patient")
    return of_level, rule


def _share(prevalence: float | None) -> float | None:
    from senoscope.core.errors import UsageError

    if prevalence is not None and not 0 < prevalence < 1:
        raise UsageError(f"--prevalence {prevalence:g} is no share between 0 and 1", "6 in 1000 is 0.006")
    return prevalence


def _one(place: str, request: Request, out: Path, keep: bool) -> None:
    from senoscope.cli.figures import show, show_multiclass, show_places, show_tissue
    from senoscope.evidence.bundles.packing import record
    from senoscope.evidence.evaluation.evaluation import Evaluation
    from senoscope.evidence.evaluation.multiclass import MulticlassEvaluation
    from senoscope.evidence.evaluation.tissue import TissueEvaluation
    from senoscope.evidence.report.files import write_report
    from senoscope.runtime.store import load_any

    model = load_any(place)
    found = measure(model, request)
    page = write_report(found, out)
    if keep:
        record(model.folder, model.manifest, found.metric_table())
    if isinstance(found, Evaluation):
        show(found)
    elif isinstance(found, MulticlassEvaluation):
        show_multiclass(found)
    elif isinstance(found, TissueEvaluation):
        show_tissue(found)
    else:
        show_places(found)
    typer.echo(f"Report: {page}")


def _several(named_places: Sequence[tuple[str, str]], request: Request, out: Path, keep: bool) -> None:
    from senoscope.cli.figures import show_comparison
    from senoscope.evidence.bundles.packing import record
    from senoscope.evidence.evaluation.comparison import check_names, check_question, compare
    from senoscope.evidence.evaluation.evaluation import Evaluation
    from senoscope.evidence.report.comparison_page import comparison_files
    from senoscope.evidence.report.files import report_files, write_files
    from senoscope.runtime.store import load

    models = [load(place) for _, place in named_places]
    names = [name or model.manifest.name for (name, _), model in zip(named_places, models, strict=True)]
    # What cannot be compared is said before an hour of answers, not after it.
    check_names(names)
    check_question([model.manifest for model in models], names)
    for model in models:
        _check_point(model, request.operating_point)
    of = request.dataset or models[0].manifest.recipe.dataset
    found = [one for model in models if isinstance(one := measure(model, request, of), Evaluation)]
    comparison = compare(found, names)
    files = {name: report_files(one) for name, one in zip(names, found, strict=True)}
    pages = comparison_files(comparison)
    for name, texts in files.items():
        write_files(texts, out / name)
    write_files(pages, out)
    if keep:
        for model, one in zip(models, found, strict=True):
            record(model.folder, model.manifest, one.metric_table())
    show_comparison(comparison)
    typer.echo(f"Comparison: {out / 'comparison.html'}")


def _check_point(model: "Model", name: str) -> None:
    from senoscope.core.errors import UsageError

    known = [point.name for point in model.manifest.operating_points]
    if name and name not in known:
        raise UsageError(f"{model.manifest.name} has no operating point {name!r}", f"it has: {', '.join(known)}")


def measure(
    model: "Model | Outliner | Detector", request: Request, dataset: str = ""
) -> "Evaluation | MulticlassEvaluation | OutlineEvaluation | TissueEvaluation | BoxEvaluation":
    """Evaluate one bundle as asked, with a bar that tells how far it is."""
    from rich.console import Console
    from rich.progress import Progress

    from senoscope.cli.parts import choose_part
    from senoscope.evidence.datasets import DATASETS
    from senoscope.evidence.evaluation.evaluate import evaluate as measured
    from senoscope.evidence.index.answered import with_answers
    from senoscope.evidence.index.exams import exams_for
    from senoscope.runtime.detecting import Detector
    from senoscope.runtime.outlining import Outliner

    _check_asked(model, request)
    name = dataset or request.dataset or model.manifest.recipe.dataset
    listed = with_answers(DATASETS.get(name).samples_for(model.task, request.data), request.answers)
    index = listed.with_files() if model.sees else listed
    index, held_out = choose_part(model, index, request.split, request.split_file, request.trained_on)
    console, point = Console(stderr=True), request.operating_point
    total = len(index) if isinstance(model, Outliner | Detector) else len(exams_for(index, model.manifest.exam))
    with Progress(console=console, disable=not console.is_terminal, transient=True) as bar:
        advance = partial(bar.advance, bar.add_task(f"evaluating {model.manifest.name}", total=total))
        if isinstance(model, Outliner):
            return measured(model, index, operating_point=point, held_out=held_out, progress=advance)
        if isinstance(model, Detector):
            return measured(model, index, operating_point=point, held_out=held_out, progress=advance)
        return measured(
            model,
            index,
            operating_point=point,
            held_out=held_out,
            level=request.level,
            rule=request.rule,
            prevalence=request.prevalence,
            progress=advance,
        )


def _check_asked(model: "Model | Outliner | Detector", request: Request) -> None:
    from senoscope.core.errors import UsageError
    from senoscope.runtime.detecting import Detector
    from senoscope.runtime.outlining import Outliner

    if not isinstance(model, Outliner | Detector):
        return
    unfit = "--level" if request.level != "image" else "--prevalence" if request.prevalence is not None else ""
    if unfit:
        raise UsageError(f"{unfit} is for answers that are labels, and {model.manifest.name} says where something is")
