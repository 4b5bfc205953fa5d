"""Tiny inputs, made in memory: no dataset picture is kept in the repository."""

from tests.makers.box_first import box_first
from tests.makers.boxes import tiny_box_bundle, tiny_box_network
from tests.makers.bundles import TINY, tiny_bundle, tiny_network
from tests.makers.dicom_files import dicom_bytes
from tests.makers.exams import AGES, tiny_exam_bundle, tiny_exam_network
from tests.makers.mammogram_sets import (
    cbis_ddsm,
    cmmd,
    inbreast,
    mias_densities,
    mias_lesions,
    mini_mias,
    rsna,
    rsna_exams,
    vindr_mammo,
)
from tests.makers.mri_sets import breastdcedl, ispy2, qin_breast
from tests.makers.outline_bundles import tiny_chain_bundle, tiny_outline_bundle, tiny_outline_network
from tests.makers.pictures import (
    bomb_png,
    colour,
    exif_block,
    grey,
    outlined_ultrasound,
    oval,
    pgm_bytes,
    pil_bytes,
    png_bytes,
    png_chunk,
    tiff_bytes,
    ultrasound,
)
from tests.makers.records import coded, dicom, drop_column, repeat_row, set_cell, table_cells, write_table
from tests.makers.slides import slide_file, tiny_slide_bundle, tissue
from tests.makers.thermogram_sets import breasts, dmr_ir, matrix_text, thermogram
from tests.makers.tissue_sets import bach, bcss, breakhis, idc
from tests.makers.ultrasound_sets import breast_usg, breastmnist, bus_bra, busi, busi_outlined

__all__ = [
    "AGES",
    "TINY",
    "bach",
    "bcss",
    "bomb_png",
    "box_first",
    "breakhis",
    "breast_usg",
    "breastdcedl",
    "breastmnist",
    "breasts",
    "bus_bra",
    "busi",
    "busi_outlined",
    "cbis_ddsm",
    "cmmd",
    "coded",
    "colour",
    "dicom",
    "dicom_bytes",
    "dmr_ir",
    "drop_column",
    "exif_block",
    "grey",
    "idc",
    "inbreast",
    "ispy2",
    "matrix_text",
    "mias_densities",
    "mias_lesions",
    "mini_mias",
    "outlined_ultrasound",
    "oval",
    "pgm_bytes",
    "pil_bytes",
    "png_bytes",
    "png_chunk",
    "qin_breast",
    "repeat_row",
    "rsna",
    "rsna_exams",
    "set_cell",
    "slide_file",
    "table_cells",
    "thermogram",
    "tiff_bytes",
    "tiny_box_bundle",
    "tiny_box_network",
    "tiny_bundle",
    "tiny_chain_bundle",
    "tiny_exam_bundle",
    "tiny_exam_network",
    "tiny_network",
    "tiny_outline_bundle",
    "tiny_outline_network",
    "tiny_slide_bundle",
    "tissue",
    "ultrasound",
    "vindr_mammo",
    "write_table",
]
