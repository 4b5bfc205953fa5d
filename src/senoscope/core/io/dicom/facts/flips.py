"""How a mammogram has to be mirrored to hang as readers hang it, by PatientOrientation."""

from dataclasses import dataclass

from senoscope.core.io.dicom.facts.breast import BreastView

_OPPOSITE = {"A": "P", "P": "A", "L": "R", "R": "L", "H": "F", "F": "H"}
_OBLIQUE = ("MLO", "ML", "LM", "LMO", "SIO", "ISO")
_LEVEL = ("CC", "FB", "XCCL", "XCCM")


@dataclass(frozen=True)
class Flip:
    """What to do with the picture as it is stored.

    Args:
        sideways: left and right change places.
        upside: top and bottom change places.
    """

    sideways: bool
    upside: bool


def hanging_flip(orientation: tuple[str, str], breast: BreastView) -> Flip | None:
    """Return how to mirror a mammogram so that it hangs as usual; None where the header does not say enough.

    As usual: the chest wall of a left breast is at the left and of a right one at the right; the head is at the top,
    and of a craniocaudal view the outer side. The letters are those of PS3.3 C.7.6.1.1.1 and PS3.17 annex A.

    Args:
        orientation: where rows and columns run, as `orientation_of` returns it.
        breast: which and from where.
    """
    rows, columns = orientation
    across = {"L": "A", "R": "P"}.get(breast.laterality)
    down = {"L": "R", "R": "L"}.get(breast.laterality) if breast.view in _LEVEL else "F"
    if across is None or down is None or breast.view not in (*_OBLIQUE, *_LEVEL):
        return None
    sideways, upside = _against(rows, across), _against(columns, down)
    return None if sideways is None or upside is None else Flip(sideways, upside)


def _against(said: str, wanted: str) -> bool | None:
    """Whether a direction runs the other way; None where it runs neither way."""
    if wanted in said:
        return False
    return True if _OPPOSITE[wanted] in said else None
