"""Paths, folders, bounds, and files that are not what they are called."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

from senoscope.core.errors import (
    ImageTooLargeError,
    InputError,
    MissingFileError,
    UnreadableImageError,
    UnsupportedImageError,
)
from senoscope.core.io import LOCAL, READERS, SERVICE, Limits, find_images, read, read_bytes
from tests import makers

PNG = makers.pil_bytes(makers.grey(), "PNG")


def _file(path: Path, data: bytes = PNG) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_an_image_knows_its_file(tmp_path: Path) -> None:
    path = _file(tmp_path / "Bildbefund müde Größe 3.png")

    image = read(path)

    assert image.source == str(path)
    assert image.digest == hashlib.sha256(PNG).hexdigest()
    np.testing.assert_array_equal(image.pixels, read(str(path)).pixels)


def test_the_kind_is_told_by_contents(tmp_path: Path) -> None:
    assert read(_file(tmp_path / "scan.jpg", PNG)).size.width == 24
    assert read(_file(tmp_path / "scan", PNG)).size.width == 24


@pytest.mark.parametrize(
    ("data", "kind", "said"),
    [
        (b"", UnreadableImageError, "empty"),
        (b"<!DOCTYPE html><html></html>", UnreadableImageError, "web page"),
        (b"\xef\xbb\xbf \n<HTML>", UnreadableImageError, "web page"),
        (b"<?xml version='1.0'?><svg/>", UnsupportedImageError, "SVG"),
        (b"hello", UnreadableImageError, "not a picture"),
        (bytes(2000), UnreadableImageError, "not a picture"),
        (b"\x89PNG\r\n\x1a\n", UnreadableImageError, "PNG"),
        (b"\xff\xd8\xff", UnreadableImageError, "JPEG"),
        (b"BM", UnreadableImageError, "BMP"),
        (b"II*\0", UnreadableImageError, "TIFF"),
        (makers.pil_bytes(makers.grey(), "GIF"), UnsupportedImageError, "GIF"),
        (makers.pil_bytes(makers.grey(), "WEBP"), UnsupportedImageError, "WebP"),
        (bytes(128) + b"DICM", UnsupportedImageError, "DICOM"),
        (b"%PDF-1.7", UnsupportedImageError, "PDF"),
        (b"PK\x03\x04", UnsupportedImageError, "ZIP"),
        (b"\0\0\0\x18ftypheic", UnsupportedImageError, "HEIC"),
        (b"P7\nWIDTH 1\n", UnsupportedImageError, "PAM"),
    ],
)
def test_what_is_no_picture_says_so(tmp_path: Path, data: bytes, kind: type[InputError], said: str) -> None:
    path = _file(tmp_path / "scan.png", data)

    with pytest.raises(kind, match=said) as caught:
        read(path)

    assert caught.value.message.startswith(f"{path}: ")
    assert caught.value.hint
    assert "\n" not in str(caught.value)


def test_missing(tmp_path: Path) -> None:
    for name in ("nowhere.png", "no/where.png", "x" * 300, "zero\0byte"):
        with pytest.raises(MissingFileError, match="no such file"):
            read(tmp_path / name)
    with pytest.raises(MissingFileError):
        read(_file(tmp_path / "file.png") / "below.png")


def test_a_folder_is_no_picture(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImageError, match="folder"):
        read(tmp_path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")

    with pytest.raises(UnreadableImageError, match="device or pipe"):
        read(tmp_path / "pipe.png")


def test_a_link_to_itself(tmp_path: Path) -> None:
    loop = tmp_path / "loop.png"
    loop.symlink_to(loop)

    with pytest.raises(UnreadableImageError, match="leads back to itself"):
        read(loop)


def test_permission_denied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _file(tmp_path / "secret.png")
    path.chmod(0)
    if os.access(path, os.R_OK):  # root may read everything
        denied = PermissionError(13, "Permission denied", str(path))
        monkeypatch.setattr(os, "open", lambda *_: (_ for _ in ()).throw(denied))

    with pytest.raises(UnreadableImageError, match="permission denied"):
        read(path)


def test_bounds_of_the_service_are_tighter(tmp_path: Path) -> None:
    assert (SERVICE.pixels, SERVICE.bytes) == (100_000_000, 50_000_000)
    assert LOCAL.bytes > SERVICE.bytes
    with pytest.raises(ImageTooLargeError, match="longer than 0"):
        read(_file(tmp_path / "scan.png"), Limits(bytes=100))


def test_one_pixel_is_a_picture() -> None:
    assert read_bytes(makers.pil_bytes(np.zeros((1, 1), np.uint8), "PNG"), "dot").pixels.shape == (1, 1)


def test_a_folder_means_the_pictures_in_it(tmp_path: Path) -> None:
    names = ["b/2.png", "a/1.PNG", "a/broken.png", "a/no extension", "ä ö.jpg"]
    wanted = [_file(tmp_path / name, b"<html>" if "broken" in name else PNG) for name in names]
    _file(tmp_path / "a/readme.txt", b"hello")
    _file(tmp_path / ".hidden.png")
    _file(tmp_path / ".cache/3.png")
    (tmp_path / "empty").mkdir()

    assert find_images([tmp_path]) == sorted(wanted)


def test_a_path_to_a_file_stays_as_it_is(tmp_path: Path) -> None:
    too_long = tmp_path / f"{'x' * 5000}.png"
    paths = [tmp_path / "nowhere.png", too_long, _file(tmp_path / "notes.txt", b"hello"), _file(tmp_path / "z/1.png")]

    assert find_images([*paths[:3], tmp_path / "z"]) == paths


def test_loops_of_links_are_survived(tmp_path: Path) -> None:
    path = _file(tmp_path / "a/1.png")
    (tmp_path / "a/back").symlink_to(tmp_path)
    (tmp_path / "a/same").symlink_to(tmp_path / "a")
    loop = tmp_path / "loop.png"
    loop.symlink_to(loop)

    assert find_images([tmp_path]) == [path, loop]


def test_every_reader_is_known_by_its_own_signature() -> None:
    encoded = {kind: makers.pil_bytes(makers.grey(), kind) for kind in ("PNG", "JPEG", "BMP", "TIFF", "PPM")}
    encoded["matrix"] = (b"27.5 " * 20 + b"\n") * 20
    encoded["DICOM"] = makers.dicom_bytes(makers.grey())

    for data in encoded.values():
        assert sum(reader.accepts(data) for reader in READERS) == 1
    assert len({reader.name for reader in READERS}) == len(READERS) == len(encoded)


def test_reading_leaves_pillows_bounds_alone() -> None:
    before = Pil.MAX_IMAGE_PIXELS

    read_bytes(PNG, "picture")

    assert before == Pil.MAX_IMAGE_PIXELS
