"""`senoscope predict`: images and exams in, answers out."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from senoscope.cli.objects import Objects
    from senoscope.core.domain.prediction import Answer, Shown
    from senoscope.runtime.detecting import Detector
    from senoscope.runtime.outlining import Outliner
    from senoscope.runtime.predictor import Failure, Model


def predict(
    task: Annotated[
        str,
        typer.Argument(
            metavar="TASK",
            help="The clinical question, such as ultrasound or lesions; auto chooses it by DICOM headers.",
        ),
    ],
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PATH...",
            help="Images, or whole slides where the task is asked about them; a folder means the slides in it, else "
            "the images, or to a bundle of exams one exam. None where a bundle looks at no pictures.",
        ),
    ] = None,
    facts: Annotated[
        Path | None,
        typer.Option(
            metavar="TABLE",
            help="CSV of what is known beside the pictures, for bundles that go by it: a column exam (name of the "
            "folder, or of the file without its suffix), if wanted a column file, and one a fact.",
        ),
    ] = None,
    form: Annotated[str, typer.Option("--format", help="table, json (an object a line) or csv.")] = "table",
    out: Annotated[Path | None, typer.Option(help="Folder for the answers and a picture of the evidence each.")] = None,
    bundle: Annotated[str, typer.Option(help="A shipped bundle, a bundle folder, or a run. Default: the task's.")] = "",
    operating_point: Annotated[str, typer.Option(help="Name of the threshold. Default: the bundle's.")] = "",
    mpp: Annotated[
        float | None, typer.Option(help="Slides: µm per pixel, where the file does not say it; 0.25 is usual at 40×.")
    ] = None,
    overlap: Annotated[
        float, typer.Option(help="Slides: share of a tile that it has in common with the next; 0.5 gives a finer map.")
    ] = 0.0,
    skip_errors: Annotated[
        bool, typer.Option("--skip-errors", help="Slides: leave those alone that failed in an earlier run into --out.")
    ] = False,
    workers: Annotated[int, typer.Option(min=0, max=256, help="Slides: so many at once, by Ray (extra scale).")] = 0,
    dicom: Annotated[
        str,
        typer.Option(
            metavar="KINDS",
            help="Of DICOM images: objects for the archive into --out, with commas: sr, sr3d, cad, seg, evidence, sc, "
            "gsps, pmap, pdf, kos (extra dicom).",
        ),
    ] = "",
    fhir: Annotated[str, typer.Option(help="Of DICOM images: FHIR reports into --out, of release r4b or r5.")] = "",
) -> None:
    """Answer for images or exams: calibrated probability, label, evidence, and how far to trust it."""
    from senoscope.cli.auto import AUTO, answers_by_header
    from senoscope.cli.objects import objects_asked
    from senoscope.cli.slides import SlideOptions, predict_slides, slides_asked
    from senoscope.core.errors import UsageError
    from senoscope.core.tasks import TASKS
    from senoscope.runtime.outputs import OUTPUTS
    from senoscope.runtime.store import find_for_task, load_any

    OUTPUTS.get(form)
    if task == AUTO:
        found = answers_by_header(paths or [], bundle, operating_point)
        objects = objects_asked(dicom, fhir, out, found.networks)
        _write(_Counted(_Asked(found.answers, found.count, "images"), out, objects), form)
        return
    TASKS.get(task)
    slides = slides_asked(task, paths or [])
    if slides and (dicom or fhir):
        raise UsageError("whole slides are answered in tables and maps alone", "leave out --dicom and --fhir")
    if slides:
        options = SlideOptions(form, out, bundle, operating_point, mpp, overlap, skip_errors, workers)
        predict_slides(task, slides, options)
        return
    model = load_any(bundle or find_for_task(task))
    if model.task.name != task:
        raise UsageError(f"bundle {model.manifest.name!r} answers {model.task.name!r}, not {task!r}")
    objects = objects_asked(dicom, fhir, out, {model.manifest.name: model.manifest.model.sha256})
    _write(_Counted(_asked(model, paths or [], facts, operating_point), out, objects), form)


@dataclass(frozen=True)
class _Asked:
    """Answers to come, how many, and to what."""

    answers: "Iterable[Answer | Failure]"
    total: int
    what: str


def _asked(
    model: "Model | Outliner | Detector", paths: Sequence[Path], facts: Path | None, operating_point: str
) -> _Asked:
    from senoscope.core.errors import MissingFileError, UsageError
    from senoscope.core.io import find_images
    from senoscope.evidence.index.asking import asked_exams, read_facts
    from senoscope.runtime.predictor import Model

    spec, name = model.manifest.exam if isinstance(model, Model) else None, model.manifest.name
    known = read_facts(facts, spec) if facts else None
    if paths and not model.sees:
        raise UsageError(f"{name} looks at no pictures: it goes by what is known alone", "leave out PATH")
    if not paths and model.sees:
        raise UsageError(f"{name} looks at pictures, and none is named", "senoscope predict TASK PATH...")
    kinds = "DICOM, PNG, JPEG, BMP, TIFF, PGM are read"
    nothing = MissingFileError(f"no pictures in {', '.join(map(str, paths))}", kinds)
    if spec is None or not isinstance(model, Model):
        images = find_images(paths)
        if not images:
            raise nothing
        return _Asked(model.stream(images, operating_point=operating_point), len(images), "images")
    if not model.sees and known is None:
        raise UsageError(f"{name} goes by what is known alone, and nothing is", "--facts TABLE.csv")
    exams = asked_exams(paths, spec, known) if model.sees or known is None else known.exams()
    if not exams:
        raise nothing
    return _Asked(model.stream_exams(exams, operating_point=operating_point), len(exams), "exams")


def _write(answers: "_Counted", form: str) -> None:
    """Print the answers as they come, or write them where a folder is given; exits with 1 where one failed."""
    from senoscope.evidence.tables.rows import write_text
    from senoscope.runtime.outputs import OUTPUTS

    lines = OUTPUTS.get(form)(answers)
    if answers.out is None:
        for line in lines:
            typer.echo(line)
    else:
        answers.out.mkdir(parents=True, exist_ok=True)
        target = answers.out / f"predictions.{'txt' if form == 'table' else form}"
        write_text(target, "".join(f"{line}\n" for line in lines))
        typer.echo(f"{answers.count} {answers.asked.what}, {answers.failed} failed: {target}", err=True)
    if answers.failed:
        raise typer.Exit(1)


class _Counted:
    """Answers as they come, counted, with progress on a terminal and overlays where a folder is given."""

    def __init__(self, asked: _Asked, out: Path | None, objects: "Objects | None") -> None:
        self.asked, self.out, self._objects = asked, out, objects
        self.count = self.failed = 0

    def __iter__(self) -> Iterator["Answer | Failure"]:
        from rich.console import Console
        from rich.progress import track

        from senoscope.core.domain.prediction import ExamPrediction, Prediction

        console, asked = Console(stderr=True), self.asked
        quiet = not console.is_terminal or asked.total < 3
        for answer in track(
            asked.answers, "predicting", total=asked.total, console=console, disable=quiet, transient=True
        ):
            self.count += 1
            # No evidence for an answer that is withheld: the picture would say what the table does not.
            if isinstance(answer, Prediction) and not answer.abstained:
                self._overlay(answer, "")
            elif isinstance(answer, ExamPrediction) and not answer.abstained:
                for view in answer.views:
                    self._overlay(view, f"{Path(answer.name).name}_" if len(answer.views) > 1 else "")
            elif not isinstance(answer, Prediction | ExamPrediction):
                self.failed += 1
            if self._objects and isinstance(answer, Prediction | ExamPrediction):
                self._file(self._objects, answer)
            yield answer

    def _file(self, objects: "Objects", answer: "Answer") -> None:
        """Write objects of an answer; where that cannot be, say so and go on, as with a file that cannot be read."""
        from senoscope.core.errors import InputError, UsageError, printable

        try:
            objects.write(answer)
        except (InputError, UsageError) as error:
            self.failed += 1
            typer.echo(
                f"{printable(answer.source)}: nothing written for the archive: {printable(str(error))}", err=True
            )

    def _overlay(self, shown: "Shown", exam: str) -> None:
        from senoscope.core.domain.boxes import BoxPrediction
        from senoscope.core.domain.outline import OutlinePrediction
        from senoscope.core.io import read
        from senoscope.evidence.tables.rows import write_bytes, write_text
        from senoscope.runtime.outputs.boxes import boxes_png
        from senoscope.runtime.outputs.outlines import mask_png, outline_png, shares_csv
        from senoscope.runtime.outputs.overlay import overlay_png

        if self.out is None:
            return
        stem = re.sub(r"[^\w.-]+", "_", f"{exam[:40]}{Path(shown.source).stem}")[: 90 if exam else 50]
        # Two images of one name in different folders must not overwrite each other.
        name = f"{stem}_{shown.digest[:8]}"
        if isinstance(shown, OutlinePrediction):
            write_bytes(self.out / f"{name}_evidence.png", outline_png(read(shown.source), shown.codes))
            write_bytes(self.out / f"{name}_mask.png", mask_png(shown.codes, len(shown.labels)))
            if len(shown.labels) > 2:
                write_text(self.out / f"{name}_shares.csv", shares_csv(shown.codes, shown.labels))
        elif isinstance(shown, BoxPrediction):
            write_bytes(self.out / f"{name}_evidence.png", boxes_png(read(shown.source), shown.boxes))
        else:
            write_bytes(self.out / f"{name}_evidence.png", overlay_png(read(shown.source), shown.saliency))
