"""A corpus of files of many makers: nothing that identifies survives, and what is written is as valid as it was.

A value is looked for in the bytes of the whole file from six characters on, and as a word in its texts from three
(names) or four (numbers) on; shorter ones are in any file by chance. Not looked for are values of one repeated sign,
as uniform pixels hold them, the word that our dummies use, words that are terms of the standard (VR CS), and a number
that is a series number too (VR IS): neither terms nor counts of images identify anybody.
"""

import io
import re
import shutil
import subprocess
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pydicom
import pytest
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.uid import UID

from senoscope.core.errors import NotDicomError
from senoscope.core.io.deidentify import Key, Outcome, Settings, deidentify
from senoscope.core.io.deidentify.reading import FAULTS, read_dataset
from senoscope.core.io.deidentify.standard.table import rule_of
from senoscope.core.io.deidentify.values import DUMMY
from tests.conftest import needs

KEY = Key(b"a key of the tests, and of nothing else")
CLASSES = re.compile(r"Class|Syntax|Scheme|ContextUID|MappingResource")
NUMBERS = re.compile(r"(IDs?|Identifier|Number)$")
DEFLATED, PLAIN = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.1"
LONG = 6

# Files of a corpus warn of odd values wherever they are read.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def corpus(data_root: Path) -> list[Path]:
    needs((data_root / "dicom").is_dir(), "there is no corpus of DICOM files in the folder of datasets")
    return sorted(path for path in (data_root / "dicom").rglob("*") if path.is_file())


