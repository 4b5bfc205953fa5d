"""The one place where highdicom is looked for: an install without the extra `dicom` imports everything else."""

from typing import Any

from senoscope.core.errors import MissingExtraError


def highdicom() -> Any:
    """Return the package highdicom.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import highdicom as found
    except ImportError as error:
        raise MissingExtraError("writing DICOM results", "dicom") from error
    return found
