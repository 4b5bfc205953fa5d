"""Finding what a publisher laid out, in a folder that someone may have unpacked one level deeper."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from senoscope.evidence.tables.rows import path_inside

PLAIN = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
"""Names that a table of paths can hold."""


def levels(root: Path, depth: int) -> Iterator[Path]:
    """Yield a folder, then the folders in it, and so on down to a depth; each level in alphabetical order."""
    level = [root]
    for _ in range(depth + 1):
        yield from level
        level = [entry for folder in level for entry in subfolders(folder)]


def subfolders(folder: Path) -> list[Path]:
    """List the folders in a folder, in alphabetical order, links and hidden ones left out."""
    try:
        found = sorted(folder.iterdir())
    except OSError:
        return []
    return [entry for entry in found if entry.is_dir() and not entry.is_symlink() and not entry.name.startswith(".")]


def nearest(root: Path, patterns: Sequence[str], depth: int = 2) -> Path | None:
    """Return the first file that a glob pattern names, nearest to the root; earlier patterns go first in a folder."""
    for folder in levels(root, depth):
        for pattern in patterns:
            for path in sorted(folder.glob(pattern)):
                if path.is_file() and not path.name.startswith((".", "~")) and inside(root, path):
                    return path
    return None


def inside(root: Path, path: Path) -> bool:
    """Whether a path lies within the root, links followed, and has a name that a table can hold."""
    relative = path.relative_to(root).as_posix()
    return PLAIN.fullmatch(relative) is not None and path_inside(root, relative) is not None


def below(root: Path, path: Path) -> str:
    """Return a path relative to the root, with forward slashes."""
    return path.relative_to(root).as_posix()
