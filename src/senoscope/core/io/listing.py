"""The files below a folder."""

import os
from pathlib import Path


def files_below(folder: Path) -> tuple[list[Path], list[Path]]:
    """List the files in a folder and below it, sorted, and the folders that may not be listed.

    Hidden ones are left out; a folder behind two links is visited once.
    """
    found: list[Path] = []
    unlisted: list[Path] = []
    seen: set[tuple[int, int]] = set()

    def refused(error: OSError) -> None:
        unlisted.append(Path(error.filename))

    for root, folders, files in os.walk(folder, onerror=refused, followlinks=True):
        identity = os.stat(root)
        if (identity.st_dev, identity.st_ino) in seen:
            folders.clear()
            continue
        seen.add((identity.st_dev, identity.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found.extend(Path(root) / name for name in files if not name.startswith("."))
    return sorted(found), unlisted
