"""`senoscope serve`."""

from pathlib import Path
from typing import Annotated

import typer


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.  [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes a free one.  [default: 8000]")] = None,
    home: Annotated[Path | None, typer.Option(help="Folder of the records, the pictures and further bundles.")] = None,
    allow_remote: Annotated[
        bool | None, typer.Option("--allow-remote", help="Listen beyond this machine, without users or passwords.")
    ] = None,
) -> None:
    """Serve the page and the REST interface on this machine."""
    from senoscope.clinic.server import serve as run
    from senoscope.clinic.settings import settings

    run(settings(host=host, port=port, home=home, allow_remote=allow_remote), _announce)


def _announce(link: str) -> None:
    typer.echo(f"Senoscope answers on {link}  (Ctrl+C stops it; research use only, not for diagnosis)")
