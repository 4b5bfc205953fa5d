"""PGM, PPM and PBM (Netpbm), read here because Pillow rescales every one whose full scale is not 255 or 65535."""

import re

import numpy as np
from numpy.typing import NDArray

from senoscope.core.io.base import Decoded, Limits, Reader, animated, broken, check_size

_TOKEN = re.compile(rb"(?:\s++|#[^\r\n]*+[\r\n])*+(\d{1,10})(?=[\s#]|$)")
_CHANNELS = {b"P1": 1, b"P2": 1, b"P3": 3, b"P4": 1, b"P5": 1, b"P6": 3}
_NAME = "PGM or PPM"
_PLAIN = Limits(pixels=5_000_000)
"""Bound on pictures written as words, each of which costs far more memory than a byte."""


def decode_pnm(data: bytes, limits: Limits) -> Decoded:
    """Grey or RGB levels as the file holds them; full scale is its maxval, and 255 for black and white."""
    magic = data[:2]
    bitmap = magic in (b"P1", b"P4")
    fields, end = _header(data, 2 if bitmap else 3)
    width, height = fields[:2]
    check_size(width, height, limits)
    maximum = 1 if bitmap else fields[2]
    if not 1 <= maximum <= 65535:
        raise broken(_NAME)
    count = width * height * _CHANNELS[magic]
    values: NDArray[np.integer]
    if magic in (b"P1", b"P2", b"P3"):
        check_size(width, height, _PLAIN)
        values = _plain(data[end:], count, bitmap=bitmap)
    elif bitmap:
        values = _packed(data, end + 1, width, height)
    else:
        values = _binary(data, end + 1, count, 1 if maximum < 256 else 2)
    if values.size and int(values.max()) > maximum:
        raise broken(_NAME)
    shape = (height, width, 3) if _CHANNELS[magic] == 3 else (height, width)
    if bitmap:  # in a bitmap 1 is black
        return Decoded(np.where(values == 1, 0, 255).astype(np.uint8).reshape(shape), 255.0)
    return Decoded(values.astype(np.uint8 if maximum < 256 else np.uint16).reshape(shape), float(maximum))


def _header(data: bytes, count: int) -> tuple[list[int], int]:
    """Read `count` numbers after the magic; returns them and where the last one ends."""
    fields, position = [], 2
    for _ in range(count):
        match = _TOKEN.match(data, position)
        if match is None:
            raise broken(_NAME)
        fields.append(int(match[1]))
        position = match.end()
    return fields, position


def _plain(text: bytes, count: int, *, bitmap: bool) -> NDArray[np.integer]:
    text = re.sub(rb"#[^\r\n]*+", b" ", text)
    if bitmap:  # digits of a plain bitmap need no space between them
        return _binary(b"".join(text.split()), 0, count, 1) - np.uint8(ord("0"))
    words = text.split(None, count)[:count]
    if len(words) < count or not all(word.isdigit() and len(word) <= 5 for word in words):
        raise broken(_NAME)
    return np.array(words, np.int64)


def _packed(data: bytes, start: int, width: int, height: int) -> NDArray[np.uint8]:
    row = (width + 7) // 8
    packed = _binary(data, start, row * height, 1).astype(np.uint8).reshape(height, row)
    return np.unpackbits(packed, axis=1, count=width).ravel()


def _binary(data: bytes, start: int, count: int, width: int) -> NDArray[np.integer]:
    end = start + count * width
    if len(data) < end:
        raise broken(_NAME)
    if re.match(rb"\s*P[1-6]\s", data[end : end + 16]):
        raise animated(_NAME)
    return np.frombuffer(data, np.uint8 if width == 1 else np.dtype(">u2"), count, start)


READERS = (
    Reader(
        "Netpbm",
        tuple(magic + space for magic in _CHANNELS for space in (b" ", b"\t", b"\n", b"\r", b"#")),
        (".pgm", ".ppm", ".pbm", ".pnm"),
        decode_pnm,
    ),
)
