"""Breast tissue, H&E stain: does this patch hold invasive ductal carcinoma?"""

from senoscope.core.tasks.base import Task

IDC = Task(
    name="idc",
    title="Breast tissue, H&E stain: does this patch hold invasive ductal carcinoma?",
    modality="histopathology",
    stage="confirmation",
    kind="classify",
    labels=("idc_negative", "idc_positive"),
    positive="idc_positive",
    color=True,
    smallest_side=25,
    microns_per_pixel=8.0,
    patch=(50, 50),
)
# Cruz-Roa et al. 2014 (doi:10.1117/12.2043872) scanned at 40×, 0.25 µm per pixel, and asked about squares of 100 pixels
# of 4 µm. The published patches, 50 pixels a side, are of level "idx5" (Janowczyk & Madabhushi 2016,
# doi:10.4103/2153-3539.186902): 2⁵ × 0.25 = 8 µm, the same 0.4 mm of tissue. Their file names say where they lay, up to
# x = 3851 and y = 2901, which at 8 µm is 31 by 23 mm, a cassette's inside, and their fat cells measure 7 to 9 pixels.
