"""Exams that somebody asks about: folders of pictures, and a table of what is known of them."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from senoscope.core.domain.bundle import ExamSpec
from senoscope.core.domain.exam import Exam, View
from senoscope.core.errors import DatasetError, UsageError
from senoscope.core.io import find_images
from senoscope.evidence.index.exams import SLICE, place_of
from senoscope.evidence.tables.records import Line, Records, read_records

EXAM, FILE = "exam", "file"
"""Columns of the table that name the exam and, where a row is of one image of it, the file; the others are facts."""

ORDER = ("laterality", "view", SLICE)
"""Facts that put an exam's images in order, whether or not a bundle goes by them; see `place_of`."""


@dataclass(frozen=True)
class _Row:
    """What the table says of an exam, or of one image of it."""

    line: Line
    facts: Mapping[str, str]


class Facts:
    """A table of facts: one row an exam, or one an image, in any order.

    Args:
        records: CSV or a spreadsheet, with a column `exam`, if wanted a column `file`, and columns of facts, `ORDER`
            among them. What a row says of a file goes before what another says of its whole exam.
        spec: the exams of the bundle that is asked.

    Raises:
        DatasetError: there is no row, a column is no fact of the bundle, a row names no exam, or two rows are of the
            same; names row and column.
    """

    def __init__(self, records: Records, spec: ExamSpec) -> None:
        self._place = records.place
        self._known = dict.fromkeys(ORDER, ()) | {fact.name: fact.words for fact in spec.coding.facts}
        self._rows: dict[str, dict[str, _Row]] = {}
        if not records.rows:
            raise DatasetError(f"{records.place} has no row below its header", "one row an exam is needed")
        for column in records.rows[0]:
            if column not in (EXAM, FILE, *self._known):
                raise DatasetError(
                    f"{records.place}: column {column[:60]!r} is no fact that the bundle knows",
                    f"columns: {', '.join((EXAM, FILE, *self._known))}",
                )
        for line in records:
            self._add(line)

    def _add(self, line: Line) -> None:
        exam, file = line.cells[EXAM].strip(), line.cells.get(FILE, "").strip()
        if not exam:
            raise line.error(EXAM, "empty")
        rows = self._rows.setdefault(exam, {})
        if file in rows:
            said = f"{exam[:40]!r} {f'and {file[:40]!r} are' if file else 'is'} in row {rows[file].line.number} already"
            raise line.error(FILE if file else EXAM, said)
        cells = {name: line.text(name, words) for name, words in self._known.items()}
        rows[file] = _Row(line, {name: cell for name, cell in cells.items() if cell})

    def of(self, exam: str, file: str) -> dict[str, str]:
        """What is known of an image; a file that has no row of its own has what its exam's row says."""
        rows = self._rows.get(exam, {})
        return {
            name: said for key in dict.fromkeys(("", file)) if key in rows for name, said in rows[key].facts.items()
        }

    def check(self, files: Mapping[str, Iterable[str]]) -> None:
        """Refuse a row of an exam or a file for which there is no picture; `files` are the names in each exam."""
        for exam, rows in self._rows.items():
            there = set(files.get(exam, ()))
            for file, row in rows.items():
                if not there:
                    raise row.line.error(EXAM, f"there is no picture of {exam[:60]!r}")
                if file and file not in there:
                    raise row.line.error(FILE, f"{file[:60]!r} is no picture of {exam[:60]!r}")

    def exams(self) -> list[Exam]:
        """List the table's exams as records without pictures, in the order of their first rows."""
        found = []
        for exam, rows in self._rows.items():
            files = sorted(filter(None, rows), key=lambda file: place_of(self.of(exam, file), file)) or [""]
            found.append(Exam(exam, tuple(View(None, self.of(exam, file)) for file in files)))
        return found


def read_facts(path: Path, spec: ExamSpec | None) -> Facts:
    """Read a table of facts for a bundle; see `Facts`.

    Raises:
        UsageError: the bundle goes by no facts, nor are there images to put in order.
        DatasetError: the table cannot be read or used.
    """
    if spec is None or not (spec.coding.facts or spec.by != "image"):
        raise UsageError("this bundle goes by no facts: it takes no table of them", "leave out --facts")
    return Facts(read_records(path, (EXAM,)), spec)


def asked_exams(paths: Iterable[Path], spec: ExamSpec, facts: Facts | None = None) -> list[Exam]:
    """List the exams meant by paths: a folder's own pictures are one, and so is a file that is named by itself.

    An exam is called by its path, and the table knows it by the folder's name or the file's without its suffix. Where a
    bundle's exams are single images, every picture in a folder is one.

    Args:
        paths: pictures and folders; folders within folders are exams of their own.
        spec: the exams of the bundle that is asked.
        facts: what is known; nothing where not given.

    Raises:
        DatasetError: the table names an exam or a file that is not there, or two exams have one name in it.
    """
    groups = [group for path in paths for group in _groups(path, together=spec.by != "image")]
    if facts is None:
        return [Exam(str(place), tuple(map(View, pictures))) for place, pictures in groups]
    names = [_name(place, pictures) for place, pictures in groups]
    files: dict[str, list[str]] = {}
    for name, (place, pictures) in zip(names, groups, strict=True):
        if name in files:
            raise DatasetError(f"two exams are called {name!r}, one of them {place}", "name them apart in two runs")
        files[name] = [picture.name for picture in pictures]
    facts.check(files)
    return [_exam(place, name, pictures, facts) for name, (place, pictures) in zip(names, groups, strict=True)]


def _groups(path: Path, *, together: bool) -> list[tuple[Path, list[Path]]]:
    """Name and pictures of each exam that a path means."""
    if not os.path.isdir(path):
        return [(path, [path])]
    found: dict[Path, list[Path]] = {}
    for picture in find_images([path]):
        found.setdefault(picture.parent if together else picture, []).append(picture)
    return list(found.items())


def _name(place: Path, pictures: list[Path]) -> str:
    return place.stem if pictures == [place] else place.resolve().name


def _exam(place: Path, name: str, pictures: list[Path], facts: Facts) -> Exam:
    views = [View(picture, facts.of(name, picture.name)) for picture in pictures]
    return Exam(str(place), tuple(sorted(views, key=lambda view: place_of(view.facts, view.name))))
