"""`senoscope models`: what ships, what its card says, whether it is intact."""

from typing import Annotated

import typer

models_app = typer.Typer(help="Bundles: list, show, verify.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="A shipped bundle, a bundle folder, or a run folder.")]


FIRST = {
    "macro_auc": "macro ROC AUC",
    "macro_dice": "mean Dice",
    "dice": "Dice",
    "froc_1": "sensitivity at 1 false positive an image",
    "roc_auc": "ROC AUC",
}
"""The figure that is told first; of several the first here, as what marks also says whether there is anything."""


@models_app.command("list")
def list_models() -> None:
    """List the bundles that ship, with the first figure of each evaluation."""
    from senoscope.runtime.store import shipped

    for manifest in shipped():
        typer.echo(f"{manifest.name} {manifest.version}  task {manifest.task}")
        for table in manifest.metrics:
            words, value = next((words, table.values[name]) for name, words in FIRST.items() if name in table.values)
            typer.echo(f"  {table.dataset}: {words} {value}, {table.images} images, {table.protocol}")


@models_app.command("show")
def show_model(name: Name) -> None:
    """Print a bundle's card."""
    from senoscope.evidence.bundles.packing import card
    from senoscope.runtime.store import locate, read_manifest

    typer.echo(card(read_manifest(locate(name))))


@models_app.command("verify")
def verify_models(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Default: all that ship.")] = None,
) -> None:
    """Check a bundle's hash, format and network, and run it once."""
    from senoscope.runtime.store import shipped, verify

    for name in names or [manifest.name for manifest in shipped()]:
        manifest = verify(name)
        typer.echo(f"{name}: intact ({manifest.name} {manifest.version}, sha256 {manifest.model.sha256[:12]}…)")
