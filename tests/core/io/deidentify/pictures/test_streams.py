"""Words in compressed frames."""

import struct

import imagecodecs
import numpy as np
import pytest
from pydicom.encaps import encapsulate, generate_frames

from senoscope.core.errors import UnreadableImageError, UnsupportedImageError
from senoscope.core.io.deidentify.pictures.streams import JPEG, JPEG_2000, RUN_LENGTHS, silenced
from tests.makers import grey
from tests.makers.private_dicom import patient, with_jpeg, written

BASELINE, JPEG_2000_SYNTAX, JPEG_LS = JPEG[0], "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.80"
NAME = b"Erika Musterfrau"


def block(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def frame_of(data: bytes) -> bytes:
    return next(generate_frames(data, number_of_frames=1))


def test_comments_and_blocks_of_a_jpeg_are_overwritten_and_the_picture_stays() -> None:
    picture = grey(64, 48)
    stream = frame_of(with_jpeg(patient(), picture, NAME).PixelData)
    exif, thumbnail = block(0xE1, b"Exif\0\0" + NAME), block(0xE0, b"JFXX\0" + NAME)
    data = encapsulate([stream[:2] + exif + thumbnail + stream[2:] + NAME])

    after = silenced(data, BASELINE)

    assert NAME not in after
    assert len(after) == len(data)
    decoded = imagecodecs.jpeg_decode(frame_of(after))
    assert np.array_equal(decoded, imagecodecs.jpeg_decode(stream))


def test_every_frame_is_looked_through_even_over_fragments() -> None:
    stream = frame_of(with_jpeg(patient(), grey(64, 48), NAME).PixelData)
    data = encapsulate([stream, stream], fragments_per_frame=3)

    after = silenced(data, BASELINE)

    assert NAME not in after
    assert after.count(b"JFIF") == 2


def test_a_comment_of_jpeg_2000_is_overwritten() -> None:
    picture = grey(64, 48)
    stream = bytes(imagecodecs.jpeg2k_encode(picture, codecformat="J2K"))
    comment = struct.pack(">HHH", 0xFF64, len(NAME) + 4, 1) + NAME
    place = stream.index(b"\xff\x90")
    data = encapsulate([stream[:place] + comment + stream[place:]])

    after = silenced(data, JPEG_2000_SYNTAX)

    assert NAME in data
    assert NAME not in after
    assert np.array_equal(imagecodecs.jpeg2k_decode(frame_of(after)), picture)


def test_jpeg_ls_keeps_its_pixels() -> None:
    picture = grey(64, 48)
    stream = bytes(imagecodecs.jpegls_encode(picture))
    data = encapsulate([stream[:2] + block(0xFE, NAME) + stream[2:]])

    after = silenced(data, JPEG_LS)

    assert NAME not in after
    assert np.array_equal(imagecodecs.jpegls_decode(frame_of(after)), picture)


def test_runs_hold_nothing_but_pixels() -> None:
    assert silenced(b"anything", RUN_LENGTHS) == b"anything"


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.4.102", "1.2.840.10008.1.2.4.110"])
def test_films_are_refused(syntax: str) -> None:
    with pytest.raises(UnsupportedImageError, match="beside the picture"):
        silenced(encapsulate([b"film"]), syntax)


@pytest.mark.parametrize("syntax", [BASELINE, JPEG_2000_SYNTAX])
@pytest.mark.parametrize("frame", [b"none", b"\xff\xd8\xff\xe0", b"\xff\x4f\xff\x51", b"\xff\xd8\xff\xfe\xff"])
def test_frames_that_are_no_pictures_are_refused(frame: bytes, syntax: str) -> None:
    with pytest.raises(UnreadableImageError):
        silenced(encapsulate([frame + NAME]), syntax)


@pytest.mark.parametrize("data", [b"\0" * 12, b"\xfe\xff\x00\xe0\xff\xff\xff\xff", b"\xfe\xff\x00\xe0\x10\0\0\0ab"])
def test_items_that_do_not_fit_are_refused(data: bytes) -> None:
    with pytest.raises(UnreadableImageError):
        silenced(data, JPEG_2000[0])


def test_a_picture_of_words_is_not_touched_here() -> None:
    data = with_jpeg(patient(), written("Erika")).PixelData

    assert silenced(data, BASELINE) == data
