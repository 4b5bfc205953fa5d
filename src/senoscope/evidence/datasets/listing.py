"""Files of a dataset's folder, in a fixed order, none of them outside it."""

import os
from collections.abc import Sequence
from pathlib import Path

from senoscope.core.errors import DatasetError, printable
from senoscope.evidence.index import Dropped
from senoscope.evidence.tables.rows import path_inside

LARGEST_NOTE = 2**20
"""Bytes of a text file that describes a set."""


def files_below(root: Path, folder: Path, suffixes: Sequence[str]) -> tuple[list[str], list[Dropped]]:
    """List the files below a folder that have one of these extensions.

    Args:
        root: folder the dataset lies in.
        folder: where to look, within the root; links to folders are not followed.
        suffixes: extensions in lower case, with the dot.

    Returns:
        Paths relative to the root, sorted; and, as dropped, links that leave the root and names with control signs.
        Hidden names are passed over.
    """
    found: list[str] = []
    dropped: list[Dropped] = []
    waiting = [str(folder)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif entry.name.lower().endswith(tuple(suffixes)):
                    name = Path(entry.path).relative_to(root).as_posix()
                    if not name.isprintable():
                        dropped.append(Dropped(printable(name), "a name that no table can hold"))
                    elif entry.is_symlink() and path_inside(root, name) is None:
                        dropped.append(Dropped(name, "a link that leaves the folder"))
                    elif entry.is_file():
                        found.append(name)
    return sorted(found), sorted(dropped, key=lambda item: item.path)


def lines_of(path: Path) -> list[str]:
    """Read the lines of a text file that describes a set, without blanks at their ends.

    Raises:
        DatasetError: it cannot be read, or has more than `LARGEST_NOTE` bytes.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_NOTE + 1)
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > LARGEST_NOTE:
        raise DatasetError(f"{path} has more than {LARGEST_NOTE // 2**20} MiB", "is this the right file?")
    return [line.strip() for line in data.decode("latin-1").splitlines()]
