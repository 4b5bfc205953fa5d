"""`senoscope predict`: images in, answers out."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from senoscope.core.domain.prediction import Prediction
    from senoscope.runtime.predictor import Failure, Model


def predict(
    task: Annotated[str, typer.Argument(metavar="TASK", help="The clinical question: ultrasound.")],
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Images; a folder means the images in it.")],
    form: Annotated[str, typer.Option("--format", help="table, json (an object a line) or csv.")] = "table",
    out: Annotated[Path | None, typer.Option(help="Folder for the answers and a picture of the evidence each.")] = None,
    bundle: Annotated[str, typer.Option(help="A shipped bundle, a bundle folder, or a run. Default: the task's.")] = "",
    operating_point: Annotated[str, typer.Option(help="Name of the threshold. Default: the bundle's.")] = "",
) -> None:
    """Answer for images: calibrated probability, label, evidence, and how far to trust it."""
    from senoscope.core.errors import MissingFileError, UsageError
    from senoscope.core.io import find_images
    from senoscope.core.tasks import TASKS
    from senoscope.evidence.tables import write_text
    from senoscope.runtime.outputs import OUTPUTS
    from senoscope.runtime.store import find_for_task, load

    TASKS.get(task)
    write = OUTPUTS.get(form)
    model = load(bundle or find_for_task(task))
    if model.task.name != task:
        raise UsageError(f"bundle {model.manifest.name!r} answers {model.task.name!r}, not {task!r}")
    images = find_images(paths)
    if not images:
        raise MissingFileError(f"no pictures in {', '.join(map(str, paths))}", "PNG, JPEG, BMP, TIFF, PGM are read")
    answers = _Counted(model, images, operating_point, out)
    if out is None:
        for line in write(answers):
            typer.echo(line)
    else:
        out.mkdir(parents=True, exist_ok=True)
        target = out / f"predictions.{'txt' if form == 'table' else form}"
        write_text(target, "".join(f"{line}\n" for line in write(answers)))
        typer.echo(f"{answers.count} images, {answers.failed} failed: {target}", err=True)
    if answers.failed:
        raise typer.Exit(1)


class _Counted:
    """Answers as they come, counted, with progress on a terminal and overlays where a folder is given."""

    def __init__(self, model: "Model", images: list[Path], operating_point: str, out: Path | None) -> None:
        self._model, self._images, self._point, self._out = model, images, operating_point, out
        self.count = self.failed = 0

    def __iter__(self) -> Iterator["Prediction | Failure"]:
        from rich.console import Console
        from rich.progress import track

        from senoscope.runtime.predictor import Failure

        console = Console(stderr=True)
        answers = self._model.stream(self._images, operating_point=self._point)
        quiet = not console.is_terminal or len(self._images) < 3
        for answer in track(
            answers, "predicting", total=len(self._images), console=console, disable=quiet, transient=True
        ):
            self.count += 1
            self.failed += isinstance(answer, Failure)
            # No evidence for an answer that is withheld: the picture would say what the table does not.
            if self._out is not None and not isinstance(answer, Failure) and not answer.abstained:
                self._overlay(answer, self._out)
            yield answer

    def _overlay(self, answer: "Prediction", out: Path) -> None:
        from senoscope.core.io import read
        from senoscope.evidence.tables import write_bytes
        from senoscope.runtime.outputs.overlay import overlay_png

        stem = re.sub(r"[^\w.-]+", "_", Path(answer.source).stem)[:50]
        # Two images of one name in different folders must not overwrite each other.
        path = out / f"{stem}_{answer.digest[:8]}_evidence.png"
        write_bytes(path, overlay_png(read(answer.source), answer.saliency))
