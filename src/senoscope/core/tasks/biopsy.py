"""Breast biopsy, H&E stain: is the tumour benign or malignant?"""

from senoscope.core.tasks.base import Task

BIOPSY = Task(
    name="biopsy",
    title="Breast biopsy, H&E stain: is the tumour benign or malignant?",
    modality="histopathology",
    stage="confirmation",
    kind="classify",
    labels=("benign", "malignant"),
    positive="malignant",
    color=True,
    smallest_side=64,
    microns_per_pixel=0.65,
    patch=(700, 460),
)
# BreakHis at 100X (Spanhol et al. 2016, doi:10.1109/TBME.2015.2496264): a camera with pixels of 6.5 µm behind a 10×
# objective is 0.65 µm per pixel, by which nuclei measure 8 µm and fat cells 65. The paper's own table gives 0.20, by
# which they would be 2.5 and 20.
