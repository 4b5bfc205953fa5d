"""Public datasets: one file each in the folder of its modality, one line in `DATASETS`."""

from senoscope.core.registry import Registry
from senoscope.evidence.datasets.base import Check, Dataset, Labelling
from senoscope.evidence.datasets.histopathology.bach import BACH
from senoscope.evidence.datasets.histopathology.bcss import BCSS
from senoscope.evidence.datasets.histopathology.breakhis import BREAKHIS
from senoscope.evidence.datasets.histopathology.idc import IDC_PATCHES
from senoscope.evidence.datasets.mammography.cbis_ddsm import CBIS_DDSM
from senoscope.evidence.datasets.mammography.cmmd import CMMD
from senoscope.evidence.datasets.mammography.inbreast import INBREAST
from senoscope.evidence.datasets.mammography.mini_mias import MINI_MIAS
from senoscope.evidence.datasets.mammography.rsna import RSNA
from senoscope.evidence.datasets.mammography.vindr_mammo import VINDR_MAMMO
from senoscope.evidence.datasets.mri.breastdcedl import BREASTDCEDL
from senoscope.evidence.datasets.mri.ispy2 import ISPY2
from senoscope.evidence.datasets.mri.qin_breast import QIN_BREAST
from senoscope.evidence.datasets.thermography.dmr_ir import DMR_IR
from senoscope.evidence.datasets.ultrasound.breast_usg import BREAST_USG
from senoscope.evidence.datasets.ultrasound.breastmnist import BREASTMNIST
from senoscope.evidence.datasets.ultrasound.bus_bra import BUS_BRA
from senoscope.evidence.datasets.ultrasound.busi import BUSI

DATASETS: Registry[Dataset] = Registry(
    "dataset",
    [
        (dataset.name, dataset)
        for dataset in (
            BUSI,
            BUS_BRA,
            BREAST_USG,
            BREASTMNIST,
            MINI_MIAS,
            RSNA,
            INBREAST,
            CMMD,
            VINDR_MAMMO,
            CBIS_DDSM,
            BREAKHIS,
            IDC_PATCHES,
            BCSS,
            BACH,
            DMR_IR,
            BREASTDCEDL,
            ISPY2,
            QIN_BREAST,
        )
    ],
)

__all__ = ["DATASETS", "Check", "Dataset", "Labelling"]
