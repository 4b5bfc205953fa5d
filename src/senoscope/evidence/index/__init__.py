"""The one table of a dataset: what its samples are, how they are told apart, divided and joined."""

from senoscope.evidence.index.samples import Dropped, Index, Sample
from senoscope.evidence.index.table import COLUMNS, read_index, write_index

__all__ = ["COLUMNS", "Dropped", "Index", "Sample", "read_index", "write_index"]
