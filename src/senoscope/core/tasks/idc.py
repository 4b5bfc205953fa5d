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
)
