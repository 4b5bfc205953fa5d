"""The command line: one file per group of verbs; whatever is heavy is imported inside a command."""

import sys
from importlib import import_module

import typer

from senoscope.core.errors import SenoscopeError, UsageError

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
    "doctor": ("doctor", "doctor"),
}
"""Verb → module of this package and function in it."""
GROUPS = {"data": ("data", "data_app"), "models": ("models", "models_app")}
"""Group of verbs → module of this package and its typer app."""


def _mount(names: list[str]) -> None:
    for verb in names:
        if verb in VERBS:
            module, function = VERBS[verb]
            app.command(verb)(getattr(import_module(f"senoscope.cli.{module}"), function))
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
    every = [*VERBS, *GROUPS]
    asked = sys.argv[1] if len(sys.argv) > 1 else ""
    # One verb alone is loaded when it is the one asked for: a prediction starts in half the time.
    _mount([asked] if asked in every else every)
    try:
        app()
    except SenoscopeError as error:
        typer.echo(f"error: {error.message}", err=True)
        if error.hint:
            typer.echo(f"hint: {error.hint}", err=True)
        sys.exit(2 if isinstance(error, UsageError) else 1)
    except BrokenPipeError:
        # Whoever read the output has had enough (`| head`); there is nobody left to tell.
        sys.stderr.close()
        sys.exit(141)
