"""Tiny inputs, made in memory: no dataset picture is kept in the repository."""

from tests.makers.bundles import TINY, tiny_bundle, tiny_network
from tests.makers.mammogram_sets import mini_mias
from tests.makers.pictures import (
    bomb_png,
    colour,
    exif_block,
    grey,
    oval,
    pgm_bytes,
    pil_bytes,
    png_bytes,
    png_chunk,
    tiff_bytes,
    ultrasound,
)
from tests.makers.tissue_sets import breakhis, idc
from tests.makers.ultrasound_sets import bus_bra, busi

__all__ = [
    "TINY",
    "bomb_png",
    "breakhis",
    "bus_bra",
    "busi",
    "colour",
    "exif_block",
    "grey",
    "idc",
    "mini_mias",
    "oval",
    "pgm_bytes",
    "pil_bytes",
    "png_bytes",
    "png_chunk",
    "tiff_bytes",
    "tiny_bundle",
    "tiny_network",
    "ultrasound",
]
