"""The command line: one file per group of verbs; whatever is heavy is imported inside a command."""

import io
import sys
from importlib import import_module

import typer

from senoscope.core.errors import SenoscopeError, UsageError, printable

app = typer.Typer(
    name="senoscope",
    help="Breast-imaging AI along the triple assessment. Research use only; not for diagnosis.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

VERBS = {
    "serve": ("serve", "serve"),
    "predict": ("predict", "predict"),
    "train": ("train", "train"),
    "evaluate": ("evaluate", "evaluate"),
    "deidentify": ("deidentify", "deidentify"),
    "doctor": ("doctor", "doctor"),
}
"""Verb → module of this package and function in it."""
EXAMPLES = {
    "serve": """\b
Examples:
  senoscope serve
  senoscope serve --port 9000 --home records""",
    "predict": """\b
Examples:
  senoscope predict ultrasound scan.png
  senoscope predict ultrasound FOLDER --format csv > answers.csv
  senoscope predict ultrasound FOLDER --out answers      # with pictures of the evidence
  senoscope predict ultrasound scan.png --bundle runs/mine --operating-point screening
  senoscope predict ultrasound scan.dcm --out results --dicom sr,gsps,sc      # for the archive (extra dicom)
  senoscope predict mammography FOLDER --out results --dicom cad,evidence --fhir r4b
  senoscope predict screening WOMEN --facts women.csv --bundle runs/mine      # a folder an exam
  senoscope predict screening --facts women.csv --bundle runs/record          # a bundle without pictures
  senoscope predict idc slide.svs --bundle runs/idc --out maps                # a whole slide, or a folder of them
  senoscope predict idc SLIDES --bundle runs/idc --out maps --mpp 0.25 --overlap 0.5 --skip-errors""",
    "train": """\b
Examples:
  senoscope train ultrasound --data DATASETS --out runs/ultrasound
  senoscope train ultrasound --data DATASETS --out runs/v2 --set model.backbone=mobilenetv2_100
  senoscope train mine.toml --data DATASETS --out runs/mine""",
    "evaluate": """\b
Examples:
  senoscope evaluate ultrasound --data DATASETS --dataset bus_bra --out report
  senoscope evaluate runs/mine --data DATASETS --split test --out report
  senoscope evaluate runs/mine --data DATASETS --dataset bus_bra --level patient --aggregate max --out report
  senoscope evaluate ultrasound --data DATASETS --dataset bus_bra --prevalence 0.006 --out report
  senoscope evaluate old=runs/v1 new=runs/v2 --data DATASETS --dataset bus_bra --out comparison
  senoscope evaluate mammography_leakage --protocol paper --data DATASETS --out gap""",
    "deidentify": """\b
Examples:
  senoscope deidentify STUDY CLEAN
  senoscope deidentify STUDY CLEAN --keep-dates shift --retain patient
  senoscope deidentify ULTRASOUND CLEAN --clean-pixels --key secret.key""",
    "doctor": """\b
Example:
  senoscope doctor""",
}
"""Verb → examples that its help ends with; \\b keeps the lines as they are."""
GROUPS = {"data": ("data", "data_app"), "models": ("models", "models_app")}
"""Group of verbs → module of this package and its typer app."""


def _mount(names: list[str]) -> None:
    for verb in names:
        if verb in VERBS:
            module, function = VERBS[verb]
            home = import_module(f"senoscope.cli.{module}")
            app.command(verb, epilog=EXAMPLES.get(verb))(getattr(home, function))
        else:
            module, group = GROUPS[verb]
            app.add_typer(getattr(import_module(f"senoscope.cli.{module}"), group), name=verb)


@app.callback(invoke_without_command=True)
def _about(version: bool = typer.Option(False, "--version", help="Print the version.")) -> None:
    if version:
        from senoscope import __version__

        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command line; an error of ours is one line, a hint, and exit status 1 (2 for a usage error)."""
    for stream in (sys.stdout, sys.stderr):
        # A file's name may hold what the terminal's encoding has no sign for.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    every = [*VERBS, *GROUPS]
    asked = sys.argv[1] if len(sys.argv) > 1 else ""
    # One verb alone is loaded when it is the one asked for: a prediction starts in half the time.
    _mount([asked] if asked in every else every)
    try:
        app()
    except SenoscopeError as error:
        typer.echo(f"error: {printable(error.message)}", err=True)
        if error.hint:
            typer.echo(f"hint: {printable(error.hint)}", err=True)
        sys.exit(2 if isinstance(error, UsageError) else 1)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        typer.echo(f"error: {printable(f'{place}{error.strerror or error}')}", err=True)
        sys.exit(1)
