"""Whatever bytes come, reading ends in a picture or in one of our own errors."""

import struct
import time
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless

from senoscope.core.errors import InputError
from senoscope.core.io import Limits, read_bytes
from senoscope.core.io.dicom.facts.facts import facts_of
from senoscope.core.io.dicom.guard import quiet
from senoscope.core.io.dicom.parsing import parse_header
from tests import makers
from tests.makers import dicom_files
from tests.makers.dicom_files import code, dicom_bytes, film_as_dicom, lut, ultrasound_region

SECONDS = 60
"""Of the long run."""

SMALL = Limits(pixels=100_000, bytes=1_000_000)
_SYNTAXES = (
    *(ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, dicom_files.DEFLATED, RLELossless),
    *(dicom_files.LOSSLESS, dicom_files.JPEG_LS, dicom_files.JPEG_2000, dicom_files.DEFLATED_FRAMES),
)
_GREY = makers.grey(8, 6, deep=True)
_RICH: dict[str, Any] = {
    "VOILUTSequence": lut(range(64), bits=8),
    "ViewCodeSequence": [code("399368009", ViewModifierCodeSequence=[code("399209000")])],
    "SequenceOfUltrasoundRegions": [ultrasound_region(1), ultrasound_region(2)],
    "WindowCenter": [100, 200],
    "WindowWidth": [50, 60],
    "PatientOrientation": ["A", "F"],
    "PixelSpacing": [0.1, 0.1],
    "StudyDate": "20240101",
    "StudyTime": "101112",
    "PixelPaddingValue": 3,
}
SEEDS = [
    *(dicom_bytes(_GREY, syntax=syntax, **_RICH) for syntax in _SYNTAXES),
    *(dicom_bytes(np.stack([_GREY, _GREY]), frames=2, syntax=syntax) for syntax in _SYNTAXES[:2]),
    dicom_bytes(makers.colour(8, 6), syntax=dicom_files.JPEG, PhotometricInterpretation="YBR_FULL_422"),
    dicom_bytes(makers.grey(8, 6), **dicom_files.palette(np.arange(48, dtype=np.uint16).reshape(16, 3))),
    film_as_dicom(makers.grey(8, 6)),
]

Change = Callable[[bytearray], None]


def _byte(place: float, value: int) -> Change:
    def change(data: bytearray) -> None:
        data[int(place * (len(data) - 1))] = value

    return change


def _word(place: float, value: int) -> Change:
    def change(data: bytearray) -> None:
        start = int(place * max(0, len(data) - 4))
        data[start : start + 4] = struct.pack("<I", value)

    return change


def _cut(start: float, share: float) -> Change:
    def change(data: bytearray) -> None:
        first = int(start * len(data))
        del data[first : first + int(share * len(data))]

    return change


def _repeat(start: float, count: int) -> Change:
    def change(data: bytearray) -> None:
        first = int(start * len(data))
        data[first:first] = data[first : first + 40] * count

    return change


_place = st.floats(0, 1)
_changes = st.one_of(
    st.builds(_byte, _place, st.integers(0, 255)),
    st.builds(
        _word, _place, st.sampled_from([0, 1, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFE, 0x7FFFFFFF, 0xE000FFFE, 0xE00DFFFE])
    ),
    st.builds(_cut, _place, st.floats(0, 0.5)),
    st.builds(_repeat, _place, st.integers(1, 50)),
)
hurt = st.tuples(st.sampled_from(SEEDS), st.lists(_changes, min_size=1, max_size=6))


def _outcome(start: bytes, changes: list[Change]) -> str:
    data = bytearray(start)
    for change in changes:
        if data:
            change(data)
    began = time.perf_counter()
    said = [_said(lambda: _facts(bytes(data))), _said(lambda: read_bytes(bytes(data), "scan.dcm", SMALL))]
    assert time.perf_counter() - began < 5
    assert not any(error and "\n" in str(error) for error in said)
    return said[1].code if said[1] else "read"


def _facts(data: bytes) -> None:
    with quiet():
        facts_of(parse_header(BytesIO(data), len(data)))


def _said(act: Callable[[], object]) -> InputError | None:
    try:
        act()
    except InputError as error:
        return error
    return None


@pytest.mark.parametrize("place", range(len(SEEDS)))
def test_the_seeds_are_whole(place: int) -> None:
    assert _outcome(SEEDS[place], []) == ("unsupported_image" if place in (9, 10) else "read")


@settings(max_examples=300, deadline=None, database=None, derandomize=True)
@given(hurt)
def test_damage_ends_in_a_picture_or_an_error_of_ours(case: tuple[bytes, list[Change]]) -> None:
    _outcome(*case)


@settings(max_examples=100, deadline=None, database=None, derandomize=True)
@given(st.binary(max_size=400), st.booleans())
def test_so_does_noise(noise: bytes, named: bool) -> None:
    _outcome((bytes(128) + b"DICM" if named else b"\x08\0\x05\0CS") + noise, [])


@pytest.mark.slow
@pytest.mark.timeout(10 * SECONDS)
def test_a_long_run_of_damage() -> None:
    outcomes: set[str] = set()
    end, turn = time.monotonic() + SECONDS, 0
    while time.monotonic() < end:
        turn += 1

        @seed(turn)
        @settings(max_examples=500, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(hurt)
        def some(case: tuple[bytes, list[Change]]) -> None:
            outcomes.add(_outcome(*case))

        some()

    assert outcomes >= {"read", "unreadable_image", "unsupported_image", "image_too_large"}
