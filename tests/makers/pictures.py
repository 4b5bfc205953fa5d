"""Pictures that never were, and files that hold them."""

import struct
import zlib
from io import BytesIO
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image as Pil

from senoscope.core.domain.image import Pixels


def ultrasound(seed: int = 0, size: tuple[int, int] = (320, 256), *, malignant: bool = False) -> NDArray[np.uint8]:
    """Draw a breast ultrasound that never was: skin line, speckled tissue in layers, a dark lesion.

    A benign lesion is a smooth ellipse, wider than tall, bright below; a malignant one is taller than wide, of ragged
    outline, with a shadow below. Speckle is multiplicative and Rayleigh-distributed, as in B-mode pictures.

    Args:
        seed: of the random numbers; the same seed draws the same picture.
        size: width and height in pixels.
        malignant: which of the two kinds of lesion.

    Returns:
        (height, width) grey levels.
    """
    return outlined_ultrasound(seed, size, malignant=malignant)[0]


def outlined_ultrasound(
    seed: int = 0, size: tuple[int, int] = (320, 256), *, malignant: bool = False, lesion: bool = True
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Draw as `ultrasound` does, with or without the lesion; (height, width) grey levels, and where the lesion is."""
    random = np.random.default_rng([seed, int(malignant)])
    width, height = size
    y, x = np.mgrid[0:height, 0:width]
    down, across = y / height, x / width
    layers = 0.52 + 0.12 * np.sin(2 * np.pi * (4 * down + 0.5 * np.sin(2 * np.pi * across + random.uniform(0, 6))))
    tissue = np.clip(layers + 0.1 * _smooth(random, height, width, 12), 0.15, 1) * (1 - 0.55 * down)
    tissue[down < 0.03] = 0.9
    radius, ratio = random.uniform(0.13, 0.18), (1.25 if malignant else 0.62)
    centre_x, centre_y = random.uniform(0.4, 0.6), random.uniform(0.4, 0.5)
    angle = np.arctan2((down - centre_y) / ratio, across - centre_x)
    waves = [random.uniform(0.3, 1) * np.cos(k * angle + random.uniform(0, 6)) for k in (3, 5, 8, 11)]
    outline = radius * (1 + (0.11 if malignant else 0.015) * np.sum(waves, axis=0))
    distance = np.hypot(across - centre_x, (down - centre_y) / ratio) - outline
    inside = (1 / (1 + np.exp(distance * (60 if malignant else 160)))) * lesion
    below = (np.abs(across - centre_x) < 0.8 * radius) & (down > centre_y)
    echo = np.where(below & lesion, 0.55 if malignant else 1.35, 1.0)
    echo = _blurred(echo, width // 40 + 1, axes=(1,))
    clean = tissue * (1 - inside) * np.where(inside > 0.5, 1, echo) + 0.07 * inside
    speckle = _blurred(random.rayleigh(1.0, (height, width)), 3, axes=(1,))  # the beam is wider than the pulse is long
    speckle = 1 + 0.28 * (speckle - speckle.mean()) / speckle.std()
    speckled = _blurred(clean * np.clip(speckle, 0, None), 1)
    return np.asarray(np.clip(speckled * 255, 0, 255), np.uint8), (distance <= 0) & lesion


def _blurred(values: NDArray[np.float64], radius: int, axes: tuple[int, ...] = (0, 1)) -> NDArray[np.float64]:
    window = 2 * radius + 1
    for axis in axes:
        padded = np.pad(values, [(radius, radius) if other == axis else (0, 0) for other in range(2)], "edge")
        values = np.lib.stride_tricks.sliding_window_view(padded, window, axis).mean(axis=-1)
    return values


def _smooth(random: np.random.Generator, height: int, width: int, cells: int) -> NDArray[np.float64]:
    coarse = Pil.fromarray(random.normal(size=(cells, cells)).astype(np.float32))
    return np.asarray(coarse.resize((width, height), Pil.Resampling.BICUBIC), np.float64)


def grey(width: int = 24, height: int = 16, *, deep: bool = False) -> Pixels:
    """Return (height, width) levels, 8-bit or deep (16-bit), that use the whole range and differ at every edge."""
    dtype = np.uint16 if deep else np.uint8
    steps = np.arange(width * height, dtype=np.int64).reshape(height, width) * 2654435761
    return (steps % (int(np.iinfo(dtype).max) + 1)).astype(dtype)


def colour(width: int = 24, height: int = 16, *, deep: bool = False) -> Pixels:
    """Return (height, width, 3) levels of three different planes."""
    plane = grey(width, height, deep=deep)
    return np.stack([plane, plane[::-1], plane[:, ::-1]], axis=2)


def pil_bytes(pixels: Pixels | Pil.Image, kind: str, **options: Any) -> bytes:
    """Encode by Pillow: "PNG", "JPEG", "BMP", "GIF" …."""
    picture = pixels if isinstance(pixels, Pil.Image) else Pil.fromarray(pixels)
    out = BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def tiff_bytes(pixels: Pixels, **options: Any) -> bytes:
    """Encode by tifffile; options as its `imwrite` takes them."""
    out = BytesIO()
    tifffile.imwrite(out, pixels, **options)
    return out.getvalue()


def png_bytes(pixels: Pixels, colour_type: int, depth: int = 8, chunks: bytes = b"") -> bytes:
    """Encode a PNG by hand, so that every colour type and depth can be had.

    Args:
        pixels: (H, W) or (H, W, channels) of whole bytes; 16-bit levels are written high byte first.
        colour_type: 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGB and alpha.
        depth: bits a channel, 8 or 16.
        chunks: further chunks to lay before the pixels, from `png_chunk`.
    """
    height, width = pixels.shape[:2]
    rows = np.ascontiguousarray(pixels.astype(">u2" if depth == 16 else "u1")).view(np.uint8).reshape(height, -1)
    body = b"".join(b"\0" + row.tobytes() for row in rows)
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0))
    ending = png_chunk(b"IDAT", zlib.compress(body)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + chunks + ending


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """Return one chunk of a PNG with its checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def bomb_png(side: int = 30_000) -> bytes:
    """Return a small PNG that claims `side` × `side` pixels and would inflate to all of them."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    packer = zlib.compressobj(9)
    row = bytes(side + 1)
    body = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", body) + png_chunk(b"IEND", b"")


def exif_block(orientation: int, order: str = ">") -> bytes:
    """Return an Exif block that says nothing but how the picture lies."""
    mark = b"MM\0*" if order == ">" else b"II*\0"
    entry = struct.pack(f"{order}HHIHH", 0x0112, 3, 1, orientation, 0)
    return b"Exif\0\0" + mark + struct.pack(f"{order}IH", 8, 1) + entry + bytes(4)


def pgm_bytes(pixels: Pixels, maximum: int) -> bytes:
    """Encode a binary PGM or PPM with this full scale."""
    magic = b"P6" if pixels.ndim == 3 else b"P5"
    header = magic + f"\n# made for a test\n{pixels.shape[1]} {pixels.shape[0]}\n{maximum}\n".encode()
    return header + pixels.astype(">u2" if maximum > 255 else "u1").tobytes()


def oval(width: int, height: int, box: tuple[int, int, int, int]) -> NDArray[np.bool_]:
    """Draw a mask that fills a box (left, top, width, height) with an oval that touches all four edges."""
    left, top, across, down = box
    y, x = np.mgrid[0:height, 0:width]
    centre_x, centre_y = left + (across - 1) / 2, top + (down - 1) / 2
    return np.asarray(((x - centre_x) / (across / 2)) ** 2 + ((y - centre_y) / (down / 2)) ** 2 <= 1)
