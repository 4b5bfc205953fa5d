"""DICOM files: their pictures, what their headers know, and folders of them."""

from senoscope.core.io.dicom.reading import READERS, read_frame

__all__ = ["READERS", "read_frame"]
