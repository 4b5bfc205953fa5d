"""One training at a time in a run folder."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from senoscope.core.errors import RunError


@contextmanager
def held(out: Path) -> Iterator[None]:
    """Hold a run folder for this process; the kernel lets go of it however the process ends.

    A folder that was made for a run that did not begin is removed again.

    Raises:
        RunError: another process trains in it, or it cannot be written.
    """
    if out.exists() and not out.is_dir():
        raise RunError(f"{out} is not a folder", "give an empty or a new folder")
    made = not out.exists()
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = (out / ".lock").open("w")
    except OSError as error:
        raise RunError(f"{out} cannot be used: {error.strerror}", "choose another folder with --out") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RunError(
                f"another training works in {out}", "wait for it, stop it, or give another folder with --out"
            ) from error
        try:
            yield
        finally:
            if made and [item.name for item in out.iterdir()] == [".lock"]:
                (out / ".lock").unlink()
                out.rmdir()
