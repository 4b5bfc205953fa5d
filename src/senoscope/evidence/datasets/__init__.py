"""Public datasets: one file each, one line in `DATASETS`."""

from senoscope.core.registry import Registry
from senoscope.evidence.datasets.base import Dataset
from senoscope.evidence.datasets.bus_bra import BUS_BRA
from senoscope.evidence.datasets.busi import BUSI

DATASETS: Registry[Dataset] = Registry("dataset", [(dataset.name, dataset) for dataset in (BUSI, BUS_BRA)])

__all__ = ["DATASETS", "Dataset"]
