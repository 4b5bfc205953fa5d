"""Matrices of temperatures: what is one, what is not, and hostile ones."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from senoscope.core.errors import ImageTooLargeError, InputError, UnreadableImageError
from senoscope.core.io import Limits, find_images, read, read_bytes
from senoscope.core.io.files import SUFFIXES

VALUES = np.round(np.random.default_rng(5).uniform(22, 36, (24, 32)), 2)


def as_text(values: NDArray[np.float64], separator: str = " ", end: str = "\n") -> bytes:
    return "".join(separator.join(f"{value:.2f}" for value in row) + end for row in values).encode()


@pytest.mark.parametrize("separator", [" ", "\t", ",", ";", ", ", "   "])
@pytest.mark.parametrize("end", ["\n", "\r\n", " \n"])
def test_degrees_are_as_written(separator: str, end: str) -> None:
    image = read_bytes(as_text(VALUES, separator, end), "T0001.txt")

    assert image.pixels.dtype == np.float32
    assert image.maximum == 50
    np.testing.assert_array_equal(image.pixels, VALUES.astype(np.float32))


@pytest.mark.parametrize("separator", [" ", "\t", ";"])
def test_a_decimal_comma_is_understood_where_something_else_parts_the_numbers(separator: str) -> None:
    data = as_text(VALUES, separator).replace(b".", b",")

    np.testing.assert_array_equal(read_bytes(data, "x").pixels, VALUES.astype(np.float32))


def test_marks_blanks_and_trailing_separators_do_not_matter() -> None:
    data = b"\xef\xbb\xbf+" + as_text(VALUES, ";", ";\n") + b"\n\n"

    np.testing.assert_array_equal(read_bytes(data, "x").pixels, VALUES.astype(np.float32))


def test_long_rows_are_told_by_their_start() -> None:
    values = np.full((16, 640), 31.25)
    values[3] = 30.5

    np.testing.assert_array_equal(read_bytes(as_text(values), "x").pixels, values.astype(np.float32))


def test_only_contents_make_a_matrix_a_picture(tmp_path: Path) -> None:
    kept = {"T0001.1.1.S.2012-10-08.00.txt": as_text(VALUES), "matrix.csv": as_text(VALUES, ",")}
    others = {
        "README.txt": b"24 films, 1024 x 1024 pixels.\n",
        "Info.txt": b"mdb001 G CIRC B 535 425 197\nmdb002 G CIRC B 522 280 69\n",
        "boxes.txt": b"0 0.512 0.233 0.1 0.2\n" * 40,
        "labels.txt": b"0 1 0 0 1 1 0 1 0 0 1 0 1 0 1 1 0 1\n" * 40,
        "features.csv": b"mean,area\n" + as_text(VALUES, ","),
        "cases.csv": b"".join(b"P1," + row + b"\n" for row in as_text(VALUES, ",").splitlines()),
        "empty.txt": b"",
        "blank.txt": b"\n" * 2000,
    }
    for name, data in (kept | others).items():
        (tmp_path / name).write_bytes(data)

    assert [path.name for path in find_images([tmp_path])] == sorted(kept)
    assert ".txt" not in SUFFIXES
    for name in others:
        with pytest.raises(UnreadableImageError):
            read(tmp_path / name)


def damaged(position: tuple[int, int], word: str) -> bytes:
    rows = [line.split() for line in as_text(VALUES).decode().splitlines()]
    rows[position[0]][position[1]] = word
    return "\n".join(" ".join(row) for row in rows).encode()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (damaged((0, 0), "nan"), "'nan', no temperature"),
        (damaged((20, 3), "NaN"), "'NaN', no temperature"),
        (damaged((20, 3), "-inf"), "'inf', no temperature"),
        (damaged((20, 3), "hot"), "'hot', no temperature"),
        (damaged((20, 3), "2\x00"), "no temperature"),
        (damaged((20, 3), "1e999"), "holds inf, outside"),
        (damaged((20, 3), "-60.5"), "holds -60.5, outside -50 to 150 °C"),
        (damaged((20, 3), "1-2"), "not a number"),
        (damaged((20, 3), "--"), "not a number"),
        (damaged((20, 3), "1.2.3"), "not a number"),
        (damaged((20, 3), "27.1 27.2"), "row 21 of the matrix has 33 numbers, the first 32"),
        (as_text(VALUES, ";").replace(b";", b";;", 5), "an empty cell"),
        (as_text(VALUES)[:-40], "row 24 of the matrix has"),
        (as_text(VALUES).replace(b"\n", b"\n\n"), "row 2 of the matrix has 0 numbers"),
        (as_text(VALUES + 273.15), "outside -50 to 150 °C"),
        (as_text(VALUES[:3]), "3 rows of 32 numbers, too few"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(data: bytes, said: str) -> None:
    with pytest.raises(UnreadableImageError) as caught:
        read_bytes(data, "T1.txt")

    assert said in caught.value.message
    assert caught.value.hint
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "data",
    [
        as_text(np.full((16, 4097), 30.0)),
        as_text(np.full((4097, 16), 30.0)),
        as_text(VALUES[:1]) + b"3" * 200_000,
        as_text(VALUES[:1]) + b"3 " * 32_100_000,
    ],
    ids=["columns", "rows", "number", "bytes"],
)
def test_more_than_the_bound_is_refused_before_it_is_parsed(data: bytes) -> None:
    with pytest.raises(ImageTooLargeError):
        read_bytes(data, "x")


def test_the_callers_bound_holds() -> None:
    with pytest.raises(ImageTooLargeError, match="megapixels"):
        read_bytes(as_text(VALUES), "x", Limits(pixels=700))


def test_damage_anywhere_is_ours_to_report() -> None:
    random, whole = np.random.default_rng(0), as_text(VALUES)
    outcomes = {"read": 0, "refused": 0}
    for turn in range(400):
        data = bytearray(whole)
        for _ in range(int(random.integers(1, 6))):
            start = int(random.integers(len(data)))
            data[start : start + 1] = bytes([random.choice(list(b"0123456789"))]) if turn % 2 else random.bytes(2)
        try:
            pixels = read_bytes(bytes(data), "x").pixels
        except InputError:
            outcomes["refused"] += 1
        else:
            outcomes["read"] += 1
            assert pixels.shape == VALUES.shape
            assert np.isfinite(pixels).all()

    assert min(outcomes.values()) > 20


def test_a_plain_picture_is_no_matrix() -> None:
    assert read_bytes(b"P2 20 1 255\n" + b"15 " * 20, "x").pixels.dtype == np.uint8
    with pytest.raises(UnreadableImageError, match="PGM"):
        read_bytes(b"P2 20 1 255\n" + b"1.5 " * 20, "x")


def test_the_real_ones(data_root: Path) -> None:
    paths = find_images([data_root / "dmr_ir"])

    assert len(paths) == 240
    for path in paths[::24]:
        image = read(path)
        assert str(image.size) == "320×240"
        np.testing.assert_array_equal(image.pixels, np.loadtxt(path, np.float64).astype(np.float32))
