"""Projections of mammograms, by the codes that DICOM writes for them."""

VIEWS = {
    "R-10242": "CC",
    "399162004": "CC",
    "R-10226": "MLO",
    "399368009": "MLO",
    "R-10224": "ML",
    "399260004": "ML",
    "R-10228": "LM",
    "399352003": "LM",
    "R-10230": "LMO",
    "399099002": "LMO",
    "R-10244": "FB",
    "399196006": "FB",
}
"""SNOMED codes, old and new, of DICOM PS3.16, context group 4014, to ACR's short words."""


def view_of(code: str, position: str) -> str:
    """Return the projection that a header's view code or, without one, its view position names; "" if neither does."""
    return VIEWS.get(code, "" if code else position.upper()[:8])
