"""Encapsulated PDF."""

import base64
import re
import zlib

from senoscope.runtime.outputs.dicom.pictures.pdf import encapsulated_pdf, sheet
from senoscope.runtime.outputs.dicom.subject import NOTICE
from tests.makers.dicom_answers import REFUSAL, subject_of
from tests.runtime.outputs.dicom.conftest import read_again


def words_of(content: bytes) -> str:
    """The text of a PDF that reportlab wrote."""
    streams = re.findall(rb"stream\r?\n(.+?~>)\s*endstream", content, flags=re.DOTALL)
    pages = [zlib.decompress(base64.a85decode(b"<~" + stream, adobe=True)) for stream in streams]
    words = [part for page in pages for part in re.findall(rb"\((.*?)\) Tj", page)]
    return b"\n".join(words).decode("latin-1").replace("\\", "")


def test_the_sheet_says_the_answer_the_bundle_and_the_study() -> None:
    subject = subject_of()

    words = words_of(sheet(subject))

    assert words.startswith(NOTICE)
    assert "malignant: 0.8731" in words
    assert "prevalence of 0.4571" in words
    assert str(subject.sources[0].dataset.StudyInstanceUID) in words
    assert subject.sha256 in words


def test_the_sheet_names_no_patient() -> None:
    content = sheet(subject_of())

    assert not any(word in words_of(content) for word in ("Doe", "Jane", "4711", "1960"))
    assert b"Jane" not in content


def test_a_withheld_answer_says_why() -> None:
    words = words_of(sheet(subject_of("withheld")))

    assert "mammography: no answer" in words
    assert REFUSAL.message in words


def test_the_object_holds_the_sheet() -> None:
    subject = subject_of()

    made = read_again(encapsulated_pdf(subject)[0])

    assert made.MIMETypeOfEncapsulatedDocument == "application/pdf"
    assert made.EncapsulatedDocument[: made.EncapsulatedDocumentLength] == sheet(subject)
    assert made.SourceInstanceSequence[0].ReferencedSOPInstanceUID == subject.sources[0].dataset.SOPInstanceUID
