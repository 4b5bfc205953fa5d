"""Files to images: one door for every kind of still picture, told by contents and never by extension."""

from senoscope.core.io.base import LOCAL, SERVICE, Limits
from senoscope.core.io.files import READERS, find_images, read, read_bytes

__all__ = ["LOCAL", "READERS", "SERVICE", "Limits", "find_images", "read", "read_bytes"]
