"""`senoscope doctor`: what works on this machine, and what to install for the rest."""

import os
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

import typer

NEEDED = ("numpy", "pillow", "onnxruntime", "imagecodecs", "tifffile", "fastapi", "sqlalchemy")
EXTRAS = {
    "report": ("matplotlib",),
    "dicom": ("highdicom", "reportlab"),
    "train": ("torch", "torchvision", "timm", "onnx", "lightning_fabric"),
}


def doctor() -> None:
    """Check the installation: packages, extras, shipped bundles, folders; exit status 1 where something is broken."""
    from senoscope import __version__
    from senoscope.core.errors import BundleError
    from senoscope.runtime.store import shipped, verify

    typer.echo(f"senoscope {__version__}, Python {sys.version.split()[0]}, {os.cpu_count()} cores")
    broken = False
    for package in NEEDED:
        try:
            typer.echo(f"  ok       {package} {version(package)}")
        except PackageNotFoundError:
            broken = True
            typer.echo(f"  missing  {package}: pip install senoscope")
    for extra, modules in EXTRAS.items():
        missing = [module for module in modules if find_spec(module) is None]
        state = f"missing  extra {extra}: pip install 'senoscope[{extra}]'" if missing else f"ok       extra {extra}"
        typer.echo(f"  {state}")
    try:
        for manifest in shipped():
            verify(manifest.name)
            typer.echo(f"  ok       bundle {manifest.name} {manifest.version}")
    except BundleError as error:
        broken = True
        typer.echo(f"  broken   {error}")
    for name in ("SENOSCOPE_DATA", "SENOSCOPE_WEIGHTS", "SENOSCOPE_CACHE", "SENOSCOPE_HOME"):
        typer.echo(f"  {name} = {os.environ.get(name, '(not set)')}")
    if broken:
        raise typer.Exit(1)
