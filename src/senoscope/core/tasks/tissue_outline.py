"""Breast tissue, H&E stain: what is every pixel?"""

from senoscope.core.tasks.base import Task

TISSUE_OUTLINE = Task(
    name="tissue_outline",
    title="Breast tissue, H&E stain: what tissue is where?",
    modality="histopathology",
    stage="confirmation",
    kind="segment",
    labels=(
        "exclude",
        *("tumor", "stroma", "lymphocytic_infiltrate", "necrosis_or_debris", "glandular_secretions", "blood"),
        *("metaplasia_NOS", "fat", "plasma_cells", "other_immune_infiltrate", "mucoid_material"),
        *("normal_acinus_or_duct", "lymphatics", "undetermined", "nerve", "skin_adnexa", "blood_vessel"),
        *("angioinvasion", "dcis", "other"),
    ),
    positive="tumor",
    color=True,
    smallest_side=64,
    microns_per_pixel=0.25,
    patch=(224, 224),
)
# The words of BCSS (Amgad et al. 2019, doi:10.1093/bioinformatics/btz083) but for "outside_roi", which is no tissue.
# "exclude" stands first, where nothing is listed as found: its pixels teach nothing, and the paper's network has a map
# for it all the same. BCSS's regions were saved at 0.25 µm per pixel.