@pytest.fixture(scope="module", params=["removed", "shifted"])
def outcomes(
    corpus: list[Path], request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> list[tuple[Path, Outcome]]:
    """Every file by itself, as some are the same object in several transfer syntaxes; with the folder of its result."""
    settings = Settings(clean_pixels=True, keep_dates=request.param == "shifted")
    folder, found = tmp_path_factory.mktemp("corpus"), []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number, path in enumerate(corpus):
            [outcome] = deidentify(path, folder / str(number), KEY, settings)
            found.append((folder / str(number), outcome))
    return found


def elements(dataset: Dataset) -> Iterator[DataElement]:
    for tag in list(dataset.keys()):
        try:
            element = dataset[tag]
        except (NotImplementedError, ValueError, pydicom.errors.BytesLengthException):
            continue
        if element.VR == "SQ":
            for item in element.value:
                yield from elements(item)
        else:
            yield element


def values(element: DataElement) -> list[str]:
    held = element.value if element.VM > 1 else [element.value]
    return [str(value).strip() for value in held if value not in (None, "") and not isinstance(value, bytes)]


def identifying(dataset: Dataset) -> Iterator[tuple[str, str]]:
    """What names the patient, the staff, the study and its objects, by its kind."""
    for element in elements(dataset):
        for value in values(element):
            if element.VR == "PN":
                yield from (("name", part) for part in re.split(r"[\s^=,.;]+", value) if len(part) >= 3)
            elif element.VR == "UI":
                if not CLASSES.search(element.keyword) and UID(value).name == value:
                    yield "uid", value
            elif element.VR in ("DA", "DT"):
                if re.match(r"\d{8}", value):
                    yield "date", value[:8]
            elif len(value) >= 4 and numbered(element):
                yield "number", value


def numbered(element: DataElement) -> bool:
    """Whether an attribute that the table names is a number by which somebody or something is known."""
    listed = not element.tag.is_private and rule_of(int(element.tag)) is not None
    return listed and element.VR in ("AE", "LO", "LT", "SH", "ST", "UT") and bool(NUMBERS.search(element.keyword))


def plain_bytes(path: Path, syntax: str) -> bytes:
    """The bytes of a file, and of a deflated one also what they inflate to."""
    content = path.read_bytes()
    if syntax == DEFLATED:
        again, buffer = pydicom.dcmread(path), io.BytesIO()
        again.file_meta.TransferSyntaxUID = UID(PLAIN)
        again.save_as(buffer)
        content += buffer.getvalue()
    return content


def told(dataset: Dataset) -> tuple[str, set[str]]:
    """Free texts of a dataset in one, and its terms and counts."""
    texts, terms = [], set()
    for element in elements(dataset):
        if element.VR in ("CS", "IS"):
            terms |= set(values(element))
        elif element.VR not in ("DA", "DT", "TM"):
            texts += values(element)
    return " | ".join(texts), terms


def survivors(source: Dataset, path: Path, *, shifted: bool) -> list[str]:
    result = read_dataset(path)
    content, (texts, terms) = plain_bytes(path, result.syntax), told(result.dataset)
    words = {word for term in terms for word in re.split(r"\W+", term)} | terms | {DUMMY, DUMMY.title()}
    dates = [element for element in elements(result.dataset) if element.VR in ("DA", "DT")]
    moved = {value[:8] for element in dates for value in values(element)} if shifted else set()
    found = []
    for kind, value in sorted(set(identifying(source))):
        if value in words or len(set(value)) == 1 or (kind == "date" and value in moved):
            continue
        if len(value) >= LONG:
            there = value.encode("utf-8", "surrogateescape") in content
        else:
            there = re.search(rf"(?<!\w){re.escape(value)}(?!\w)", texts, re.IGNORECASE) is not None
        if there:
            found.append(f"{kind} {value!r}")
    return found


def test_nothing_that_identifies_survives(outcomes: list[tuple[Path, Outcome]]) -> None:
    left, written = {}, 0
    for folder, outcome in outcomes:
        if outcome.target is None:
            continue
        written += 1
        # A date that was moved may be another date of the same file.
        shifted = any(what == "shifted" for _, what in outcome.done)
        found = survivors(read_dataset(outcome.source).dataset, folder / outcome.target, shifted=shifted)
        if found:
            left[outcome.source.name] = found

    assert left == {}
    assert written >= 115


def test_what_is_not_copied_has_a_reason_and_leaves_nothing(outcomes: list[tuple[Path, Outcome]]) -> None:
    refused = [(folder, outcome) for folder, outcome in outcomes if outcome.target is None]

    assert {outcome.status for _, outcome in refused} == {"not copied", "not DICOM"}
    for folder, outcome in refused:
        assert outcome.reason
        assert not [path for path in folder.rglob("*") if path.is_file()]
        if outcome.status == "not DICOM":
            with pytest.raises(NotDicomError):
                read_dataset(outcome.source)


def test_pixels_that_were_not_cleaned_are_the_same(outcomes: list[tuple[Path, Outcome]]) -> None:
    compared = 0
    for folder, outcome in outcomes:
        if outcome.target is None or any("blanked" in note for note in outcome.notes):
            continue
        before, after = pydicom.dcmread(outcome.source, force=True), pydicom.dcmread(folder / outcome.target)
        if "PixelData" not in before:
            continue
        with suppress(*FAULTS):  # some pydicom cannot decode, before as after
            expected = before.pixel_array
            assert (after.pixel_array == expected).all(), outcome.source.name
            compared += 1

    assert compared > 45


def test_names_of_files_are_made_of_new_uids(outcomes: list[tuple[Path, Outcome]]) -> None:
    for _, outcome in outcomes:
        if outcome.target is not None:
            assert re.fullmatch(r"((2\.25\.\d+|unknown)/){2}2\.25\.\d+\.dcm", outcome.target.as_posix())


def test_the_same_study_is_the_same_in_every_file(outcomes: list[tuple[Path, Outcome]]) -> None:
    pairs: dict[str, set[str]] = {}
    for folder, outcome in outcomes:
        if outcome.target is not None:
            before, after = read_dataset(outcome.source).dataset, read_dataset(folder / outcome.target).dataset
            for keyword in ("PatientID", "StudyInstanceUID", "SeriesInstanceUID"):
                if before.get(keyword):
                    known = f"{keyword} {str(before[keyword].value).strip()}"
                    pairs.setdefault(known, set()).add(str(after[keyword].value))

    assert all(len(found) == 1 for found in pairs.values())
    assert len(set().union(*pairs.values())) > 100


def complaints(path: Path) -> int:
    done = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, errors="replace", check=False)
    return sum(line.startswith("Error") for line in done.stderr.splitlines())


def test_a_validator_finds_no_more_errors_than_before(outcomes: list[tuple[Path, Outcome]]) -> None:
    needs(shutil.which("dciodvfy"), "dciodvfy (dicom3tools) is not installed")
    worse = Counter[str]()
    for folder, outcome in outcomes:
        if outcome.target is not None:
            more = complaints(folder / outcome.target) - complaints(outcome.source)
            worse[outcome.source.name] = max(0, more)

    assert +worse == Counter()
