"""Files that appear whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from senoscope.core.errors import RunError


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`, and put what was written there in its place once the block is through.

    Raises:
        RunError: the place cannot be written, or the disk is full.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=path.suffix, dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise unwritten(path, error) from error


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file by way of a temporary one beside it; folders are made; raises `RunError` as `whole` does."""
    with whole(path) as temporary:
        temporary.write_bytes(content)


def unwritten(path: Path, error: OSError) -> RunError:
    """Return the error for a place that cannot be written."""
    why = error.strerror or str(error)
    return RunError(f"{path} cannot be written: {why}", "make room, or name another folder with --out")
