"""Projections of mammograms, by the codes that DICOM writes for them."""

from senoscope.core.io.dicom.facts.codes import VIEWS


def view_of(code: str, position: str) -> str:
    """Return the projection that a header's view code or, without one, its view position names; "" if neither does."""
    return VIEWS.get(code, "" if code else position.upper()[:8])
