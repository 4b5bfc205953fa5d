"""Which breast, and from where: from codes, from words, from the image, its frames and its series."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from senoscope.core.io.dicom.facts.codes import MODIFIERS, PREFIXES, SIDES, SUFFIXES, VIEWS, WHOLE_WORDS
from senoscope.core.io.dicom.values import group, item, items, text, words

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_PROJECTIONS = "XCCL|XCCM|CC|MLO|ML|LMO|LM|FB|SIO|ISO"
_WORD = re.compile(rf"([LR]?)([MS]?)({_PROJECTIONS}|{'|'.join(WHOLE_WORDS)})((?:{'|'.join(SUFFIXES)})*)")
_IN_TEXT = re.compile(
    r"(?<![A-Z])(L|R|LEFT|RIGHT)[ _-]{0,2}(XCCL|XCCM|CC|MLO|ML|LM)[ _-]?(ID|RL|RM)?(?![A-Z])|"
    r"(?<![A-Z])(CC|MLO|XCCL)[ _-]?(ID|RL|RM)?[ _-]{0,2}(L|R|LEFT|RIGHT)(?![A-Z])"
)


@dataclass(frozen=True)
class BreastView:
    """What a mammogram shows.

    Args:
        laterality: L, R, B for both; "" where nothing says it.
        view: ACR's word for the projection (CC, MLO, XCCL, …), "specimen"; "" where nothing says it.
        modifiers: what was special, in the words of `codes.MODIFIERS`, sorted.
        implant: whether there is an implant; None where nothing says it.
        partial: whether only part of the breast is meant to be seen.
        remarks: where the header contradicts itself.
    """

    laterality: str = ""
    view: str = ""
    modifiers: tuple[str, ...] = ()
    implant: bool | None = None
    partial: bool = False
    remarks: tuple[str, ...] = ()

    @property
    def implant_displaced(self) -> bool:
        """Whether the implant was pushed out of the picture (Eklund)."""
        return "implant displaced" in self.modifiers


def breast_view(header: "Dataset", frame: int = 0) -> BreastView:
    """Read which breast is shown and how.

    The side is the frame's (FrameLaterality), else the image's (ImageLaterality), else the series' (Laterality), else
    the modifier of the anatomic region. The view is the code's (ViewCodeSequence with its modifiers), else the word's
    (ViewPosition). Of a mammogram what is still missing is taken from the descriptions of series and protocol, where
    they name side and view in one word ("RMLO", "L CC ID"). PS3.3 C.8.11.7, C.8.21.6, C.7.6.16.2.8.
    """
    coded = item(header, "ViewCodeSequence")
    view, modifiers = _of_code(coded) if coded else ("", set())
    sides = _sides(header, frame)
    guesses = [_of_word(text(header, "ViewPosition"))]
    if text(header, "Modality") == "MG":
        guesses += [_of_text(text(header, keyword)) for keyword in ("SeriesDescription", "ProtocolName")]
    side = next(iter(sides), "")
    for guessed_side, guessed_view, guessed_modifiers in guesses:
        if guessed_view and guessed_view == (view or guessed_view):
            modifiers |= guessed_modifiers
        side, view = side or guessed_side, view or guessed_view
    implant = text(header, "BreastImplantPresent").upper()
    return BreastView(
        laterality=side,
        view=view,
        modifiers=tuple(sorted(modifiers)),
        implant={"YES": True, "NO": False}.get(implant),
        partial=text(header, "PartialView").upper() == "YES",
        remarks=(f"the header names the sides {' and '.join(sides)}; {side} is taken",) if len(sides) > 1 else (),
    )


def _sides(header: "Dataset", frame: int) -> tuple[str, ...]:
    """Return the sides that are named, those of the narrowest scope first."""
    regions = [header, group(header, "FrameAnatomySequence", frame)]
    coded = [
        SIDES.get(text(modifier, "CodeValue"), "")
        for place in regions
        for region in items(place, "AnatomicRegionSequence")[:1]
        for modifier in items(region, "AnatomicRegionModifierSequence")
    ]
    named = (
        text(regions[1], "FrameLaterality"),
        text(header, "ImageLaterality"),
        text(header, "Laterality"),
    )
    sides = (side for side in (*(word.upper()[:1] for word in named), *coded) if side in ("L", "R", "B"))
    return tuple(dict.fromkeys(sides))


def _of_code(coded: "Dataset") -> tuple[str, set[str]]:
    view = VIEWS.get(text(coded, "CodeValue"), "")
    codes = (text(modifier, "CodeValue") for modifier in items(coded, "ViewModifierCodeSequence"))
    return view, {MODIFIERS[code] for code in codes if code in MODIFIERS}


def _of_word(word: str) -> tuple[str, str, set[str]]:
    """Read a word such as MLO, LCC, CCID or SMLO; side, view and modifiers."""
    found = _WORD.fullmatch(re.sub(r"[^A-Z]", "", word.upper()))
    if found is None:
        return "", "", set()
    side, before, view, behind = found.groups()
    modifiers = {SUFFIXES[part] for part in re.findall("|".join(SUFFIXES), behind)}
    if before:
        modifiers.add(PREFIXES[before])
    if view in WHOLE_WORDS:
        view, modifier = WHOLE_WORDS[view]
        modifiers.add(modifier)
    return side, view, modifiers


def _of_text(description: str) -> tuple[str, str, set[str]]:
    """Read a description in which side and view stand together."""
    found = _IN_TEXT.search(description.upper())
    if found is None:
        return "", "", set()
    side, view, modifier = (found[1], found[2], found[3]) if found[1] else (found[6], found[4], found[5])
    return side[0], view, {SUFFIXES[modifier]} if modifier else set()


def orientation_of(header: "Dataset") -> tuple[str, str]:
    """Return where rows and columns run, in DICOM's letters ("A", "FR"); "" where not said (PS3.3 C.7.6.1.1.1)."""
    said = words(header, "PatientOrientation")
    return (said[0].upper(), said[1].upper()) if len(said) == 2 else ("", "")
