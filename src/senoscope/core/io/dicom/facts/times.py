"""When a picture was taken: what the phases of a dynamic series are sorted by."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from senoscope.core.io.dicom.values import number, text, whole

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_DATE = re.compile(r"(\d{4})[.-]?(\d\d)[.-]?(\d\d)")
_TIME = re.compile(r"(\d\d):?(\d\d)?:?(\d\d)?(?:\.(\d{1,6}))?")
_MOMENT = re.compile(r"(\d{8})(\d{2,6}(?:\.\d{1,6})?)")


@dataclass(frozen=True)
class Times:
    """When a picture was taken; makers of MR scanners fill in different ones of these.

    Args:
        studied: start of the study.
        acquired: start of the acquisition that gave the picture (GE, Philips: often of the series).
        shown: when the picture's content was begun (Siemens: differs by phase).
        series: start of the series; one series a phase where phases are series.
        contrast: start of the injection.
        trigger: ms from the start of the series (GE: differs by phase).
        phase: TemporalPositionIdentifier, from 1.
        phases: NumberOfTemporalPositions.
        acquisition: AcquisitionNumber (Siemens: the phase, in some versions).
    """

    studied: datetime | None = None
    acquired: datetime | None = None
    shown: datetime | None = None
    series: datetime | None = None
    contrast: datetime | None = None
    trigger: float | None = None
    phase: int | None = None
    phases: int | None = None
    acquisition: int | None = None


def times_of(header: "Dataset") -> Times:
    """Read the times; one that has no date of its own is of the day of the study."""
    day = text(header, "StudyDate")
    acquired = _MOMENT.match(text(header, "AcquisitionDateTime"))
    return Times(
        studied=moment(day, text(header, "StudyTime")),
        acquired=moment(acquired[1], acquired[2])
        if acquired
        else moment(text(header, "AcquisitionDate") or day, text(header, "AcquisitionTime")),
        shown=moment(day, text(header, "ContentTime")),
        series=moment(day, text(header, "SeriesTime")),
        contrast=moment(day, text(header, "ContrastBolusStartTime")),
        trigger=number(header, "TriggerTime"),
        phase=whole(header, "TemporalPositionIdentifier"),
        phases=whole(header, "NumberOfTemporalPositions"),
        acquisition=whole(header, "AcquisitionNumber"),
    )


def moment(date: str, time: str) -> datetime | None:
    """Return date and time of DICOM's DA and TM, also as ACR-NEMA wrote them; None where either does not parse."""
    day, clock = _DATE.fullmatch(date), _TIME.fullmatch(time)
    if day is None or clock is None:
        return None
    hours, minutes, seconds = (int(part or 0) for part in clock.groups()[:3])
    micros = int((clock[4] or "").ljust(6, "0"))
    try:
        start = datetime(int(day[1]), int(day[2]), int(day[3]), hours, minutes)
    except ValueError:
        return None
    # A leap second is a 60th.
    return start + timedelta(seconds=min(seconds, 60), microseconds=micros) if seconds <= 60 else None
