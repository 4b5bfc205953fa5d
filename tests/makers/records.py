"""Tables of any kind and DICOM files, written and changed for tests."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import xlwt
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import DigitalMammographyXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

Cells = Sequence[Sequence[Any]]


def write_table(path: Path, cells: Cells, delimiter: str = ",", sheet: str = "Sheet1") -> Path:
    """Write rows, the header first, as `.xlsx`, `.xls` or, with any other suffix, as CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".xlsx":
        book = openpyxl.Workbook()
        page = book.active
        page.title = sheet
        for row in cells:
            page.append(row)
        book.save(path)
    elif path.suffix == ".xls":
        old = xlwt.Workbook()
        leaf = old.add_sheet(sheet)
        for number, row in enumerate(cells):
            for column, cell in enumerate(row):
                leaf.write(number, column, cell)
        old.save(str(path))
    else:
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter=delimiter, lineterminator="\n").writerows(cells)
    return path


def table_cells(path: Path, delimiter: str = ",") -> Cells:
    """Read back what `write_table` wrote as `.xlsx` or CSV."""
    if path.suffix == ".xlsx":
        return [["" if cell is None else cell for cell in row] for row in openpyxl.load_workbook(path).active.values]
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file, delimiter=delimiter))


def set_cell(path: Path, row: int, column: str, value: Any, delimiter: str = ",") -> None:
    """Change one cell; row 1 is the first below the header."""
    cells = [list(line) for line in table_cells(path, delimiter)]
    cells[row][cells[0].index(column)] = value
    write_table(path, cells, delimiter)


def drop_column(path: Path, column: str, delimiter: str = ",") -> None:
    """Take a column away."""
    cells = table_cells(path, delimiter)
    position = cells[0].index(column)
    write_table(path, [[*row[:position], *row[position + 1 :]] for row in cells], delimiter)


def repeat_row(path: Path, row: int, delimiter: str = ",") -> None:
    """Write a row once more, at the end."""
    cells = table_cells(path, delimiter)
    write_table(path, [*cells, cells[row]], delimiter)


def dicom(path: Path, pixels: NDArray[np.uint16] | None = None, **attributes: Any) -> Path:
    """Write a DICOM file, explicit VR little endian, of 8 × 8 pixels where none are given; `attributes` by keyword."""
    image = np.zeros((8, 8), np.uint16) if pixels is None else pixels
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = DigitalMammographyXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[str(path)])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    found = Dataset()
    found.file_meta = meta
    found.SOPClassUID = meta.MediaStorageSOPClassUID
    found.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    found.Rows, found.Columns = image.shape
    found.SamplesPerPixel, found.PhotometricInterpretation = 1, "MONOCHROME2"
    found.BitsAllocated, found.BitsStored, found.HighBit, found.PixelRepresentation = 16, 12, 11, 0
    for keyword, value in attributes.items():
        setattr(found, keyword, value)
    found.PixelData = image.tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    found.save_as(path, enforce_file_format=True)
    return path


def coded(value: str, scheme: str, meaning: str) -> list[Dataset]:
    """Build a code sequence of one item."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return [item]
